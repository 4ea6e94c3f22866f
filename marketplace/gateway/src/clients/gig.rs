//! The gig service.

use platform::Caller;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CallError, Service};

/// A gig, with what is known about its seller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gig {
    /// Id.
    #[schema(format = "uuid")]
    pub id: String,
    /// Whose gig it is.
    pub seller_id: String,
    /// The seller's name.
    pub seller_username: String,
    /// The seller's name as shown; may be empty.
    pub seller_name: String,
    /// URL of the seller's picture; may be empty.
    pub seller_picture: String,
    /// What is offered.
    pub title: String,
    /// What is offered, at length.
    pub description: String,
    /// Category.
    pub category: String,
    /// Finer categories.
    pub sub_categories: Vec<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Price in minor units.
    #[schema(minimum = 100, maximum = 10000000)]
    pub price: i64,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// Days until delivery.
    #[schema(minimum = 1, maximum = 90)]
    pub delivery_days: i64,
    /// URL of a picture; may be empty.
    pub cover_image: String,
    /// Whether it can be found and ordered.
    pub active: bool,
    /// Sum of the stars of this gig.
    #[schema(minimum = 0)]
    pub rating_sum: i64,
    /// Number of reviews of this gig.
    #[schema(minimum = 0)]
    pub rating_count: i64,
    /// Sum of the seller's stars.
    #[schema(minimum = 0)]
    pub seller_rating_sum: i64,
    /// Number of the seller's reviews.
    #[schema(minimum = 0)]
    pub seller_rating_count: i64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// What a seller offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Offer {
    /// What is offered.
    #[schema(min_length = 5, max_length = 120)]
    pub title: String,
    /// At length.
    #[schema(min_length = 1, max_length = 4000)]
    pub description: String,
    /// Category.
    #[schema(min_length = 1, max_length = 60)]
    pub category: String,
    /// Finer categories.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub sub_categories: Vec<String>,
    /// Words to find it by.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub tags: Vec<String>,
    /// Price in minor units.
    #[schema(minimum = 100, maximum = 10000000)]
    pub price: i64,
    /// ISO 4217 code; `USD` when absent.
    #[serde(default = "usd")]
    #[schema(pattern = "^[A-Z]{3}$", default = "USD")]
    pub currency: String,
    /// Days until delivery.
    #[schema(minimum = 1, maximum = 90)]
    pub delivery_days: i64,
    /// URL of a picture.
    #[serde(default)]
    #[schema(max_length = 500, pattern = "^(https?://.*)?$")]
    pub cover_image: String,
}

fn usd() -> String {
    "USD".to_owned()
}

/// One page of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = GigPage)]
pub struct Page {
    /// Number of gigs on all pages.
    #[schema(minimum = 0)]
    pub total: i64,
    /// Newest first.
    pub gigs: Vec<Gig>,
    /// `from` of the next older page (`forward`).
    pub next: Option<String>,
    /// `from` of the next newer page (`backward`).
    pub previous: Option<String>,
}

/// A switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetActive {
    /// Whether the gig can be found and ordered.
    pub active: bool,
}

/// What seeding made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeededGigs {
    /// How many gigs.
    pub created: u64,
    /// Their ids.
    pub gig_ids: Vec<String>,
}

#[derive(Deserialize)]
struct GigAnswer {
    gig: Gig,
}

#[derive(Deserialize)]
struct GigsAnswer {
    gigs: Vec<Gig>,
}

/// The gig service.
#[derive(Clone, Debug)]
pub struct GigClient(Service);

