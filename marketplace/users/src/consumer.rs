//! What this service does when it hears of something, and its own view of what it hears.

use platform::{Consumer, Event, EventType, HandlerError, Tx, outbox};
use serde::{Deserialize, Serialize};

use crate::activity;
use crate::counters;
use crate::events::{GigRating, SellerUpdated};
use crate::store;
use crate::work;

/// Every event that this service handles.
#[must_use]
pub fn consumer() -> Consumer {
    Consumer::new("users")
        .on::<UserRegistered>(user_registered)
        .on::<activity::VerificationRequested>(activity::verification_requested)
        .on::<activity::PasswordResetRequested>(activity::reset_requested)
        .on::<activity::PasswordChanged>(activity::password_changed)
        .on::<OrderPlaced>(order_placed)
        .on::<work::OrderDelivered>(work::delivered)
        .on::<work::ExtensionRequested>(work::extension_requested)
        .on::<work::ExtensionDecided>(work::extension_decided)
        .on::<OrderCompleted>(order_completed)
        .on::<OrderCancelled>(order_cancelled)
        .on::<GigCreated>(gig_created)
        .on::<GigDeleted>(gig_deleted)
        .on::<ReviewSubmitted>(review_submitted)
}

/// Somebody signed up (from auth).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// The account.
    pub user_id: String,
    /// Its name.
    pub username: String,
    /// Its address.
    pub email: String,
}

impl EventType for UserRegistered {
    const TYPE: &'static str = "auth.user_registered.v1";
}

/// A buyer gets a profile as soon as there is an account.
pub async fn user_registered(tx: &mut Tx, event: Event, user: UserRegistered) -> Result<(), HandlerError> {
    store::create_buyer(tx, &user.user_id, &user.username, &user.email, &event.time).await?;
    Ok(())
}

/// An order was placed (from order).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderPlaced {
    /// Who buys.
    pub buyer_id: String,
    /// Who sells.
    pub seller_id: String,
}

impl EventType for OrderPlaced {
    const TYPE: &'static str = "order.placed.v1";
}

/// One more ongoing for both.
pub async fn order_placed(tx: &mut Tx, _event: Event, order: OrderPlaced) -> Result<(), HandlerError> {
    counters::order_placed(tx, &order.buyer_id, &order.seller_id).await?;
    Ok(())
}

/// An order was completed (from order).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCompleted {
    /// Who bought.
    pub buyer_id: String,
    /// Who sold.
    pub seller_id: String,
    /// What the seller earned, in minor units.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
}

impl EventType for OrderCompleted {
    const TYPE: &'static str = "order.completed.v1";
}

/// From ongoing to completed for both, and earned by the seller.
pub async fn order_completed(tx: &mut Tx, _event: Event, order: OrderCompleted) -> Result<(), HandlerError> {
    counters::order_completed(tx, &order.buyer_id, &order.seller_id, order.amount, &order.currency).await?;
    Ok(())
}

/// An order was cancelled (from order).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// Who wanted to buy.
    pub buyer_id: String,
    /// Who was to sell.
    pub seller_id: String,
}

impl EventType for OrderCancelled {
    const TYPE: &'static str = "order.cancelled.v1";
}

/// From ongoing to cancelled for both.
pub async fn order_cancelled(tx: &mut Tx, _event: Event, order: OrderCancelled) -> Result<(), HandlerError> {
    counters::order_cancelled(tx, &order.buyer_id, &order.seller_id).await?;
    Ok(())
}

/// A gig was created (from gig).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GigCreated {
    /// Whose it is.
    pub seller_id: String,
}

impl EventType for GigCreated {
    const TYPE: &'static str = "gig.created.v1";
}

/// One gig more.
pub async fn gig_created(tx: &mut Tx, _event: Event, gig: GigCreated) -> Result<(), HandlerError> {
    counters::gigs(tx, &gig.seller_id, 1).await?;
    Ok(())
}

/// A gig was deleted (from gig).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GigDeleted {
    /// Whose it was.
    pub seller_id: String,
}

impl EventType for GigDeleted {
    const TYPE: &'static str = "gig.deleted.v1";
}

/// One gig less.
pub async fn gig_deleted(tx: &mut Tx, _event: Event, gig: GigDeleted) -> Result<(), HandlerError> {
    counters::gigs(tx, &gig.seller_id, -1).await?;
    Ok(())
}

/// A review was submitted (from review).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewSubmitted {
    /// The gig that was ordered.
    pub gig_id: String,
    /// The order's buyer.
    pub buyer_id: String,
    /// The order's seller.
    pub seller_id: String,
    /// Who is reviewed.
    pub reviewed: Reviewed,
    /// Stars, 1 to 5.
    pub rating: i64,
}

/// Which side of an order is reviewed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Reviewed {
    /// The buyer reviews the seller.
    Seller,
    /// The seller reviews the buyer.
    Buyer,
}

impl EventType for ReviewSubmitted {
    const TYPE: &'static str = "review.submitted.v1";
}

/// Adds the stars up, and tells gig when they are a seller's.
pub async fn review_submitted(tx: &mut Tx, _event: Event, review: ReviewSubmitted) -> Result<(), HandlerError> {
    match review.reviewed {
        Reviewed::Buyer => {
            counters::buyer_rated(tx, &review.buyer_id, review.rating).await?;
        }
        Reviewed::Seller => {
            store::lock_seller(tx, &review.seller_id).await?;
            let rating = counters::seller_rated(tx, &review.seller_id, &review.gig_id, review.rating).await?;
            let gig_id = review.gig_id;
            let gig_rating = Some(GigRating { gig_id, rating });
            if let Some(facts) = store::facts(tx, &review.seller_id, gig_rating).await? {
                let event = Event::new(&review.seller_id, &SellerUpdated(facts))?;
                outbox::emit(tx, event);
            }
        }
    }
    Ok(())
}
