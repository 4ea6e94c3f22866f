//! The live page: what a run is doing, in a browser, while it does it.
//!
//! [`Page::start`] folds the events of a run into one small [`state`](LiveState) and sends it to every open browser
//! whenever it changed. Late comers see everything; a slow browser costs nothing.

mod page;
mod state;

pub use page::{Page, PageError};
pub use state::LiveState;
