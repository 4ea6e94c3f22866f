//! Facts that this service tells others, and its view of what the users service tells.

use platform::EventType;
use platform::document::{Document, Events};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A gig was created.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GigCreated {
    /// The gig.
    #[schema(format = "uuid")]
    pub gig_id: String,
    /// Whose it is.
    pub seller_id: String,
    /// What is offered.
    pub title: String,
    /// Price in minor units.
    #[schema(minimum = 100)]
    pub price: i64,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
}

impl EventType for GigCreated {
    const TYPE: &'static str = "gig.created.v1";
}

/// A gig was deleted.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GigDeleted {
    /// The gig.
    #[schema(format = "uuid")]
    pub gig_id: String,
    /// Whose it was.
    pub seller_id: String,
}

impl EventType for GigDeleted {
    const TYPE: &'static str = "gig.deleted.v1";
}

/// Ratings as sum and count.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Rating {
    /// Sum of the stars.
    pub sum: i64,
    /// Number of reviews.
    pub count: i64,
}

/// Rating of one gig.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct GigRating {
    /// The gig.
    pub gig_id: String,
    /// Its rating.
    pub rating: Rating,
}

/// What this service reads of a seller's facts.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SellerFacts {
    /// The seller.
    pub seller_id: String,
    /// The account's name.
    pub username: String,
    /// Name as shown.
    pub full_name: String,
    /// URL of a picture; may be empty.
    #[serde(default)]
    pub profile_picture: String,
    /// Country.
    #[serde(default)]
    pub country: String,
    /// The seller's rating.
    pub rating: Rating,
    /// Rating of the gig whose review caused the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gig_rating: Option<GigRating>,
    /// Grows with every change of the seller.
    pub revision: i64,
}

/// A seller was created.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct SellerCreated(pub SellerFacts);

impl EventType for SellerCreated {
    const TYPE: &'static str = "users.seller_created.v1";
}

/// A seller's profile or rating changed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct SellerUpdated(pub SellerFacts);

impl EventType for SellerUpdated {
    const TYPE: &'static str = "users.seller_updated.v1";
}

/// The events that this service sends, as AsyncAPI 3.
#[must_use]
pub fn asyncapi() -> Document {
    Events::of("gig", "Gigs that come and go.").with::<GigCreated>().with::<GigDeleted>().document()
}
