//! Rows of buyers, sellers and their counters. Portable SQL: SQLite and PostgreSQL alike.

use std::collections::BTreeMap;

use platform::{Connected, Observed, Tx};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::domain::{AccountActivity, Buyer, Profile, Seller};
use crate::events::{GigRating, Rating, SellerFacts};

/// How a buyer is looked up.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// By the account's id.
    Id,
    /// By name.
    Username,
    /// By address.
    Email,
}

const BUYER: &str = "SELECT b.id, b.username, b.email, b.created_at,
        CASE WHEN s.id IS NULL THEN 0 ELSE 1 END AS is_seller,
        COALESCE(c.ongoing, 0) AS ongoing, COALESCE(c.completed, 0) AS completed,
        COALESCE(c.cancelled, 0) AS cancelled,
        COALESCE(r.rating_sum, 0) AS rating_sum, COALESCE(r.rating_count, 0) AS rating_count,
        COALESCE(a.verifications, 0) AS verifications, COALESCE(a.resets, 0) AS resets,
        COALESCE(a.password_changes, 0) AS password_changes
    FROM buyers b
    LEFT JOIN sellers s ON s.id = b.id
    LEFT JOIN buyer_counters c ON c.buyer_id = b.id
    LEFT JOIN buyer_ratings r ON r.buyer_id = b.id
    LEFT JOIN account_activity a ON a.account_id = b.id ";

const SELLER: &str = "SELECT s.*,
        COALESCE(c.ongoing, 0) AS ongoing, COALESCE(c.completed, 0) AS completed,
        COALESCE(c.cancelled, 0) AS cancelled, COALESCE(c.gigs, 0) AS gigs,
        COALESCE(c.rating_sum, 0) AS rating_sum, COALESCE(c.rating_count, 0) AS rating_count,
        COALESCE(w.deliveries, 0) AS deliveries, COALESCE(w.extensions_requested, 0) AS extensions_requested,
        COALESCE(w.extensions_granted, 0) AS extensions_granted,
        COALESCE(w.extensions_refused, 0) AS extensions_refused
    FROM sellers s
    LEFT JOIN seller_counters c ON c.seller_id = s.id
    LEFT JOIN seller_work w ON w.seller_id = s.id ";

struct BuyerRow(Buyer);

impl<'r> FromRow<'r, AnyRow> for BuyerRow {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self(Buyer {
            id: row.try_get("id")?,
            username: row.try_get("username")?,
            email: Some(row.try_get("email")?),
            is_seller: row.try_get::<i64, _>("is_seller")? != 0,
            ongoing_orders: row.try_get("ongoing")?,
            completed_orders: row.try_get("completed")?,
            cancelled_orders: row.try_get("cancelled")?,
            rating_sum: row.try_get("rating_sum")?,
            rating_count: row.try_get("rating_count")?,
            account: Some(AccountActivity {
                verifications: row.try_get("verifications")?,
                resets: row.try_get("resets")?,
                password_changes: row.try_get("password_changes")?,
            }),
            created_at: row.try_get("created_at")?,
        }))
    }
}

struct SellerRow {
    seller: Seller,
    revision: i64,
}

impl<'r> FromRow<'r, AnyRow> for SellerRow {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        let list = |column: &str| -> Result<Vec<String>, sqlx::Error> {
            let text: String = row.try_get(column)?;
            serde_json::from_str(&text)
                .map_err(|source| sqlx::Error::ColumnDecode { index: column.to_owned(), source: source.into() })
        };
        let rating_sum: i64 = row.try_get("rating_sum")?;
        let rating_count: i64 = row.try_get("rating_count")?;
        Ok(Self {
            seller: Seller {
                id: row.try_get("id")?,
                username: row.try_get("username")?,
                email: Some(row.try_get("email")?),
                full_name: row.try_get("full_name")?,
                description: row.try_get("description")?,
                oneliner: row.try_get("oneliner")?,
                country: row.try_get("country")?,
                profile_picture: row.try_get("profile_picture")?,
                languages: list("languages")?,
                skills: list("skills")?,
                total_gigs: row.try_get("gigs")?,
                ongoing_jobs: row.try_get("ongoing")?,
                completed_jobs: row.try_get("completed")?,
                cancelled_jobs: row.try_get("cancelled")?,
                deliveries: row.try_get("deliveries")?,
                extensions_requested: row.try_get("extensions_requested")?,
                extensions_granted: row.try_get("extensions_granted")?,
                extensions_refused: row.try_get("extensions_refused")?,
                earnings: BTreeMap::new(),
                rating_sum,
                rating_count,
                rating: mean(rating_sum, rating_count),
                created_at: row.try_get("created_at")?,
                updated_at: row.try_get("updated_at")?,
            },
            revision: row.try_get("revision")?,
        })
    }
}

fn mean(sum: i64, count: i64) -> f64 {
    if count == 0 { 0.0 } else { sum as f64 / count as f64 }
}

