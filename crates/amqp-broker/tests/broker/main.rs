//! The broker as lapin and an HTTP client see it.

mod declaring;
mod exchanges;
mod lapin_client;
