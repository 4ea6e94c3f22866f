//! Provider states and messages for contract verification, on the code that production uses.

use platform::contract::{caller_of, test_caller};
use platform::{ContractHooks, Database, Event, new_id, now};
use serde_json::{Value, json};

use crate::domain::Offer;
use crate::events::{GigCreated, GigDeleted, GigRating, Rating, SellerFacts};
use crate::store;

/// States `a gig exists`, `a paused gig exists` and `a rated gig exists` (`gigId`, `sellerId`, `title`, all optional; the
/// seller is the caller by default), which answer `gigId` and `sellerId`, `no gig exists`, which answers the `gigId` of
/// none, and `a made-up seller exists`; one message for each event.
#[must_use]
pub fn hooks(database: &Database) -> ContractHooks {
    let db = database.clone();
    let one = move |params| gig_exists(db.clone(), params, Kind::Active);
    let db = database.clone();
    let paused = move |params| gig_exists(db.clone(), params, Kind::Paused);
    let db = database.clone();
    let rated = move |params| gig_exists(db.clone(), params, Kind::Rated);
    let db = database.clone();
    let made_up = move |_| made_up_seller(db.clone());
    ContractHooks::new()
        .state("a gig exists", one)
        .state("a paused gig exists", paused)
        .state("a rated gig exists", rated)
        .state("no gig exists", |_| async { Ok(json!({ "gigId": new_id() })) })
        .state("a made-up seller exists", made_up)
        .message("a gig was created", |params| async move {
            let data = GigCreated {
                gig_id: text(&params, "gigId").unwrap_or_else(new_id),
                seller_id: text(&params, "sellerId").unwrap_or(test_caller().id),
                title: offer(None).title,
                price: offer(None).price,
                currency: offer(None).currency,
            };
            Ok(Event::new(data.gig_id.clone(), &data)?)
        })
        .message("a gig was deleted", |params| async move {
            let data = GigDeleted {
                gig_id: text(&params, "gigId").unwrap_or_else(new_id),
                seller_id: text(&params, "sellerId").unwrap_or(test_caller().id),
            };
            Ok(Event::new(data.gig_id.clone(), &data)?)
        })
}

fn text(params: &Value, name: &str) -> Option<String> {
    params[name].as_str().map(str::to_owned)
}

fn offer(title: Option<String>) -> Offer {
    Offer {
        title: title.unwrap_or_else(|| "I will design a logo".to_owned()),
        description: "Three drafts within three days".to_owned(),
        category: "Graphics".to_owned(),
        sub_categories: vec!["Logo".to_owned()],
        tags: vec!["logo".to_owned()],
        price: 5_000,
        currency: "USD".to_owned(),
        delivery_days: 3,
        cover_image: String::new(),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Active,
    Paused,
    Rated,
}

async fn gig_exists(database: Database, params: Value, kind: Kind) -> anyhow::Result<Value> {
    let caller = caller_of(&params);
    let id = text(&params, "gigId").unwrap_or_else(new_id);
    let seller = text(&params, "sellerId").unwrap_or(caller.id);
    let mut tx = database.begin().await?;
    store::delete(&mut tx, &id).await?;
    let offer = offer(text(&params, "title"));
    store::insert(&mut tx, &id, &seller, &caller.username, &offer, &now()).await?;
    match kind {
        Kind::Active => {}
        Kind::Paused => store::set_active(&mut tx, &id, false, &now()).await?,
        Kind::Rated => {
            let gig_rating = Some(GigRating { gig_id: id.clone(), rating: Rating { sum: 5, count: 1 } });
            store::keep_seller(&mut tx, &facts(&seller, &caller.username, gig_rating)).await?;
        }
    }
    tx.commit().await?;
    Ok(json!({ "gigId": id, "sellerId": seller }))
}

/// What the users service would say of a seller first.
fn facts(id: &str, username: &str, gig_rating: Option<GigRating>) -> SellerFacts {
    SellerFacts {
        seller_id: id.to_owned(),
        username: username.to_owned(),
        full_name: "Ada Lovelace".to_owned(),
        profile_picture: String::new(),
        country: "UK".to_owned(),
        rating: Rating { sum: 5, count: 1 },
        gig_rating,
        revision: 1,
    }
}

async fn made_up_seller(database: Database) -> anyhow::Result<Value> {
    let mut tx = database.begin().await?;
    store::keep_seller(&mut tx, &facts("seed-seller", "seed-seller", None)).await?;
    tx.commit().await?;
    Ok(json!({ "sellerId": "seed-seller" }))
}
