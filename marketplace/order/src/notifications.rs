//! What a user is told inside the application, beside the mails.

use platform::{Page, Pool, Tx, new_id};
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use crate::domain::{Actor, Fact, Order};

/// One notification.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
    #[schema(format = "uuid")]
    id: String,
    user_to: String,
    sender_username: String,
    #[schema(format = "uuid")]
    order_id: String,
    message: String,
    is_read: bool,
    #[schema(format = DateTime)]
    created_at: String,
}

impl Notification {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            user_to: row.try_get("user_to")?,
            sender_username: row.try_get("sender_username")?,
            order_id: row.try_get("order_id")?,
            message: row.try_get("message")?,
            is_read: row.try_get::<i64, _>("is_read")? != 0,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// Tells the other side of `fact`, in its transaction.
pub(crate) async fn tell(tx: &mut Tx, order: &Order, fact: &Fact, at: &str) -> Result<(), sqlx::Error> {
    let (buyer, seller) = (&order.terms.buyer_username, &order.terms.seller_username);
    let (to, from, message) = match fact {
        Fact::Placed => (seller, buyer, "placed an order for your gig."),
        Fact::Delivered { .. } => (buyer, seller, "delivered your order."),
        Fact::ExtensionRequested { .. } => (buyer, seller, "requested more time for your order."),
        Fact::ExtensionDecided { approved: true, .. } => (seller, buyer, "approved your extension."),
        Fact::ExtensionDecided { approved: false, .. } => (seller, buyer, "rejected your extension."),
        Fact::Completed => (seller, buyer, "approved your delivery."),
        Fact::Cancelled { by: Actor::Seller, .. } => (buyer, seller, "cancelled your order."),
        Fact::Cancelled { .. } => (seller, buyer, "cancelled the order."),
        Fact::Reviewed { reviewed: Actor::Seller, .. } => (seller, buyer, "left you a review."),
        Fact::Reviewed { .. } => (buyer, seller, "left you a review."),
        Fact::Requested(_) | Fact::PaymentFailed { .. } => return Ok(()),
    };
    sqlx::query(
        "INSERT INTO notifications (id, user_to, sender_username, order_id, message, is_read, created_at) \
         VALUES ($1, $2, $3, $4, $5, 0, $6)",
    )
    .bind(new_id())
    .bind(to)
    .bind(from)
    .bind(&order.terms.order_id)
    .bind(message)
    .bind(at)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// A page of the notifications of a user, newest first.
pub(crate) async fn list(pool: &Pool, username: &str, page: &Page) -> Result<Vec<Notification>, sqlx::Error> {
    sqlx::query(
        "SELECT id, user_to, sender_username, order_id, message, is_read, created_at FROM notifications \
         WHERE user_to = $1 \
         AND ($2 = '' OR (created_at, id) < (SELECT created_at, id FROM notifications WHERE id = $2)) \
         ORDER BY created_at DESC, id DESC LIMIT $3",
    )
    .bind(username)
    .bind(page.before.as_deref().unwrap_or_default())
    .bind(page.size)
    .fetch_all(pool)
    .await?
    .iter()
    .map(Notification::read)
    .collect()
}

/// Marks one of the user's notifications as read; nothing when it is not theirs.
pub(crate) async fn mark_read(tx: &mut Tx, id: &str, username: &str) -> Result<Option<Notification>, sqlx::Error> {
    sqlx::query(
        "UPDATE notifications SET is_read = 1 WHERE id = $1 AND user_to = $2 \
         RETURNING id, user_to, sender_username, order_id, message, is_read, created_at",
    )
    .bind(id)
    .bind(username)
    .fetch_optional(&mut **tx)
    .await?
    .as_ref()
    .map(Notification::read)
    .transpose()
}
