//! Executors of sqlx that report each query, and gauges of its pools (feature `sqlx`).
//!
//! An application that has sqlx's own feature `macros` on takes the feature `sqlx-macros` instead: it gives sqlx's
//! `Executor` one more method.
//!
//! # Examples
//!
//! ```
//! use telemetry::db::sqlx::Observed;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sqlx::Error> {
//! let pool = Observed::pool("gigs", sqlx::SqlitePool::connect("sqlite::memory:").await?);
//! sqlx::query("CREATE TABLE gigs (id TEXT)").execute(&pool).await?;
//! let mut tx = pool.begin().await?;
//! sqlx::query("INSERT INTO gigs VALUES ($1)").bind("g-1").execute(&mut tx).await?;
//! tx.commit().await?;
//! assert_eq!(sqlx::query("SELECT id FROM gigs").fetch_all(&pool).await?.len(), 1);
//! # Ok(()) }
//! ```

mod executor;
mod observed;
mod peeked;
mod pool;
mod run;

pub use observed::Observed;
