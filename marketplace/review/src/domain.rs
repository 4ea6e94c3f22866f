//! What a review is, and which ones are valid.

use platform::{ApiError, Caller, new_id, now};
use serde::{Deserialize, Serialize};

/// Longest text, in characters.
const MAX_TEXT: usize = 4000;

/// Which side of an order is reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The buyer reviews the seller.
    Seller,
    /// The seller reviews the buyer.
    Buyer,
}

impl Side {
    /// As stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Buyer => "buyer",
        }
    }
}

/// What somebody wants to say about an order, with the facts of that order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewReview {
    /// The order.
    pub order_id: String,
    /// Its gig.
    pub gig_id: String,
    /// Its buyer.
    pub buyer_id: String,
    /// Its seller.
    pub seller_id: String,
    /// 1 to 5.
    pub rating: i64,
    /// In words.
    pub text: String,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Its id.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// Its gig.
    pub gig_id: String,
    /// Its buyer.
    pub buyer_id: String,
    /// Its seller.
    pub seller_id: String,
    /// Who is reviewed.
    pub reviewed: Side,
    /// Who wrote it.
    pub reviewer_id: String,
    /// Their name.
    pub reviewer_username: String,
    /// 1 to 5.
    pub rating: i64,
    /// In words.
    pub text: String,
    /// When: RFC 3339.
    pub created_at: String,
}

impl Review {
    /// The review that `author` writes.
    ///
    /// # Errors
    ///
    /// 400 for a rating out of 1 to 5, an overlong text or missing ids; 403 when the author is neither side of the order.
    ///
    /// # Examples
    ///
    /// ```
    /// use platform::Caller;
    /// use review::domain::{NewReview, Review, Side};
    ///
    /// let new = NewReview {
    ///     order_id: "o-1".into(), gig_id: "g-1".into(), buyer_id: "u-1".into(), seller_id: "u-2".into(),
    ///     rating: 5, text: "splendid".into(),
    /// };
    /// let review = Review::by(&Caller::new("u-1", "ada", "ada@example.test"), new).unwrap();
    /// assert_eq!(review.reviewed, Side::Seller);
    /// ```
    pub fn by(author: &Caller, new: NewReview) -> Result<Self, ApiError> {
        for (name, value) in
            [("orderId", &new.order_id), ("gigId", &new.gig_id), ("buyerId", &new.buyer_id), ("sellerId", &new.seller_id)]
        {
            if !(1..=200).contains(&value.len()) {
                return Err(ApiError::bad_request("invalid_body", format!("`{name}` must have 1 to 200 characters")));
            }
        }
        if !(1..=5).contains(&new.rating) {
            let message = format!("`rating` is {}: expected 1 to 5", new.rating);
            return Err(ApiError::bad_request("invalid_rating", message));
        }
        if new.text.chars().count() > MAX_TEXT {
            let message = format!("`text` is too long: expected at most {MAX_TEXT} characters");
            return Err(ApiError::bad_request("invalid_body", message));
        }
        let reviewed = match author.id.as_str() {
            id if new.buyer_id == new.seller_id || id.is_empty() => None,
            id if id == new.buyer_id => Some(Side::Seller),
            id if id == new.seller_id => Some(Side::Buyer),
            _ => None,
        };
        let Some(reviewed) = reviewed else {
            return Err(ApiError::forbidden("not_your_order", "only the two sides of an order review each other"));
        };
        Ok(Self {
            id: new_id(),
            order_id: new.order_id,
            gig_id: new.gig_id,
            buyer_id: new.buyer_id,
            seller_id: new.seller_id,
            reviewed,
            reviewer_id: author.id.clone(),
            reviewer_username: author.username.clone(),
            rating: new.rating,
            text: new.text,
            created_at: now(),
        })
    }
}
