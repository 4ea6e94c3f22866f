//! Results: one model, many readers.

mod files;
pub mod html;
pub mod json;
pub mod junit;
pub mod model;
pub(crate) mod page;
pub mod print;
mod progress;
mod promises;
#[cfg(test)]
pub(crate) mod sample;
pub mod terminal;

pub use files::{read, write_all};
pub use progress::Progress;
