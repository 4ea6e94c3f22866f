//! The users service: buyers and sellers.

use std::collections::BTreeMap;

use platform::Caller;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CallError, Service};

/// Somebody who buys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Buyer {
    /// The account's id.
    #[schema(format = "uuid")]
    pub id: String,
    /// The account's name.
    pub username: String,
    /// The account's address; for its owner only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Email)]
    pub email: Option<String>,
    /// Whether the account is a seller too.
    pub is_seller: bool,
    /// Orders that are neither completed nor cancelled.
    #[schema(minimum = 0)]
    pub ongoing_orders: i64,
    /// Completed orders.
    #[schema(minimum = 0)]
    pub completed_orders: i64,
    /// Cancelled orders.
    #[schema(minimum = 0)]
    pub cancelled_orders: i64,
    /// Sum of the stars given by sellers.
    #[schema(minimum = 0)]
    pub rating_sum: i64,
    /// Number of reviews by sellers.
    #[schema(minimum = 0)]
    pub rating_count: i64,
    /// What happened to the access to the account; for its owner only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountActivity>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// What happened to the access to an account: its owner knows whether that was them.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountActivity {
    /// Mails to verify the address that were asked for.
    #[schema(minimum = 0)]
    pub verifications: i64,
    /// Mails to reset the password that were asked for.
    #[schema(minimum = 0)]
    pub resets: i64,
    /// Passwords that were set.
    #[schema(minimum = 0)]
    pub password_changes: i64,
}

/// Somebody who sells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Seller {
    /// The account's id.
    #[schema(format = "uuid")]
    pub id: String,
    /// The account's name.
    pub username: String,
    /// The account's address; for its owner only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Email)]
    pub email: Option<String>,
    /// Name as shown.
    pub full_name: String,
    /// What the seller says.
    pub description: String,
    /// The same in one line.
    pub oneliner: String,
    /// Country.
    pub country: String,
    /// URL of a picture; may be empty.
    pub profile_picture: String,
    /// Languages spoken.
    pub languages: Vec<String>,
    /// Skills.
    pub skills: Vec<String>,
    /// Number of gigs.
    #[schema(minimum = 0)]
    pub total_gigs: i64,
    /// Jobs that are neither completed nor cancelled.
    #[schema(minimum = 0)]
    pub ongoing_jobs: i64,
    /// Completed jobs.
    #[schema(minimum = 0)]
    pub completed_jobs: i64,
    /// Cancelled jobs.
    #[schema(minimum = 0)]
    pub cancelled_jobs: i64,
    /// Deliveries made.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub deliveries: i64,
    /// How often more time was asked for.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub extensions_requested: i64,
    /// How often it was granted.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub extensions_granted: i64,
    /// How often it was refused.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub extensions_refused: i64,
    /// Minor units earned, by currency; for the owner only.
    #[serde(default)]
    pub earnings: BTreeMap<String, i64>,
    /// Sum of the stars given by buyers.
    #[schema(minimum = 0)]
    pub rating_sum: i64,
    /// Number of reviews by buyers.
    #[schema(minimum = 0)]
    pub rating_count: i64,
    /// Mean of the stars; 0 without reviews.
    #[schema(minimum = 0, maximum = 5)]
    pub rating: f64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// What a seller says about themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// Name as shown.
    #[schema(min_length = 1, max_length = 80)]
    pub full_name: String,
    /// At length.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub description: String,
    /// In one line.
    #[serde(default)]
    #[schema(max_length = 120)]
    pub oneliner: String,
    /// Country.
    #[serde(default)]
    #[schema(max_length = 60)]
    pub country: String,
    /// URL of a picture.
    #[serde(default)]
    #[schema(max_length = 500, pattern = "^(https?://.*)?$")]
    pub profile_picture: String,
    /// Languages spoken.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub languages: Vec<String>,
    /// Skills.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub skills: Vec<String>,
}

/// How somebody is reached; never shown to clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The account.
    pub id: String,
    /// Name.
    pub username: String,
    /// Address.
    pub email: String,
}

/// What seeding made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeededSellers {
    /// How many sellers.
    pub created: u64,
    /// Their ids.
    pub seller_ids: Vec<String>,
}

#[derive(Deserialize)]
struct BuyerAnswer {
    buyer: Buyer,
}

#[derive(Deserialize)]
struct SellerAnswer {
    seller: Seller,
}

#[derive(Deserialize)]
struct SellersAnswer {
    sellers: Vec<Seller>,
}

