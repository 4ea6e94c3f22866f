//! What contracts say about a running system: messages that are really published, answers that clients really get, calls
//! that services really make.
//!
//! A replay asks one provider for one interaction in a known state. Here nobody knows the state, so what was seen is held
//! against contracts by shape: fields that must be there, their types, and every matching rule of the pact; a value that
//! a pact has without a rule is an example. Metadata and status are compared as in a replay. Of the interactions that one
//! consumer has for an event or an operation, one must fit.
//!
//! With the documents of providers ([`Watch::with_documents`]), what was seen is held against those too: that fails nobody,
//! because consumers rely on contracts and not on documents.
//!
//! What it holds is bounded whatever the system says: see the constants in this module and its parts. All that is seen is
//! counted; of each name the first messages are compared, and then every tenth.
//!
//! ```no_run
//! # async fn example() -> Result<(), contracts::Error> {
//! use contracts::live::{Message, Watch};
//! use serde_json::json;
//!
//! let mut watch = Watch::new(&contracts::store::load_dir("contracts/pacts".as_ref())?);
//! let metadata = [("cloudEvents:type".to_owned(), json!("order.placed.v1"))].into();
//! watch.message(&Message { metadata, content_type: None, body: b"{}".as_slice().into() }).await;
//! assert!(watch.report().broken.is_empty());
//! # Ok(()) }
//! ```

mod event;
mod fields;
mod operation;
mod path;
mod patience;
mod promised;
mod report;
mod tally;
mod watch;

pub use event::Message;
pub use operation::{Answer, Call};
pub use report::{Broken, Count, Live, NeverSeen, Undocumented, UnknownFields, WithoutContract};
pub use watch::Watch;

/// Distinct names of one kind that are told apart; what comes beyond is counted together.
const MOST_NAMES: usize = 500;
