//! Counters that follow the events of others. Each function is one effect of one event; applying it twice counts twice,
//! so it must run in the transaction that also records the event as seen.

use crate::events::Rating;
use platform::{Connected, Observed};

/// An order was placed: one more ongoing for both.
pub async fn order_placed(
    db: &mut Observed<impl Connected>,
    buyer_id: &str,
    seller_id: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO buyer_counters (buyer_id, ongoing) VALUES ($1, 1)
         ON CONFLICT (buyer_id) DO UPDATE SET ongoing = buyer_counters.ongoing + 1",
    )
    .bind(buyer_id)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO seller_counters (seller_id, ongoing) VALUES ($1, 1)
         ON CONFLICT (seller_id) DO UPDATE SET ongoing = seller_counters.ongoing + 1",
    )
    .bind(seller_id)
    .execute(db)
    .await?;
    Ok(())
}

/// An order was completed: from ongoing to completed for both, and earned by the seller.
pub async fn order_completed(
    db: &mut Observed<impl Connected>,
    buyer_id: &str,
    seller_id: &str,
    amount: i64,
    currency: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO buyer_counters (buyer_id, ongoing, completed) VALUES ($1, -1, 1)
         ON CONFLICT (buyer_id) DO UPDATE
         SET ongoing = buyer_counters.ongoing - 1, completed = buyer_counters.completed + 1",
    )
    .bind(buyer_id)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO seller_counters (seller_id, ongoing, completed) VALUES ($1, -1, 1)
         ON CONFLICT (seller_id) DO UPDATE
         SET ongoing = seller_counters.ongoing - 1, completed = seller_counters.completed + 1",
    )
    .bind(seller_id)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO seller_earnings (seller_id, currency, amount) VALUES ($1, $2, $3)
         ON CONFLICT (seller_id, currency) DO UPDATE SET amount = seller_earnings.amount + $3",
    )
    .bind(seller_id)
    .bind(currency)
    .bind(amount)
    .execute(db)
    .await?;
    Ok(())
}

/// An order was cancelled: from ongoing to cancelled for both.
pub async fn order_cancelled(
    db: &mut Observed<impl Connected>,
    buyer_id: &str,
    seller_id: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO buyer_counters (buyer_id, ongoing, cancelled) VALUES ($1, -1, 1)
         ON CONFLICT (buyer_id) DO UPDATE
         SET ongoing = buyer_counters.ongoing - 1, cancelled = buyer_counters.cancelled + 1",
    )
    .bind(buyer_id)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO seller_counters (seller_id, ongoing, cancelled) VALUES ($1, -1, 1)
         ON CONFLICT (seller_id) DO UPDATE
         SET ongoing = seller_counters.ongoing - 1, cancelled = seller_counters.cancelled + 1",
    )
    .bind(seller_id)
    .execute(db)
    .await?;
    Ok(())
}

/// A gig was created (`1`) or deleted (`-1`).
pub async fn gigs(db: &mut Observed<impl Connected>, seller_id: &str, change: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO seller_counters (seller_id, gigs) VALUES ($1, $2)
         ON CONFLICT (seller_id) DO UPDATE SET gigs = seller_counters.gigs + $2",
    )
    .bind(seller_id)
    .bind(change)
    .execute(db)
    .await?;
    Ok(())
}

/// A buyer gave a seller `stars` for a gig. Returns the gig's rating so far; the seller's revision grows.
pub async fn seller_rated(
    db: &mut Observed<impl Connected>,
    seller_id: &str,
    gig_id: &str,
    stars: i64,
) -> Result<Rating, sqlx::Error> {
    sqlx::query(
        "INSERT INTO seller_counters (seller_id, rating_sum, rating_count) VALUES ($1, $2, 1)
         ON CONFLICT (seller_id) DO UPDATE
         SET rating_sum = seller_counters.rating_sum + $2, rating_count = seller_counters.rating_count + 1",
    )
    .bind(seller_id)
    .bind(stars)
    .execute(&mut *db)
    .await?;
    sqlx::query("UPDATE sellers SET revision = revision + 1 WHERE id = $1").bind(seller_id).execute(&mut *db).await?;
    let (sum, count): (i64, i64) = sqlx::query_as(
        "INSERT INTO gig_ratings (gig_id, rating_sum, rating_count) VALUES ($1, $2, 1)
         ON CONFLICT (gig_id) DO UPDATE
         SET rating_sum = gig_ratings.rating_sum + $2, rating_count = gig_ratings.rating_count + 1
         RETURNING rating_sum, rating_count",
    )
    .bind(gig_id)
    .bind(stars)
    .fetch_one(db)
    .await?;
    Ok(Rating { sum, count })
}

/// A seller gave a buyer `stars`.
pub async fn buyer_rated(db: &mut Observed<impl Connected>, buyer_id: &str, stars: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO buyer_ratings (buyer_id, rating_sum, rating_count) VALUES ($1, $2, 1)
         ON CONFLICT (buyer_id) DO UPDATE
         SET rating_sum = buyer_ratings.rating_sum + $2, rating_count = buyer_ratings.rating_count + 1",
    )
    .bind(buyer_id)
    .bind(stars)
    .execute(db)
    .await?;
    Ok(())
}