/// The users service.
#[derive(Clone, Debug)]
pub struct UsersClient(Service);

impl UsersClient {
    /// Wraps `service`.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self(service)
    }

    /// The caller as a buyer, found by address.
    ///
    /// # Errors
    /// 404 when the account's event has not arrived yet.
    pub async fn buyer_by_own_email(&self, caller: &Caller) -> Result<Buyer, CallError> {
        let call = self.0.get("/api/v1/buyer/email", &[]);
        let answer: BuyerAnswer = call.send(caller).await?;
        Ok(answer.buyer)
    }

    /// The caller as a buyer, found by name.
    ///
    /// # Errors
    /// 404 when the account's event has not arrived yet.
    pub async fn buyer_by_own_username(&self, caller: &Caller) -> Result<Buyer, CallError> {
        let call = self.0.get("/api/v1/buyer/username", &[]);
        let answer: BuyerAnswer = call.send(caller).await?;
        Ok(answer.buyer)
    }

    /// A buyer by name.
    ///
    /// # Errors
    /// 404 when there is no such buyer.
    pub async fn buyer(&self, username: &str, caller: &Caller) -> Result<Buyer, CallError> {
        let call = self.0.get("/api/v1/buyer/{username}", &[username]);
        let answer: BuyerAnswer = call.send(caller).await?;
        Ok(answer.buyer)
    }

    /// A seller by id.
    ///
    /// # Errors
    /// 404 when there is no such seller.
    pub async fn seller(&self, seller_id: &str, caller: &Caller) -> Result<Seller, CallError> {
        let call = self.0.get("/api/v1/seller/id/{sellerId}", &[seller_id]);
        let answer: SellerAnswer = call.send(caller).await?;
        Ok(answer.seller)
    }

    /// A seller by name.
    ///
    /// # Errors
    /// 404 when there is no such seller.
    pub async fn seller_by_username(&self, username: &str, caller: &Caller) -> Result<Seller, CallError> {
        let call = self.0.get("/api/v1/seller/username/{username}", &[username]);
        let answer: SellerAnswer = call.send(caller).await?;
        Ok(answer.seller)
    }

    /// How a seller is reached.
    ///
    /// # Errors
    /// 404 when there is no such seller.
    pub async fn seller_contact(&self, seller_id: &str, caller: &Caller) -> Result<Contact, CallError> {
        let call = self.0.get("/api/v1/seller/contact/{sellerId}", &[seller_id]);
        call.send(caller).await
    }

    /// How a buyer is reached, by name.
    ///
    /// # Errors
    /// 404 when there is no such buyer.
    pub async fn buyer_contact(&self, username: &str, caller: &Caller) -> Result<Contact, CallError> {
        let call = self.0.get("/api/v1/buyer/contact/{username}", &[username]);
        call.send(caller).await
    }

    /// Some sellers.
    ///
    /// # Errors
    /// 400 when the count is out of range.
    pub async fn random_sellers(&self, count: &str, caller: &Caller) -> Result<Vec<Seller>, CallError> {
        let call = self.0.get("/api/v1/seller/random/{count}", &[count]);
        let answer: SellersAnswer = call.send(caller).await?;
        Ok(answer.sellers)
    }

    /// Makes the caller a seller.
    ///
    /// # Errors
    /// 400 for what is not valid, 409 when they are one already.
    pub async fn create_seller(&self, profile: &Profile, caller: &Caller) -> Result<Seller, CallError> {
        let call = self.0.post("/api/v1/seller/create", &[]).json(profile);
        let answer: SellerAnswer = call.send(caller).await?;
        Ok(answer.seller)
    }

    /// Replaces what a seller says.
    ///
    /// # Errors
    /// 403 when it is somebody else's profile.
    pub async fn update_seller(
        &self,
        seller_id: &str,
        profile: &Profile,
        caller: &Caller,
    ) -> Result<Seller, CallError> {
        let call = self.0.put("/api/v1/seller/{sellerId}", &[seller_id]);
        let answer: SellerAnswer = call.json(profile).send(caller).await?;
        Ok(answer.seller)
    }

    /// Makes sellers up.
    ///
    /// # Errors
    /// 403 where that is not wanted.
    pub async fn seed(&self, count: &str, caller: &Caller) -> Result<SeededSellers, CallError> {
        let call = self.0.put("/api/v1/seller/seed/{count}", &[count]);
        call.send(caller).await
    }
}
