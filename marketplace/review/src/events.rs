//! Facts that this service tells others.

use platform::document::{Document, Events};
use platform::{Event, EventError, EventType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{Review, Reviewed};

/// A review was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewSubmitted {
    /// The review.
    #[schema(format = "uuid")]
    pub review_id: String,
    /// The order.
    pub order_id: String,
    /// The gig.
    pub gig_id: String,
    /// The order's buyer.
    pub buyer_id: String,
    /// The order's seller.
    pub seller_id: String,
    /// Who is reviewed.
    pub reviewed: Reviewed,
    /// Who wrote it.
    pub reviewer_id: String,
    /// The writer's name.
    pub reviewer_username: String,
    /// Stars, 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub rating: i64,
    /// In words.
    pub text: String,
    /// When: RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl EventType for ReviewSubmitted {
    const TYPE: &'static str = "review.submitted.v1";
}

/// The event of a new review.
///
/// # Errors
/// Never for a review; the signature is that of [`Event::new`].
pub fn submitted(review: &Review) -> Result<Event, EventError> {
    let review = review.clone();
    Event::new(
        review.id.clone(),
        &ReviewSubmitted {
            review_id: review.id,
            order_id: review.order_id,
            gig_id: review.gig_id,
            buyer_id: review.buyer_id,
            seller_id: review.seller_id,
            reviewed: review.reviewed,
            reviewer_id: review.reviewer_id,
            reviewer_username: review.reviewer_username,
            rating: review.rating,
            text: review.text,
            created_at: review.created_at,
        },
    )
}

/// The events that this service sends, as AsyncAPI 3.
#[must_use]
pub fn asyncapi() -> Document {
    Events::of("review", "Reviews.").with::<ReviewSubmitted>().document()
}
