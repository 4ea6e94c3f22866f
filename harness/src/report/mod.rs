//! Results: one model, many readers.

pub mod model;
