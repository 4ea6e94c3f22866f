//! Rows of gigs and of what is known about sellers. Portable SQL; the full-text condition comes from [`crate::search`].

use platform::{Backend, Connected, Observed};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::domain::{Gig, Offer};
use crate::events::SellerFacts;
use crate::search::{self, Query};

const COLUMNS: &str =
    "g.id, g.seller_id, g.seller_username, g.title, g.description, g.category, g.sub_categories, g.tags,
    g.price, g.currency, g.delivery_days, g.cover_image, g.active, g.rating_sum, g.rating_count,
    g.created_at, g.updated_at,
    COALESCE(s.full_name, '') AS seller_name, COALESCE(s.profile_picture, '') AS seller_picture,
    COALESCE(s.rating_sum, 0) AS seller_rating_sum, COALESCE(s.rating_count, 0) AS seller_rating_count";
const FROM: &str = "FROM gigs g LEFT JOIN sellers s ON s.id = g.seller_id";

impl<'r> FromRow<'r, AnyRow> for Gig {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        let list = |column: &str| -> Result<Vec<String>, sqlx::Error> {
            let text: String = row.try_get(column)?;
            serde_json::from_str(&text)
                .map_err(|source| sqlx::Error::ColumnDecode { index: column.to_owned(), source: source.into() })
        };
        Ok(Self {
            id: row.try_get("id")?,
            seller_id: row.try_get("seller_id")?,
            seller_username: row.try_get("seller_username")?,
            seller_name: row.try_get("seller_name")?,
            seller_picture: row.try_get("seller_picture")?,
            title: row.try_get("title")?,
            description: row.try_get("description")?,
            category: row.try_get("category")?,
            sub_categories: list("sub_categories")?,
            tags: list("tags")?,
            price: row.try_get("price")?,
            currency: row.try_get("currency")?,
            delivery_days: row.try_get("delivery_days")?,
            cover_image: row.try_get("cover_image")?,
            active: row.try_get::<i64, _>("active")? != 0,
            rating_sum: row.try_get("rating_sum")?,
            rating_count: row.try_get("rating_count")?,
            seller_rating_sum: row.try_get("seller_rating_sum")?,
            seller_rating_count: row.try_get("seller_rating_count")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

/// Which gigs.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Full-text query.
    pub text: Option<Query>,
    /// Least price, minor units.
    pub min_price: Option<i64>,
    /// Greatest price, minor units.
    pub max_price: Option<i64>,
    /// Longest time to deliver, days.
    pub delivery_days: Option<i64>,
    /// Of this seller.
    pub seller_id: Option<String>,
    /// Of this category.
    pub category: Option<String>,
    /// Active or paused only.
    pub active: Option<bool>,
    /// Rated at least once.
    pub rated: bool,
    /// Not this one.
    pub except: Option<String>,
}

/// In which order, and from where.
#[derive(Clone, Debug)]
pub enum Order {
    /// Newest first, older than the gig with this id.
    Newest(Option<String>),
    /// The page before: newer than the gig with this id, still newest first.
    Newer(Option<String>),
    /// Best mean rating first.
    Rating,
}

enum Bound {
    Text(String),
    Number(i64),
}

struct Conditions {
    sql: String,
    bound: Vec<Bound>,
}

impl Conditions {
    fn of(filter: &Filter, backend: Backend) -> Self {
        let mut all = Self { sql: "WHERE 1 = 1".to_owned(), bound: Vec::new() };
        if let Some(text) = &filter.text {
            let condition = search::condition(backend, all.bound.len() + 1);
            all.sql.push_str(" AND ");
            all.sql.push_str(&condition);
            all.bound.push(Bound::Text(text.text(backend)));
        }
        let numbers = [
            ("g.price >=", filter.min_price),
            ("g.price <=", filter.max_price),
            ("g.delivery_days <=", filter.delivery_days),
            ("g.active =", filter.active.map(i64::from)),
        ];
        for (left, value) in numbers {
            if let Some(value) = value {
                all.and(left, Bound::Number(value));
            }
        }
        let texts =
            [("g.seller_id =", &filter.seller_id), ("g.category =", &filter.category), ("g.id <>", &filter.except)];
        for (left, value) in texts {
            if let Some(value) = value {
                all.and(left, Bound::Text(value.clone()));
            }
        }
        if filter.rated {
            all.sql.push_str(" AND g.rating_count > 0");
        }
        all
    }

    fn and(&mut self, left: &str, value: Bound) {
        self.bound.push(value);
        self.sql.push_str(&format!(" AND {left} ${}", self.bound.len()));
    }
}

/// Up to `size` gigs.
pub async fn list(
    db: &mut Observed<impl Connected>,
    filter: &Filter,
    order: &Order,
    size: i64,
) -> Result<Vec<Gig>, sqlx::Error> {
    let mut conditions = Conditions::of(filter, Backend::of(db));
    let order_by = match order {
        Order::Newest(after) => {
            if let Some(after) = after {
                conditions.and("g.id <", Bound::Text(after.clone()));
            }
            "g.id DESC"
        }
        Order::Newer(before) => {
            if let Some(before) = before {
                conditions.and("g.id >", Bound::Text(before.clone()));
            }
            "g.id ASC"
        }
        Order::Rating => "g.rating_sum * 1.0 / g.rating_count DESC, g.id DESC",
    };
    conditions.bound.push(Bound::Number(size));
    let limit = conditions.bound.len();
    let sql = format!("SELECT {COLUMNS} {FROM} {} ORDER BY {order_by} LIMIT ${limit}", conditions.sql);
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for value in conditions.bound {
        query = match value {
            Bound::Text(text) => query.bind(text),
            Bound::Number(number) => query.bind(number),
        };
    }
    let mut gigs: Vec<Gig> = query.fetch_all(db).await?;
    if matches!(order, Order::Newer(_)) {
        gigs.reverse();
    }
    Ok(gigs)
}

/// How many gigs there are.
pub async fn count(db: &mut Observed<impl Connected>, filter: &Filter) -> Result<i64, sqlx::Error> {
    let conditions = Conditions::of(filter, Backend::of(db));
    let sql = format!("SELECT COUNT(*) FROM gigs g {}", conditions.sql);
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for value in conditions.bound {
        query = match value {
            Bound::Text(text) => query.bind(text),
            Bound::Number(number) => query.bind(number),
        };
    }
    let (count,): (i64,) = query.fetch_one(db).await?;
    Ok(count)
}

/// One gig.
pub async fn find(db: &mut Observed<impl Connected>, id: &str) -> Result<Option<Gig>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE g.id = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(db).await
}

/// Inserts a gig and puts it into the index.
pub async fn insert(
    db: &mut Observed<impl Connected>,
    id: &str,
    seller_id: &str,
    seller_username: &str,
    offer: &Offer,
    now: &str,
) -> Result<Gig, sqlx::Error> {
    sqlx::query(
        "INSERT INTO gigs (id, seller_id, seller_username, title, description, category, sub_categories, tags, price,
            currency, delivery_days, cover_image, active, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $13)",
    )
    .bind(id)
    .bind(seller_id)
    .bind(seller_username)
    .bind(offer.title.trim())
    .bind(offer.description.trim())
    .bind(offer.category.trim())
    .bind(json(&offer.sub_categories))
    .bind(json(&offer.tags))
    .bind(offer.price)
    .bind(&offer.currency)
    .bind(offer.delivery_days)
    .bind(&offer.cover_image)
    .bind(now)
    .execute(&mut *db)
    .await?;
    let gig = find(db, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    search::put(db, &gig).await?;
    Ok(gig)
}

/// Replaces what a gig offers, and what the index holds of it.
pub async fn update(
    db: &mut Observed<impl Connected>,
    id: &str,
    offer: &Offer,
    now: &str,
) -> Result<Option<Gig>, sqlx::Error> {
    sqlx::query(
        "UPDATE gigs SET title = $2, description = $3, category = $4, sub_categories = $5, tags = $6, price = $7,
            currency = $8, delivery_days = $9, cover_image = $10, updated_at = $11
         WHERE id = $1",
    )
    .bind(id)
    .bind(offer.title.trim())
    .bind(offer.description.trim())
    .bind(offer.category.trim())
    .bind(json(&offer.sub_categories))
    .bind(json(&offer.tags))
    .bind(offer.price)
    .bind(&offer.currency)
    .bind(offer.delivery_days)
    .bind(&offer.cover_image)
    .bind(now)
    .execute(&mut *db)
    .await?;
    let gig = find(db, id).await?;
    if let Some(gig) = &gig {
        search::put(db, gig).await?;
    }
    Ok(gig)
}

/// Activates or pauses a gig.
pub async fn set_active(
    db: &mut Observed<impl Connected>,
    id: &str,
    active: bool,
    now: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE gigs SET active = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(i64::from(active))
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes a gig; false when it was gone already.
pub async fn delete(db: &mut Observed<impl Connected>, id: &str) -> Result<bool, sqlx::Error> {
    search::remove(db, id).await?;
    let done = sqlx::query("DELETE FROM gigs WHERE id = $1").bind(id).execute(db).await?;
    Ok(done.rows_affected() > 0)
}

fn json(list: &[String]) -> String {
    serde_json::Value::from(list.to_vec()).to_string()
}

/// Keeps what the users service says about a seller. Facts older than those kept change nothing.
pub async fn keep_seller(db: &mut Observed<impl Connected>, facts: &SellerFacts) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO sellers (id, username, full_name, profile_picture, country, rating_sum, rating_count, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET username = $2, full_name = $3, profile_picture = $4, country = $5,
            rating_sum = $6, rating_count = $7, revision = $8
         WHERE sellers.revision < $8",
    )
    .bind(&facts.seller_id)
    .bind(&facts.username)
    .bind(&facts.full_name)
    .bind(&facts.profile_picture)
    .bind(&facts.country)
    .bind(facts.rating.sum)
    .bind(facts.rating.count)
    .bind(facts.revision)
    .execute(&mut *db)
    .await?;
    if let Some(gig) = &facts.gig_rating {
        // A count only grows, so that it tells old from new.
        sqlx::query("UPDATE gigs SET rating_sum = $2, rating_count = $3 WHERE id = $1 AND rating_count < $3")
            .bind(&gig.gig_id)
            .bind(gig.rating.sum)
            .bind(gig.rating.count)
            .execute(db)
            .await?;
    }
    Ok(())
}

/// Remembers the category that somebody looked at.
pub async fn select_category(
    db: &mut Observed<impl Connected>,
    username: &str,
    category: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO selected_categories (username, category) VALUES ($1, $2)
         ON CONFLICT (username) DO UPDATE SET category = $2",
    )
    .bind(username)
    .bind(category)
    .execute(db)
    .await?;
    Ok(())
}

/// The category that somebody looked at last.
pub async fn selected_category(
    db: &mut Observed<impl Connected>,
    username: &str,
) -> Result<Option<String>, sqlx::Error> {
    let row: Option<(String,)> = sqlx::query_as("SELECT category FROM selected_categories WHERE username = $1")
        .bind(username)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|(category,)| category))
}
