//! How sellers work on their orders, as order tells it: deliveries, and the time they ask for.

use platform::{Connected, Event, EventType, HandlerError, Observed, Tx};
use serde::{Deserialize, Serialize};

/// What of a seller's work is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// An order was delivered.
    Delivery,
    /// More time was asked for.
    ExtensionRequested,
    /// More time was granted.
    ExtensionGranted,
    /// More time was refused.
    ExtensionRefused,
}

/// An order was delivered (from order).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderDelivered {
    /// Who delivered.
    pub seller_id: String,
}

impl EventType for OrderDelivered {
    const TYPE: &'static str = "order.delivered.v1";
}

/// A seller asked for more time (from order).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionRequested {
    /// Who asked.
    pub seller_id: String,
}

impl EventType for ExtensionRequested {
    const TYPE: &'static str = "order.extension_requested.v1";
}

/// A buyer answered (from order).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionDecided {
    /// Who had asked.
    pub seller_id: String,
    /// What the answer is.
    pub approved: bool,
}

impl EventType for ExtensionDecided {
    const TYPE: &'static str = "order.extension_decided.v1";
}

/// One more delivery.
pub async fn delivered(tx: &mut Tx, _event: Event, order: OrderDelivered) -> Result<(), HandlerError> {
    Ok(done(tx, &order.seller_id, Work::Delivery).await?)
}

/// More time asked for once more.
pub async fn extension_requested(tx: &mut Tx, _event: Event, order: ExtensionRequested) -> Result<(), HandlerError> {
    Ok(done(tx, &order.seller_id, Work::ExtensionRequested).await?)
}

/// More time granted or refused once more.
pub async fn extension_decided(tx: &mut Tx, _event: Event, order: ExtensionDecided) -> Result<(), HandlerError> {
    let work = if order.approved { Work::ExtensionGranted } else { Work::ExtensionRefused };
    Ok(done(tx, &order.seller_id, work).await?)
}

/// Counts one piece of a seller's work. Applying it twice counts twice: it belongs into the transaction of the inbox.
///
/// # Errors
/// When the database refuses.
pub async fn done(db: &mut Observed<impl Connected>, seller_id: &str, work: Work) -> Result<(), sqlx::Error> {
    let [deliveries, requested, granted, refused] =
        [Work::Delivery, Work::ExtensionRequested, Work::ExtensionGranted, Work::ExtensionRefused]
            .map(|kind| i64::from(kind == work));
    sqlx::query(
        "INSERT INTO seller_work (seller_id, deliveries, extensions_requested, extensions_granted, extensions_refused)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (seller_id) DO UPDATE SET
            deliveries = seller_work.deliveries + $2,
            extensions_requested = seller_work.extensions_requested + $3,
            extensions_granted = seller_work.extensions_granted + $4,
            extensions_refused = seller_work.extensions_refused + $5",
    )
    .bind(seller_id)
    .bind(deliveries)
    .bind(requested)
    .bind(granted)
    .bind(refused)
    .execute(db)
    .await?;
    Ok(())
}
