//! What integration tests run on: a database and a message broker, each embedded and real.
//!
//! The same binaries run on SQLite and the embedded broker, and on PostgreSQL and RabbitMQ, chosen by URL. A test that
//! takes a [`Pair`] runs on both: [`on_each_pair!`] makes two tests of it, below `embedded` and below `real`. Each test
//! gets a database and a virtual host of its own; the servers behind them are shared by all tests of a run.
//!
//! Where the real servers come from, in this order:
//!
//! 1. the variables [`POSTGRES_URL`](variables::POSTGRES_URL), [`AMQP_URL`](variables::AMQP_URL) and
//!    [`RABBITMQ_API_URL`](variables::RABBITMQ_API_URL) name servers that run already;
//! 2. else containers are started where a Docker engine runs, through `testcontainers`, and stay for the next test binary
//!    (`cargo xtask test` removes them at its start and end);
//! 3. else the test fails and says what to do. Only [`EMBEDDED_ONLY`](variables::EMBEDDED_ONLY), which
//!    `cargo xtask test --embedded-only` sets, leaves the real pair out.
//!
//! `testcontainers` alone offers one container for each test or each process; what is added here is one pair of servers
//! for a whole run, separation within them, and the choice between them and what is embedded.
//!
//! # Examples
//!
//! ```
//! use backends::Pair;
//!
//! async fn database_answers(pair: Pair) {
//!     let database = pair.database().await;
//!     assert!(database.url().starts_with("sqlite:") || database.url().starts_with("postgres:"));
//! }
//!
//! backends::on_each_pair!(database_answers);
//! ```

mod broker;
mod containers;
mod database;
mod pair;
mod postgres;
mod rabbitmq;
mod report;
mod servers;
pub mod variables;

#[doc(hidden)]
pub use tokio;

pub use broker::Broker;
pub use database::Database;
pub use pair::Pair;