/// Creates a buyer; a buyer who is there already stays as is.
pub async fn create_buyer(
    db: &mut Observed<impl Connected>,
    id: &str,
    username: &str,
    email: &str,
    now: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO buyers (id, username, email, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(username)
    .bind(email)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// One buyer.
pub async fn buyer(db: &mut Observed<impl Connected>, key: Key, value: &str) -> Result<Option<Buyer>, sqlx::Error> {
    let condition = match key {
        Key::Id => "WHERE b.id = $1",
        Key::Username => "WHERE b.username = $1",
        Key::Email => "WHERE b.email = $1",
    };
    let query = sqlx::AssertSqlSafe(format!("{BUYER}{condition}"));
    let row: Option<BuyerRow> = sqlx::query_as(query).bind(value).fetch_optional(db).await?;
    Ok(row.map(|row| row.0))
}

/// One seller, by id or by name.
pub async fn seller(db: &mut Observed<impl Connected>, key: Key, value: &str) -> Result<Option<Seller>, sqlx::Error> {
    let condition = match key {
        Key::Id => "WHERE s.id = $1",
        Key::Username => "WHERE s.username = $1",
        Key::Email => "WHERE s.email = $1",
    };
    let query = sqlx::AssertSqlSafe(format!("{SELLER}{condition}"));
    let row: Option<SellerRow> = sqlx::query_as(query).bind(value).fetch_optional(&mut *db).await?;
    match row {
        Some(row) => with_earnings(db, row.seller).await.map(Some),
        None => Ok(None),
    }
}

/// Up to `count` sellers, drawn at random.
pub async fn random_sellers(db: &mut Observed<impl Connected>, count: i64) -> Result<Vec<Seller>, sqlx::Error> {
    let query = sqlx::AssertSqlSafe(format!("{SELLER}ORDER BY RANDOM() LIMIT $1"));
    let rows: Vec<SellerRow> = sqlx::query_as(query).bind(count).fetch_all(&mut *db).await?;
    let mut sellers = Vec::with_capacity(rows.len());
    for row in rows {
        sellers.push(with_earnings(db, row.seller).await?);
    }
    Ok(sellers)
}

async fn with_earnings(db: &mut Observed<impl Connected>, mut seller: Seller) -> Result<Seller, sqlx::Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as("SELECT currency, amount FROM seller_earnings WHERE seller_id = $1")
        .bind(&seller.id)
        .fetch_all(db)
        .await?;
    seller.earnings = rows.into_iter().collect();
    Ok(seller)
}

/// Lets nobody else create, change or rate a seller until `tx` ends, so that the facts that are told of it are whole.
pub async fn lock_seller(tx: &mut Tx, id: &str) -> Result<(), sqlx::Error> {
    tx.lock(&format!("seller {id}")).await
}

/// Creates a seller for an account.
///
/// # Errors
/// A unique violation when the account has one.
pub async fn create_seller(
    db: &mut Observed<impl Connected>,
    id: &str,
    username: &str,
    email: &str,
    profile: &Profile,
    now: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO sellers (id, username, email, full_name, description, oneliner, country, profile_picture,
            languages, skills, revision, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11)",
    )
    .bind(id)
    .bind(username)
    .bind(email)
    .bind(profile.full_name.trim())
    .bind(&profile.description)
    .bind(&profile.oneliner)
    .bind(&profile.country)
    .bind(&profile.profile_picture)
    .bind(json(&profile.languages))
    .bind(json(&profile.skills))
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces a seller's profile; false when there is no such seller.
pub async fn update_seller(
    db: &mut Observed<impl Connected>,
    id: &str,
    profile: &Profile,
    now: &str,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE sellers SET full_name = $2, description = $3, oneliner = $4, country = $5, profile_picture = $6,
            languages = $7, skills = $8, revision = revision + 1, updated_at = $9
         WHERE id = $1",
    )
    .bind(id)
    .bind(profile.full_name.trim())
    .bind(&profile.description)
    .bind(&profile.oneliner)
    .bind(&profile.country)
    .bind(&profile.profile_picture)
    .bind(json(&profile.languages))
    .bind(json(&profile.skills))
    .bind(now)
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

fn json(list: &[String]) -> String {
    serde_json::Value::from(list.to_vec()).to_string()
}

/// What other services keep about a seller; none when there is no such seller.
pub async fn facts(
    db: &mut Observed<impl Connected>,
    id: &str,
    gig_rating: Option<GigRating>,
) -> Result<Option<SellerFacts>, sqlx::Error> {
    let query = sqlx::AssertSqlSafe(format!("{SELLER}WHERE s.id = $1"));
    let row: Option<SellerRow> = sqlx::query_as(query).bind(id).fetch_optional(db).await?;
    Ok(row.map(|SellerRow { seller, revision }| SellerFacts {
        seller_id: seller.id,
        username: seller.username,
        full_name: seller.full_name,
        profile_picture: seller.profile_picture,
        country: seller.country,
        rating: Rating { sum: seller.rating_sum, count: seller.rating_count },
        gig_rating,
        revision,
    }))
}
