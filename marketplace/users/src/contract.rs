//! Provider states and messages for contract verification, on the code that production uses.

use platform::contract::{caller_of, test_caller};
use platform::{Caller, ContractHooks, Database, Event, new_id, now};
use serde_json::{Value, json};

use crate::domain::Profile;
use crate::events::{GigRating, Rating, SellerCreated, SellerFacts, SellerUpdated};
use crate::store::{self, Key};

/// States `a seller exists` (`sellerId`), `the caller is a seller`, `the caller is no seller`, `a buyer exists` (the
/// caller), `another buyer exists` (`username`) and `a made-up buyer exists`; one message for each event.
#[must_use]
pub fn hooks(database: &Database) -> ContractHooks {
    let db = database.clone();
    let seller = move |params| {
        let id = text(&params, "sellerId").unwrap_or_else(new_id);
        let account = Caller::new(&id, format!("seller-{id}"), "seller@example.test");
        seller_exists(db.clone(), account)
    };
    let db = database.clone();
    let own = move |params| seller_exists(db.clone(), caller_of(&params));
    let db = database.clone();
    let none = move |params| no_seller(db.clone(), caller_of(&params));
    let db = database.clone();
    let buyer = move |params| buyer_exists(db.clone(), caller_of(&params));
    let db = database.clone();
    let other = move |params| {
        let name = text(&params, "username").unwrap_or_else(|| "grace".to_owned());
        buyer_exists(db.clone(), Caller::new(format!("buyer-{name}"), &name, format!("{name}@example.test")))
    };
    let db = database.clone();
    let made_up = move |_| {
        let id = new_id();
        let name = format!("seed-{}", id.rsplit('-').next().unwrap_or(&id));
        buyer_exists(db.clone(), Caller::new(&id, &name, format!("{name}@example.test")))
    };
    ContractHooks::new()
        .state("a seller exists", seller)
        .state("the caller is a seller", own)
        .state("the caller is no seller", none)
        .state("a buyer exists", buyer)
        .state("another buyer exists", other)
        .state("a made-up buyer exists", made_up)
        .message("a seller was created", |params| async move {
            let facts = facts(&params, None);
            Ok(Event::new(facts.seller_id.clone(), &SellerCreated(facts))?)
        })
        .message("a seller was updated", |params| async move {
            let gig_rating = Some(GigRating {
                gig_id: params["gigId"].as_str().unwrap_or("gig-1").to_owned(),
                rating: Rating { sum: 5, count: 1 },
            });
            let facts = facts(&params, gig_rating);
            Ok(Event::new(facts.seller_id.clone(), &SellerUpdated(facts))?)
        })
}

fn text(params: &Value, name: &str) -> Option<String> {
    params[name].as_str().map(str::to_owned)
}

fn facts(params: &Value, gig_rating: Option<GigRating>) -> SellerFacts {
    let caller = test_caller();
    SellerFacts {
        seller_id: params["sellerId"].as_str().map_or(caller.id, str::to_owned),
        username: caller.username,
        full_name: "Ada Lovelace".to_owned(),
        profile_picture: String::new(),
        country: "UK".to_owned(),
        rating: Rating { sum: 9, count: 2 },
        gig_rating,
        revision: 2,
    }
}

fn profile() -> Profile {
    Profile {
        full_name: "Ada Lovelace".to_owned(),
        description: "Engines and poetry".to_owned(),
        oneliner: "Engines".to_owned(),
        country: "UK".to_owned(),
        profile_picture: String::new(),
        languages: vec!["English".to_owned()],
        skills: vec!["analysis".to_owned()],
    }
}

/// States are asked for by several consumers at once, and two writers of the same names would stumble over each other.
const SETTING_UP: &str = "provider state";

async fn seller_exists(database: Database, account: Caller) -> anyhow::Result<Value> {
    let mut tx = database.begin().await?;
    tx.lock(SETTING_UP).await?;
    if store::seller(&mut tx, Key::Id, &account.id).await?.is_none() {
        let Caller { id, username, email } = &account;
        store::create_seller(&mut tx, id, username, email, &profile(), &now()).await?;
        tx.commit().await?;
    }
    Ok(json!({ "sellerId": account.id, "sellerUsername": account.username }))
}

async fn no_seller(database: Database, caller: Caller) -> anyhow::Result<Value> {
    let mut tx = database.begin().await?;
    sqlx::query("DELETE FROM sellers WHERE id = $1").bind(caller.id).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(json!({}))
}

async fn buyer_exists(database: Database, buyer: Caller) -> anyhow::Result<Value> {
    let mut tx = database.begin().await?;
    tx.lock(SETTING_UP).await?;
    store::create_buyer(&mut tx, &buyer.id, &buyer.username, &buyer.email, &now()).await?;
    tx.commit().await?;
    Ok(json!({ "buyerId": buyer.id, "username": buyer.username }))
}
