//! Queries of a database: a CLIENT span and a measurement each, with the statement in short and never its values.
//!
//! [`Query`] works with any driver; the feature `sqlx` adds executors that make one for each query of sqlx.
//!
//! Spans, attributes and metrics follow the semantic conventions for databases.

mod lexer;
mod query;
mod summary;
mod tables;
mod text;

#[cfg(feature = "sqlx")]
pub mod sqlx;

pub use query::Query;
