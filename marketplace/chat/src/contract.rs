//! Provider states and messages for contract verification, on the code that production uses.

use platform::contract::{caller_of, test_caller};
use platform::{Caller, ContractHooks, Database, Event, new_id, now};
use serde_json::{Value, json};

use crate::domain::{Message, Offer, OfferStatus};
use crate::routes::offer_made;
use crate::store;

/// Who talks with the caller in every state.
const OTHER: &str = "grace";

/// States `a message to the caller exists` and `an offer to the caller exists`, both from `grace`, which answer
/// `conversationId`, `messageId`, `sender` and `receiver`; one message for each event.
#[must_use]
pub fn hooks(database: &Database) -> ContractHooks {
    let db = database.clone();
    let plain = move |params| said(db.clone(), params, None);
    let db = database.clone();
    let offered = move |params| said(db.clone(), params, Some(offer()));
    let hooks = ContractHooks::new()
        .state("a message to the caller exists", plain)
        .state("an offer to the caller exists", offered);
    hooks.message("an offer was made", |_params| async move {
        let buyer = test_caller();
        let seller = Caller::new("seller-1", "ada", "ada@example.test");
        let message = message(new_id(), &seller.username, &buyer.username, Some(offer()));
        let made = offer_made(&message, &buyer.email, &seller)
            .ok_or_else(|| anyhow::anyhow!("the message carries no offer"))?;
        Ok(Event::new(&message.id, &made)?)
    })
}

fn offer() -> Offer {
    Offer {
        gig_id: "gig-1".to_owned(),
        gig_title: "I will design a logo".to_owned(),
        price: 4_000,
        currency: "USD".to_owned(),
        description: "Two drafts".to_owned(),
        delivery_in_days: 2,
    }
}

fn message(conversation_id: String, sender: &str, receiver: &str, offer: Option<Offer>) -> Message {
    Message {
        id: new_id(),
        conversation_id,
        sender_username: sender.to_owned(),
        receiver_username: receiver.to_owned(),
        body: "How about this?".to_owned(),
        offer_status: offer.as_ref().map(|_| OfferStatus::Pending),
        offer,
        is_read: false,
        created_at: now(),
    }
}

async fn said(database: Database, params: Value, offer: Option<Offer>) -> anyhow::Result<Value> {
    let caller = caller_of(&params);
    let mut tx = database.begin().await?;
    let conversation = store::conversation_of(&mut tx, OTHER, &caller.username, &now()).await?;
    let message = message(conversation, OTHER, &caller.username, offer);
    store::insert(&mut tx, &message).await?;
    tx.commit().await?;
    Ok(json!({
        "conversationId": message.conversation_id,
        "messageId": message.id,
        "sender": message.sender_username,
        "receiver": message.receiver_username,
    }))
}
