//! Mails: each event that somebody should hear of leads to one mail for each recipient.
//!
//! A mail is noted when it is begun and when it was sent ([`ledger`]), so a crash sends again only what may not have been
//! sent. Its `Message-ID` follows from event and recipient, so that a second copy is known as one.

pub mod consumer;
pub mod ledger;
pub mod mail;
pub mod mailer;
pub mod views;

use axum::Router;
use platform::document::{self, Document, OpenApiRouter};
use platform::{App, Context};

use crate::consumer::Sender;
use crate::ledger::Ledger;
use crate::mailer::Mailer;

/// Builds the service from `DATABASE_URL`, `SMTP_URL` (`smtp://host:port`) and `PUBLIC_URL`, the base of links in mails.
///
/// # Errors
/// Every mistake of the environment, or why the database cannot be opened.
pub async fn app(ctx: Context) -> anyhow::Result<App> {
    let smtp = ctx.env().url("SMTP_URL");
    let public_url = ctx.env().url("PUBLIC_URL");
    let database = ctx.database(ledger::SCHEMA).await?;
    let sender = Sender::new(Mailer::new(&smtp)?, &public_url, Ledger::new(database.clone()));
    Ok(App::new(Router::new()).with_database(&database).with_consumer(consumer::consumer(sender)))
}

/// What this service answers, as OpenAPI 3.1: nothing but its health.
#[must_use]
pub fn openapi() -> Document {
    document::service("notification", "Mails of what happens; it has no public routes.", OpenApiRouter::<()>::default())
}
