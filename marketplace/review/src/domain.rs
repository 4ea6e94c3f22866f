//! What a review is, and who may write one.

use platform::{ApiError, Caller};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest text of a review, in characters.
pub const MAX_TEXT: usize = 2_000;
/// Longest identifier that a request may name.
const MAX_ID: usize = 64;

/// Which side of an order is reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reviewed {
    /// The buyer reviews the seller.
    Seller,
    /// The seller reviews the buyer.
    Buyer,
}

impl Reviewed {
    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Buyer => "buyer",
        }
    }
}

/// What a request for a review says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewReview {
    /// The order that is over.
    #[schema(min_length = 1, max_length = 64)]
    pub order_id: String,
    /// Its gig.
    #[schema(min_length = 1, max_length = 64)]
    pub gig_id: String,
    /// Its buyer.
    #[schema(min_length = 1, max_length = 64)]
    pub buyer_id: String,
    /// Its seller.
    #[schema(min_length = 1, max_length = 64)]
    pub seller_id: String,
    /// Stars, 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub rating: i64,
    /// In words.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
}

/// A review as readers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
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

impl NewReview {
    /// The review, if the request is sound and the caller one of the order's two sides.
    ///
    /// # Errors
    /// 400 for a request that breaks a rule, 403 for a stranger.
    pub fn by(self, caller: &Caller) -> Result<Review, ApiError> {
        let reviewed = if caller.id == self.buyer_id && caller.id != self.seller_id {
            Reviewed::Seller
        } else if caller.id == self.seller_id && caller.id != self.buyer_id {
            Reviewed::Buyer
        } else {
            return Err(ApiError::forbidden("not_your_order", "only buyer and seller of an order can review it"));
        };
        let ids = [&self.order_id, &self.gig_id, &self.buyer_id, &self.seller_id];
        if ids.iter().any(|id| id.is_empty() || id.len() > MAX_ID) {
            return Err(ApiError::bad_request(
                "invalid_id",
                format!("`orderId`, `gigId`, `buyerId` and `sellerId` have 1 to {MAX_ID} characters"),
            ));
        }
        if !(1..=5).contains(&self.rating) {
            return Err(ApiError::bad_request("invalid_rating", "`rating` is a whole number from 1 to 5"));
        }
        let text = self.text.trim().to_owned();
        if text.is_empty() || text.chars().count() > MAX_TEXT {
            return Err(ApiError::bad_request("invalid_text", format!("`text` has 1 to {MAX_TEXT} characters")));
        }
        Ok(Review {
            id: platform::new_id(),
            order_id: self.order_id,
            gig_id: self.gig_id,
            buyer_id: self.buyer_id,
            seller_id: self.seller_id,
            reviewed,
            reviewer_id: caller.id.clone(),
            reviewer_username: caller.username.clone(),
            rating: self.rating,
            text,
            created_at: platform::now(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> NewReview {
        NewReview {
            order_id: "o".into(),
            gig_id: "g".into(),
            buyer_id: "b".into(),
            seller_id: "s".into(),
            rating: 5,
            text: " Fine work. ".into(),
        }
    }

    fn caller(id: &str) -> Caller {
        Caller::new(id, "ada", "ada@example.test")
    }

    #[test]
    fn each_side_reviews_the_other() {
        assert_eq!(request().by(&caller("b")).unwrap().reviewed, Reviewed::Seller);
        assert_eq!(request().by(&caller("s")).unwrap().reviewed, Reviewed::Buyer);
        assert_eq!(request().by(&caller("b")).unwrap().text, "Fine work.");
    }

    #[test]
    fn strangers_and_nonsense_are_refused() {
        let code = |request: NewReview, id| request.by(&caller(id)).unwrap_err().code();
        assert_eq!(code(request(), "x"), "not_your_order");
        assert_eq!(code(NewReview { seller_id: "b".into(), ..request() }, "b"), "not_your_order");
        assert_eq!(code(NewReview { rating: 6, ..request() }, "b"), "invalid_rating");
        assert_eq!(code(NewReview { text: "  ".into(), ..request() }, "b"), "invalid_text");
        assert_eq!(code(NewReview { order_id: String::new(), ..request() }, "b"), "invalid_id");
    }
}
