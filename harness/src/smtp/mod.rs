//! An SMTP server that keeps what it gets: services under test send real mails, journeys and invariants read them.

mod mail;
mod server;
mod session;
mod store;

pub use mail::Mail;
pub use server::{Sink, SinkError};
pub use store::{MailTimeout, Store};
