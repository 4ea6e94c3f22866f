//! Messages for contract verification, built by the code that production uses.

use platform::contract::test_caller;
use platform::{Caller, ContractHooks, Event, new_id, now};

use crate::domain::{Message, Offer, OfferStatus};
use crate::routes::offer_made;

/// One message for each event.
#[must_use]
pub fn hooks() -> ContractHooks {
    ContractHooks::new().message("an offer was made", |_params| async move {
        let buyer = test_caller();
        let seller = Caller::new("seller-1", "ada", "ada@example.test");
        let message = Message {
            id: new_id(),
            conversation_id: new_id(),
            sender_username: seller.username.clone(),
            receiver_username: buyer.username,
            body: "How about this?".to_owned(),
            offer: Some(Offer {
                gig_id: "gig-1".to_owned(),
                gig_title: "I will design a logo".to_owned(),
                price: 4_000,
                currency: "USD".to_owned(),
                description: "Two drafts".to_owned(),
                delivery_in_days: 2,
            }),
            offer_status: Some(OfferStatus::Pending),
            is_read: false,
            created_at: now(),
        };
        let made = offer_made(&message, &buyer.email, &seller)
            .ok_or_else(|| anyhow::anyhow!("the message carries no offer"))?;
        Ok(Event::new(&message.id, &made)?)
    })
}
