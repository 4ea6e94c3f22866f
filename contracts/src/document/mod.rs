//! What a provider promises: OpenAPI 3.0 and 3.1 documents of its operations, AsyncAPI 2 and 3 documents of its events.
//!
//! One small model serves both kinds, read from the parsed document as it is: an existing reader of OpenAPI knows
//! neither AsyncAPI nor where in the file something stands, and refuses what it does not know. References are followed
//! where they are met, so that cyclic schemas cost nothing. A document is not trusted: its size, its depth and what it
//! expands to are bounded, every reference is looked at when it is read, and an error names the file and the JSON
//! pointer.
//!
//! ```
//! use contracts::document::Document;
//! use serde_json::json;
//!
//! let document = Document::from_value("shop.json".as_ref(), json!({
//!     "openapi": "3.1.0",
//!     "info": { "title": "shop", "version": "1.0.0" },
//!     "paths": { "/items/{id}": { "get": { "responses": { "200": { "description": "The item." } } } } },
//! }))?;
//! let model = document.model();
//! let operation = model.operation("GET", "/items/7").expect("it is documented");
//! assert_eq!(operation.name(), "GET /items/{id}");
//! # Ok::<(), contracts::document::DocumentError>(())
//! ```

mod asyncapi;
mod budget;
mod error;
mod fields;
mod fit;
mod load;
mod model;
mod openapi;
mod reference;
mod schema;
mod template;
mod types;
mod walk;

#[cfg(test)]
mod fit_tests;

pub use error::{Cause, DocumentError};
pub use load::{Document, Kind};
pub use model::{Body, Content, Event, Header, Model, Operation, Parameter, Place, Response};
pub use schema::{Additional, Schema};
pub use types::Types;

pub(crate) use fields::{fields, used};
pub(crate) use fit::{Side, misfits};
pub(crate) use model::{content_for, event_among, is_json, operation_among};