impl GigClient {
    /// Wraps `service`.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self(service)
    }

    /// One gig.
    ///
    /// # Errors
    /// 404 when there is no such gig.
    pub async fn gig(&self, gig_id: &str, caller: &Caller) -> Result<Gig, CallError> {
        let call = self.0.get("/api/v1/gig/{gigId}", &[gig_id]);
        let answer: GigAnswer = call.send(caller).await?;
        Ok(answer.gig)
    }

    /// Gigs that match a query string (`query`, `minPrice`, `maxPrice`, `deliveryDays`, `category`).
    ///
    /// # Errors
    /// 400 when the query is not valid.
    pub async fn search(
        &self,
        from: &str,
        size: &str,
        direction: &str,
        query: Option<&str>,
        caller: &Caller,
    ) -> Result<Page, CallError> {
        let values = [from, size, direction];
        let call = self.0.get("/api/v1/gig/search/{from}/{size}/{type}", &values);
        call.query(query).send(caller).await
    }

    /// A seller's active gigs.
    ///
    /// # Errors
    /// When the service does not answer.
    pub async fn of_seller(&self, seller: &str, query: Option<&str>, caller: &Caller) -> Result<Vec<Gig>, CallError> {
        self.list("/api/v1/gig/seller/{sellerId}", seller, query, caller).await
    }

    /// A seller's paused gigs.
    ///
    /// # Errors
    /// 403 when they are somebody else's.
    pub async fn paused_of_seller(
        &self,
        seller: &str,
        query: Option<&str>,
        caller: &Caller,
    ) -> Result<Vec<Gig>, CallError> {
        self.list("/api/v1/gig/seller/pause/{sellerId}", seller, query, caller).await
    }

    /// Gigs of the category that the caller looks at.
    ///
    /// # Errors
    /// 403 when it is somebody else's choice.
    pub async fn of_category(
        &self,
        username: &str,
        query: Option<&str>,
        caller: &Caller,
    ) -> Result<Vec<Gig>, CallError> {
        self.list("/api/v1/gig/category/{username}", username, query, caller).await
    }

    /// The best-rated gigs of that category.
    ///
    /// # Errors
    /// 403 when it is somebody else's choice.
    pub async fn top_rated(&self, username: &str, query: Option<&str>, caller: &Caller) -> Result<Vec<Gig>, CallError> {
        self.list("/api/v1/gig/top/{username}", username, query, caller).await
    }

    /// Gigs like this one.
    ///
    /// # Errors
    /// 404 when there is no such gig.
    pub async fn similar(&self, gig_id: &str, caller: &Caller) -> Result<Vec<Gig>, CallError> {
        self.list("/api/v1/gig/similar/{gigId}", gig_id, None, caller).await
    }

    async fn list(
        &self,
        template: &'static str,
        value: &str,
        query: Option<&str>,
        caller: &Caller,
    ) -> Result<Vec<Gig>, CallError> {
        let call = self.0.get(template, &[value]).query(query);
        let answer: GigsAnswer = call.send(caller).await?;
        Ok(answer.gigs)
    }

    /// Creates a gig of the caller.
    ///
    /// # Errors
    /// 400 for what is not valid.
    pub async fn create(&self, offer: &Offer, caller: &Caller) -> Result<Gig, CallError> {
        let call = self.0.post("/api/v1/gig/create", &[]).json(offer);
        let answer: GigAnswer = call.send(caller).await?;
        Ok(answer.gig)
    }

    /// Replaces what a gig offers.
    ///
    /// # Errors
    /// 403 when it is somebody else's.
    pub async fn update(&self, gig_id: &str, offer: &Offer, caller: &Caller) -> Result<Gig, CallError> {
        let call = self.0.put("/api/v1/gig/{gigId}", &[gig_id]).json(offer);
        let answer: GigAnswer = call.send(caller).await?;
        Ok(answer.gig)
    }

    /// Activates or pauses a gig.
    ///
    /// # Errors
    /// 403 when it is somebody else's.
    pub async fn set_active(&self, gig_id: &str, active: SetActive, caller: &Caller) -> Result<Gig, CallError> {
        let call = self.0.put("/api/v1/gig/active/{gigId}", &[gig_id]);
        let answer: GigAnswer = call.json(&active).send(caller).await?;
        Ok(answer.gig)
    }

    /// Deletes a gig.
    ///
    /// # Errors
    /// 403 when it is somebody else's, 404 when there is no such gig of that seller.
    pub async fn delete(&self, gig_id: &str, seller_id: &str, caller: &Caller) -> Result<(), CallError> {
        let values = [gig_id, seller_id];
        let call = self.0.delete("/api/v1/gig/{gigId}/{sellerId}", &values);
        call.send(caller).await
    }

    /// Makes gigs up.
    ///
    /// # Errors
    /// 403 where that is not wanted.
    pub async fn seed(&self, count: &str, caller: &Caller) -> Result<SeededGigs, CallError> {
        let call = self.0.put("/api/v1/gig/seed/{count}", &[count]);
        call.send(caller).await
    }
}
