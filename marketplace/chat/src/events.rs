//! Facts that this service tells others.

use platform::EventType;
use serde::{Deserialize, Serialize};

/// A seller made somebody a custom offer.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct OfferMade {
    /// The message that carries it.
    pub offer_id: String,
    /// Where it was made.
    pub conversation_id: String,
    /// The gig that it is about.
    pub gig_id: String,
    /// The gig's title.
    pub gig_title: String,
    /// Who may accept it.
    pub buyer_username: String,
    /// Where the mail goes.
    pub buyer_email: String,
    /// Who made it.
    pub seller_username: String,
    /// Their address.
    pub seller_email: String,
    /// What will be delivered.
    pub description: String,
    /// Price in minor units.
    pub price: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Days until delivery.
    pub delivery_in_days: i64,
}

impl EventType for OfferMade {
    const TYPE: &'static str = "chat.offer_made.v1";
}
