//! What every marketplace service shares, so that a service reads as its own domain only.
//!
//! No existing crate offers start-up, error body, internal tokens, transactional outbox, inbox and consumer runtime as one
//! consistent whole over `sqlx` and `lapin`; each service writing them again would be nine chances to get them wrong.
//!
//! # Examples
//!
//! A whole service:
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use platform::{ApiError, App, Context, Json, Migration, Path, SignedIn};
//!
//! const SCHEMA: &[Migration] = &[Migration::new(1, "lamps", "CREATE TABLE lamps (id TEXT PRIMARY KEY)")];
//!
//! pub async fn app(ctx: Context) -> anyhow::Result<App> {
//!     let database = ctx.database(SCHEMA).await?;
//!     let router = Router::new().route("/api/v1/lamps/{id}", get(one));
//!     Ok(App::new(router).with_database(&database))
//! }
//!
//! async fn one(caller: SignedIn, Path(id): Path<String>) -> Result<Json<String>, ApiError> {
//!     Ok(Json(format!("lamp {id} of {}", caller.username)))
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     platform::main("lamps", app)
//! }
//! ```

mod backoff;
pub mod broker;
pub mod bug;
pub mod caller;
pub mod clock;
pub mod consumer;
pub mod context;
pub mod contract;
pub mod database;
pub mod document;
pub mod env;
pub mod error;
pub mod event;
pub mod extract;
mod health;
pub mod idempotency;
mod instrument;
pub mod outbound;
pub mod outbox;
pub mod page;
mod run;
mod serve;
pub mod testing;
pub mod token;

pub use backoff::Backoff;
pub use caller::{Caller, SignedIn};
pub use clock::{new_id, now, timestamp};
pub use consumer::{Consumer, HandlerError};
pub use context::{App, Context};
pub use contract::ContractHooks;
pub use database::{Backend, Connected, Database, Migration, Observed, Pool, Tx};
pub use env::{ConfigError, Env};
pub use error::ApiError;
pub use event::{Event, EventError, EventType};
pub use extract::{Json, OptionalJson, Path, Query};
pub use page::Page;
pub use run::main;

/// The code of the guide that adds a service, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/20-adding-a-service.md")]
struct AddingAServiceGuide;
