//! Results: one model, many readers.

pub mod html;
pub mod json;
pub mod junit;
pub mod terminal;
pub mod model;
mod page;
mod progress;
#[cfg(test)]
mod sample;

pub use progress::Progress;
