//! Whether a new version of an OpenAPI or AsyncAPI document breaks anybody.
//!
//! Each rule of [`rules`] looks for one kind of change. What it finds is weighed by what the consumers' pacts say that
//! they use: a response field that nobody reads may go with a warning, one that a consumer reads is an error that names
//! the consumer and its interaction. Direction matters: a provider may ask for less and answer more, not the other way
//! round, and a message is like a response.
//!
//! ```
//! use contracts::diff::{Level, Usage, diff};
//! use contracts::document::Document;
//! use serde_json::json;
//!
//! let with = |properties| Document::from_value("shop.json".as_ref(), json!({
//!     "openapi": "3.1.0",
//!     "paths": { "/items/{id}": { "get": { "responses": { "200": { "content": {
//!         "application/json": { "schema": { "type": "object", "properties": properties } }
//!     } } } } } },
//! }));
//! let (before, after) = (with(json!({ "id": {}, "price": {} }))?, with(json!({ "id": {} }))?);
//! let findings = diff(&before, &after, &Usage::unknown());
//! assert_eq!(findings[0].rule, "response-property-removed");
//! assert_eq!(findings[0].level, Level::Error);
//! # Ok::<(), contracts::document::DocumentError>(())
//! ```

mod bounds;
mod compare;
mod finding;
mod pair;
mod part;
mod patterns;
mod report;
pub mod rules;
#[cfg(test)]
mod testing;
mod text;
mod usage;
mod version;
mod walk;

pub use compare::diff;
pub use finding::{Finding, Level, UsedBy};
pub use rules::Rule;
pub use text::Summary;
pub use usage::Usage;
