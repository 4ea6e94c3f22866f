//! Facts that this service tells others.

use platform::EventType;
use platform::document::{Document, Events};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Ratings as sum and count, so that means are exact.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rating {
    /// Sum of the stars.
    #[schema(minimum = 0)]
    pub sum: i64,
    /// Number of reviews.
    #[schema(minimum = 0)]
    pub count: i64,
}

/// Rating of one gig.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GigRating {
    /// The gig.
    pub gig_id: String,
    /// Its rating as of this event.
    pub rating: Rating,
}

/// What others keep about a seller. Absolute values with a revision: applying one twice changes nothing.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SellerFacts {
    /// The seller; the account's id.
    #[schema(format = "uuid")]
    pub seller_id: String,
    /// The account's name.
    pub username: String,
    /// Name as shown.
    pub full_name: String,
    /// URL of a picture; empty when there is none.
    pub profile_picture: String,
    /// Country.
    pub country: String,
    /// The seller's rating as of this event.
    pub rating: Rating,
    /// Rating of the gig whose review caused this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gig_rating: Option<GigRating>,
    /// Grows with every change of the seller.
    #[schema(minimum = 1)]
    pub revision: i64,
}

/// A seller was created.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(transparent)]
pub struct SellerCreated(pub SellerFacts);

impl EventType for SellerCreated {
    const TYPE: &'static str = "users.seller_created.v1";
}

/// A seller's profile or rating changed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(transparent)]
pub struct SellerUpdated(pub SellerFacts);

impl EventType for SellerUpdated {
    const TYPE: &'static str = "users.seller_updated.v1";
}

/// The events that this service sends, as AsyncAPI 3.
#[must_use]
pub fn asyncapi() -> Document {
    Events::of("users", "Sellers, as others show them.").with::<SellerCreated>().with::<SellerUpdated>().document()
}
