//! Rows of reviews. Portable SQL: SQLite and PostgreSQL alike.

use platform::{Connected, Observed, Page};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::domain::{Review, Reviewed};

/// What is older than the review `$2`, newest first; all of it when that is empty.
const PAGE: &str = "AND ($2 = '' OR (created_at, id) < (SELECT created_at, id FROM reviews WHERE id = $2)) \
    ORDER BY created_at DESC, id DESC LIMIT $3";

struct ReviewRow(Review);

impl<'r> FromRow<'r, AnyRow> for ReviewRow {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        let reviewed: String = row.try_get("reviewed")?;
        Ok(Self(Review {
            id: row.try_get("id")?,
            order_id: row.try_get("order_id")?,
            gig_id: row.try_get("gig_id")?,
            buyer_id: row.try_get("buyer_id")?,
            seller_id: row.try_get("seller_id")?,
            reviewed: if reviewed == "buyer" { Reviewed::Buyer } else { Reviewed::Seller },
            reviewer_id: row.try_get("reviewer_id")?,
            reviewer_username: row.try_get("reviewer_username")?,
            rating: row.try_get("rating")?,
            text: row.try_get("text")?,
            created_at: row.try_get("created_at")?,
        }))
    }
}

/// Inserts a review; `false` when this side of the order was reviewed before.
///
/// # Errors
/// When the database refuses.
pub async fn insert(db: &mut Observed<impl Connected>, review: &Review) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO reviews (id, order_id, gig_id, buyer_id, seller_id, reviewed, reviewer_id, reviewer_username, \
         rating, text, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (order_id, reviewed) DO NOTHING",
    )
    .bind(&review.id)
    .bind(&review.order_id)
    .bind(&review.gig_id)
    .bind(&review.buyer_id)
    .bind(&review.seller_id)
    .bind(review.reviewed.as_str())
    .bind(&review.reviewer_id)
    .bind(&review.reviewer_username)
    .bind(review.rating)
    .bind(&review.text)
    .bind(&review.created_at)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Reviews of a gig (of its sellers, by buyers), newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_gig(db: &mut Observed<impl Connected>, gig_id: &str, page: &Page) -> Result<Vec<Review>, sqlx::Error> {
    newest(db, "gig_id", gig_id, page).await
}

/// Reviews of a seller, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_seller(
    db: &mut Observed<impl Connected>,
    seller_id: &str,
    page: &Page,
) -> Result<Vec<Review>, sqlx::Error> {
    newest(db, "seller_id", seller_id, page).await
}

async fn newest(
    db: &mut Observed<impl Connected>,
    column: &'static str,
    id: &str,
    page: &Page,
) -> Result<Vec<Review>, sqlx::Error> {
    let query = format!("SELECT * FROM reviews WHERE {column} = $1 AND reviewed = 'seller' {PAGE}");
    let rows: Vec<ReviewRow> = sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(id)
        .bind(page.before.as_deref().unwrap_or_default())
        .bind(page.size)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
