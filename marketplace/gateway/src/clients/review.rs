//! The review service.

use platform::Caller;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CallError, Service};

/// A review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Id.
    #[schema(format = "uuid")]
    pub id: String,
    /// The order.
    pub order_id: String,
    /// Its gig.
    pub gig_id: String,
    /// Its buyer.
    pub buyer_id: String,
    /// Its seller.
    pub seller_id: String,
    /// Who is reviewed: `seller` or `buyer`.
    #[schema(pattern = "^(seller|buyer)$")]
    pub reviewed: String,
    /// Who wrote it.
    pub reviewer_id: String,
    /// The writer's name.
    pub reviewer_username: String,
    /// Stars, 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub rating: i64,
    /// In words.
    pub text: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A review to be, with the facts of its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Stars, 1 to 5.
    pub rating: i64,
    /// In words.
    pub text: String,
}

#[derive(Deserialize)]
struct ReviewAnswer {
    review: Review,
}

#[derive(Deserialize)]
struct ReviewsAnswer {
    reviews: Vec<Review>,
}

/// The review service.
#[derive(Clone, Debug)]
pub struct ReviewClient(Service);

impl ReviewClient {
    /// Wraps `service`.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self(service)
    }

    /// Reviews of a gig, newest first; `query` may name a page.
    ///
    /// # Errors
    /// When the service does not answer.
    pub async fn of_gig(&self, gig_id: &str, query: Option<&str>, caller: &Caller) -> Result<Vec<Review>, CallError> {
        let call = self.0.get("/api/v1/review/gig/{gigId}", &[gig_id]);
        let answer: ReviewsAnswer = call.query(query).send(caller).await?;
        Ok(answer.reviews)
    }

    /// Reviews of a seller, newest first; `query` may name a page.
    ///
    /// # Errors
    /// When the service does not answer.
    pub async fn of_seller(
        &self,
        seller_id: &str,
        query: Option<&str>,
        caller: &Caller,
    ) -> Result<Vec<Review>, CallError> {
        let call = self.0.get("/api/v1/review/seller/{sellerId}", &[seller_id]);
        let answer: ReviewsAnswer = call.query(query).send(caller).await?;
        Ok(answer.reviews)
    }

    /// Writes a review.
    ///
    /// # Errors
    /// 400 for what is not valid, 403 for somebody else's order, 409 when the caller has reviewed it.
    pub async fn create(
        &self,
        review: &NewReview,
        idempotency_key: Option<&str>,
        caller: &Caller,
    ) -> Result<Review, CallError> {
        let call = self.0.post("/api/v1/review", &[]).json(review);
        let answer: ReviewAnswer = call.idempotency_key(idempotency_key).send(caller).await?;
        Ok(answer.review)
    }
}
