//! What a message and an offer are.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest message in characters.
pub const MAX_BODY: usize = 4000;
/// Longest username or id in characters.
const MAX_NAME: usize = 128;

/// A conversation, with its last message.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Id, UUIDv7.
    #[schema(format = "uuid")]
    pub id: String,
    /// The two people, sorted by name.
    pub usernames: [String; 2],
    /// The last message; none in a conversation that has just begun.
    pub last_message: Option<Message>,
}

/// A message.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Id, UUIDv7.
    #[schema(format = "uuid")]
    pub id: String,
    /// Its conversation.
    #[schema(format = "uuid")]
    pub conversation_id: String,
    /// Who wrote it.
    pub sender_username: String,
    /// Who it is for.
    pub receiver_username: String,
    /// The text; may be empty when there is an offer.
    pub body: String,
    /// A custom offer.
    pub offer: Option<Offer>,
    /// What became of the offer.
    pub offer_status: Option<OfferStatus>,
    /// Whether the receiver has read it.
    pub is_read: bool,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A seller's offer to one buyer.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// The gig that it is about.
    #[schema(max_length = 128)]
    pub gig_id: String,
    /// The gig's title.
    #[schema(max_length = 120)]
    pub gig_title: String,
    /// Price in minor units.
    #[schema(minimum = 100, maximum = 10000000)]
    pub price: i64,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// What will be delivered.
    #[schema(max_length = 4000)]
    pub description: String,
    /// Days until delivery.
    #[schema(minimum = 1, maximum = 90)]
    pub delivery_in_days: i64,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OfferStatus {
    /// Nothing yet.
    Pending,
    /// The buyer wants it.
    Accepted,
    /// One of the two does not want it.
    Cancelled,
}

impl OfferStatus {
    /// Its name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of a name; none for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Accepted, Self::Cancelled].into_iter().find(|status| status.as_str() == text)
    }
}

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Nothing is said and nothing offered.
    #[error("`body` is empty: expected a text or an offer")]
    Empty,
    /// Too much is said.
    #[error("`{field}` has {found} characters: expected at most {most}")]
    Length {
        /// The field.
        field: &'static str,
        /// Its length.
        found: usize,
        /// Greatest length.
        most: usize,
    },
    /// A number is out of range.
    #[error("`{field}` is `{found}`: expected {least} to {most}")]
    Range {
        /// The field.
        field: &'static str,
        /// Its value.
        found: i64,
        /// Least value.
        least: i64,
        /// Greatest value.
        most: i64,
    },
    /// Not a currency.
    #[error("`offer.currency` is not valid: expected three capital letters, as in ISO 4217")]
    Currency,
    /// Nobody is addressed.
    #[error("`receiverUsername` is empty: expected a username")]
    Nobody,
    /// Somebody talks to themselves.
    #[error("`receiverUsername` is the sender: expected somebody else")]
    Oneself,
}

/// Checks what somebody sends.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(sender: &str, receiver: &str, body: &str, offer: Option<&Offer>) -> Result<(), Invalid> {
    if receiver.is_empty() {
        return Err(Invalid::Nobody);
    }
    at_most("receiverUsername", receiver, MAX_NAME)?;
    if sender == receiver {
        return Err(Invalid::Oneself);
    }
    if body.trim().is_empty() && offer.is_none() {
        return Err(Invalid::Empty);
    }
    at_most("body", body, MAX_BODY)?;
    let Some(offer) = offer else {
        return Ok(());
    };
    at_most("offer.gigId", &offer.gig_id, MAX_NAME)?;
    at_most("offer.gigTitle", &offer.gig_title, 120)?;
    at_most("offer.description", &offer.description, MAX_BODY)?;
    range("offer.price", offer.price, 100, 10_000_000)?;
    range("offer.deliveryInDays", offer.delivery_in_days, 1, 90)?;
    if offer.currency.len() != 3 || !offer.currency.chars().all(|c| c.is_ascii_uppercase()) {
        return Err(Invalid::Currency);
    }
    Ok(())
}

fn at_most(field: &'static str, text: &str, most: usize) -> Result<(), Invalid> {
    let found = text.chars().count();
    if found <= most { Ok(()) } else { Err(Invalid::Length { field, found, most }) }
}

fn range(field: &'static str, found: i64, least: i64, most: i64) -> Result<(), Invalid> {
    if (least..=most).contains(&found) { Ok(()) } else { Err(Invalid::Range { field, found, least, most }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        Offer {
            gig_id: "g".into(),
            gig_title: "I will design a logo".into(),
            price: 4000,
            currency: "USD".into(),
            description: "For you".into(),
            delivery_in_days: 2,
        }
    }

    #[test]
    fn offer_needs_no_text() {
        assert_eq!(check("ada", "bob", "", Some(&offer())), Ok(()));
        assert_eq!(check("ada", "bob", " ", None), Err(Invalid::Empty));
    }

    #[test]
    fn somebody_else_is_addressed() {
        assert_eq!(check("ada", "", "hello", None), Err(Invalid::Nobody));
        let long = check("ada", &"x".repeat(129), "hello", None);
        assert!(matches!(long, Err(Invalid::Length { field: "receiverUsername", found: 129, .. })));
    }

    #[test]
    fn nobody_talks_to_themselves() {
        assert_eq!(check("ada", "ada", "hello", None), Err(Invalid::Oneself));
    }

    #[test]
    fn offers_are_bounded() {
        let free = Offer { price: 0, ..offer() };
        assert!(matches!(check("ada", "bob", "", Some(&free)), Err(Invalid::Range { field: "offer.price", .. })));
        let foreign = Offer { currency: "usd".into(), ..offer() };
        assert_eq!(check("ada", "bob", "", Some(&foreign)), Err(Invalid::Currency));
    }

    #[test]
    fn status_names_read_back() {
        for status in [OfferStatus::Pending, OfferStatus::Accepted, OfferStatus::Cancelled] {
            assert_eq!(OfferStatus::parse(status.as_str()), Some(status));
        }
        assert_eq!(OfferStatus::parse("gone"), None);
    }
}
