//! Results: one model, many readers.

pub mod model;
mod progress;

pub use progress::Progress;
