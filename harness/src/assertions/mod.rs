//! Judging what the system said about itself: flows, their completeness, their logs, and expectations on them.
//!
//! A [`Flow`] is the closure of a client's request over parent edges, span links in both directions and message ids,
//! across trace ids. [`check_flows`] waits until flows are complete and reports what is wrong with them;
//! [`check_expectations`] judges the `flow:` section of a journey, written with [`Selector`]s:
//!
//! ```
//! use shakedown::assertions::Selector;
//!
//! let selector: Selector = r#"span[service=order name="POST /api/v1/order" kind=server duration<200ms]"#.parse()?;
//! assert_eq!(selector.to_string(), r#"span[service=order name="POST /api/v1/order" kind=server duration<200ms]"#);
//! # Ok::<(), shakedown::assertions::SelectorError>(())
//! ```

mod check;
mod completeness;
mod duration;
mod expectation;
mod explain;
mod findings;
mod flow;
mod logs;
mod selector;
mod waterfall;

#[cfg(test)]
mod fixture;

pub use check::{Judged, check_expectations, check_flows, judge_flow};
pub use expectation::{Expectation, InvalidExpectation, LogPattern};
pub use explain::text_waterfall;
pub use flow::{Flow, Seed, flow};
pub use selector::{Selector, SelectorError};
pub use waterfall::waterfall;
