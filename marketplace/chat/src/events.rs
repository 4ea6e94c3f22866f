//! Facts that this service tells others.

use platform::EventType;
use platform::document::{Document, Events};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A seller made somebody a custom offer.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfferMade {
    /// The message that carries it.
    #[schema(format = "uuid")]
    pub offer_id: String,
    /// Where it was made.
    #[schema(format = "uuid")]
    pub conversation_id: String,
    /// The gig that it is about.
    pub gig_id: String,
    /// The gig's title.
    pub gig_title: String,
    /// Who may accept it.
    pub buyer_username: String,
    /// Where the mail goes.
    #[schema(format = Email)]
    pub buyer_email: String,
    /// Who made it.
    pub seller_username: String,
    /// Their address.
    #[schema(format = Email)]
    pub seller_email: String,
    /// What will be delivered.
    pub description: String,
    /// Price in minor units.
    #[schema(minimum = 100)]
    pub price: i64,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// Days until delivery.
    #[schema(minimum = 1, maximum = 90)]
    pub delivery_in_days: i64,
}

impl EventType for OfferMade {
    const TYPE: &'static str = "chat.offer_made.v1";
}

/// The events that this service sends, as AsyncAPI 3.
#[must_use]
pub fn asyncapi() -> Document {
    Events::of("chat", "Custom offers.").with::<OfferMade>().document()
}
