//! Provider states and messages for contract verification, on the code that production uses.

use platform::contract::test_caller;
use platform::{Caller, ContractHooks, Database, Event, now};
use serde_json::{Value, json};

use crate::domain::Profile;
use crate::events::{GigRating, Rating, SellerCreated, SellerFacts, SellerUpdated};
use crate::store::{self, Key};

/// States `a seller exists` (`sellerId`), `the caller is a seller`, `the caller is no seller` and `a buyer exists`; one
/// message for each event.
#[must_use]
pub fn hooks(database: &Database) -> ContractHooks {
    let db = database.clone();
    let seller = move |params: Value| seller_exists(db.clone(), params["sellerId"].clone());
    let db = database.clone();
    let own = move |_| seller_exists(db.clone(), Value::Null);
    let db = database.clone();
    let none = move |_| no_seller(db.clone());
    let db = database.clone();
    let buyer = move |_| buyer_exists(db.clone());
    ContractHooks::new()
        .state("a seller exists", seller)
        .state("the caller is a seller", own)
        .state("the caller is no seller", none)
        .state("a buyer exists", buyer)
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

async fn seller_exists(database: Database, id: Value) -> anyhow::Result<Value> {
    let account = match id.as_str() {
        Some(id) => Caller::new(id, format!("seller-{id}"), "seller@example.test"),
        None => test_caller(),
    };
    let mut tx = database.begin().await?;
    tx.lock(SETTING_UP).await?;
    if store::seller(&mut tx, Key::Id, &account.id).await?.is_none() {
        let Caller { id, username, email } = &account;
        store::create_seller(&mut tx, id, username, email, &profile(), &now()).await?;
        tx.commit().await?;
    }
    Ok(json!({ "sellerId": account.id, "username": account.username }))
}

async fn no_seller(database: Database) -> anyhow::Result<Value> {
    let mut tx = database.begin().await?;
    sqlx::query("DELETE FROM sellers WHERE id = $1").bind(test_caller().id).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(json!({}))
}

async fn buyer_exists(database: Database) -> anyhow::Result<Value> {
    let caller = test_caller();
    let mut tx = database.begin().await?;
    tx.lock(SETTING_UP).await?;
    store::create_buyer(&mut tx, &caller.id, &caller.username, &caller.email, &now()).await?;
    tx.commit().await?;
    Ok(json!({ "buyerId": caller.id, "username": caller.username }))
}
