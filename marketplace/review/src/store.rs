//! Reviews in the database.

use platform::Tx;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};

use crate::domain::{Review, Side};

/// Most reviews listed at once, newest first.
const LISTED: i64 = 200;

/// What reviews are listed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By<'a> {
    /// Reviews that buyers wrote about a gig.
    Gig(&'a str),
    /// Reviews that buyers wrote about a seller.
    Seller(&'a str),
}

/// Stores a review; `false` when this side of the order was reviewed before.
pub(crate) async fn insert(tx: &mut Tx, review: &Review) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO reviews (id, order_id, gig_id, buyer_id, seller_id, reviewed, reviewer_id, reviewer_username, rating, \
         text, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
    )
    .bind(&review.id)
    .bind(&review.order_id)
    .bind(&review.gig_id)
    .bind(&review.buyer_id)
    .bind(&review.seller_id)
    .bind(review.reviewed.name())
    .bind(&review.reviewer_id)
    .bind(&review.reviewer_username)
    .bind(review.rating)
    .bind(&review.text)
    .bind(&review.created_at)
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(inserted > 0)
}

/// The newest reviews of a gig or of a seller.
pub(crate) async fn list(pool: &AnyPool, by: By<'_>) -> Result<Vec<Review>, sqlx::Error> {
    let (sql, id) = match by {
        By::Gig(id) => (
            "SELECT * FROM reviews WHERE gig_id = $1 AND reviewed = 'seller' ORDER BY created_at DESC, id DESC LIMIT $2",
            id,
        ),
        By::Seller(id) => (
            "SELECT * FROM reviews WHERE seller_id = $1 AND reviewed = 'seller' ORDER BY created_at DESC, id DESC LIMIT $2",
            id,
        ),
    };
    sqlx::query(sql).bind(id).bind(LISTED).fetch_all(pool).await?.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Review, sqlx::Error> {
    let reviewed = match row.try_get::<String, _>("reviewed")?.as_str() {
        "seller" => Side::Seller,
        _ => Side::Buyer,
    };
    Ok(Review {
        id: row.try_get("id")?,
        order_id: row.try_get("order_id")?,
        gig_id: row.try_get("gig_id")?,
        buyer_id: row.try_get("buyer_id")?,
        seller_id: row.try_get("seller_id")?,
        reviewed,
        reviewer_id: row.try_get("reviewer_id")?,
        reviewer_username: row.try_get("reviewer_username")?,
        rating: row.try_get("rating")?,
        text: row.try_get("text")?,
        created_at: row.try_get("created_at")?,
    })
}
