//! Recording of what a consumer expects, while its real code runs.
//!
//! An [`HttpPact`] stands in for the provider while the consumer's client talks to it; a [`MessagePact`] hands an example
//! message to the consumer's handler. Only when the consumer's code succeeds on what the pact promises does a
//! [`Recorder`] write the pact, always with the same bytes: order, parallelism and repetition of tests do not show in
//! it. Examples and matching rules are written with the patterns of `pact_consumer` (`json_pattern!`, `like!`, `term!`,
//! `each_like!`).
//!
//! ```
//! use contracts::consumer::{MessagePact, Recorder};
//! use pact_consumer::prelude::*;
//! use pact_consumer::{json_pattern, term};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = std::env::temp_dir().join(format!("pacts-{}", std::process::id()));
//! let recorder = Recorder::into_dir(&dir);
//! MessagePact::new("mail", "shop", "an order was paid")
//!     .given("a paid order exists")
//!     .metadata("type", "shop.order-paid.v1")
//!     .metadata("id", term!("^[0-9a-f-]{36}$", "018f4f6e-0000-7000-8000-000000000001"))
//!     .json(json_pattern!({ "total": like!(1200) }))
//!     .exercise(&recorder, |message| async move {
//!         // The consumer's own handler goes here.
//!         let body: serde_json::Value = serde_json::from_slice(&message.body)?;
//!         assert_eq!(body["total"], 1200);
//!         Ok::<(), serde_json::Error>(())
//!     })
//!     .await?;
//! assert!(dir.join("mail-shop.json").exists());
//! # std::fs::remove_dir_all(dir)?;
//! # Ok(()) }
//! ```

mod http;
mod message;
mod recorder;
mod stand_in;

use std::fmt::Display;
use std::time::Duration;

pub use http::HttpPact;
pub use message::{Message, MessagePact};
pub use recorder::Recorder;

use crate::error::Error;

/// Time that the consumer's code may take on one pact.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the consumer's code and puts its failure into words.
async fn run<E: Display>(
    consumer: &str,
    description: &str,
    code: impl Future<Output = Result<(), E>>,
) -> Result<(), Error> {
    let failed =
        |reason: String| Error::Consumer { consumer: consumer.to_owned(), description: description.to_owned(), reason };
    // The consumer's client is built with the features that the Pact crates turn on.
    match tokio::time::timeout(PATIENCE, code).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!("it did not finish within {PATIENCE:?}"))),
    }
}
