//! Provider states and messages for contract verification, on the code that production uses.

use platform::contract::test_caller;
use platform::{ContractHooks, Database, Event, new_id, now};
use serde_json::{Value, json};

use crate::domain::Offer;
use crate::events::{GigCreated, GigDeleted};
use crate::store::{self, Filter, Order};

/// States `a gig exists` (`gigId`, `sellerId`, `title`, all optional; the seller is the contract's caller by default) and
/// `no gig exists`; one message for each event.
#[must_use]
pub fn hooks(database: &Database) -> ContractHooks {
    let db = database.clone();
    let one = move |params| gig_exists(db.clone(), params);
    let db = database.clone();
    let none = move |_| no_gig(db.clone());
    ContractHooks::new()
        .state("a gig exists", one)
        .state("no gig exists", none)
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

async fn gig_exists(database: Database, params: Value) -> anyhow::Result<Value> {
    let caller = test_caller();
    let id = text(&params, "gigId").unwrap_or_else(new_id);
    let seller = text(&params, "sellerId").unwrap_or(caller.id);
    let mut tx = database.begin().await?;
    store::delete(&mut tx, &id).await?;
    let offer = offer(text(&params, "title"));
    store::insert(&mut tx, &id, &seller, &caller.username, &offer, &now()).await?;
    tx.commit().await?;
    Ok(json!({ "gigId": id, "sellerId": seller }))
}

async fn no_gig(database: Database) -> anyhow::Result<Value> {
    let mut tx = database.begin().await?;
    loop {
        let gigs = store::list(&mut tx, &Filter::default(), &Order::Newest(None), 100).await?;
        if gigs.is_empty() {
            break;
        }
        for gig in gigs {
            store::delete(&mut tx, &gig.id).await?;
        }
    }
    tx.commit().await?;
    Ok(json!({}))
}
