//! Mails: this service hears of events and tells people about them.
//!
//! [`letters`] says who gets what for which event, [`mail`] renders it, [`post`] sends it by SMTP. An event that arrives
//! again leads to no second mail: the inbox remembers it, and a mail that was sent just before this process died is sent
//! again under the same Message-ID, by which the receiving side recognises it.

pub mod events;
pub mod letters;
pub mod mail;
pub mod post;

use axum::Router;
use platform::{App, Consumer, Context, Event, EventType, HandlerError};

use letters::{Letters, Site};
use post::Post;

/// What every handler works with.
#[derive(Debug, Clone)]
pub struct Mailroom {
    site: Site,
    post: Post,
}

/// The whole service; reads `SMTP_URL`, `PUBLIC_URL` and optionally `MAIL_FROM`.
///
/// # Errors
///
/// Reports everything that is wrong with its environment, or why its database cannot be opened.
pub async fn app(ctx: Context) -> anyhow::Result<App> {
    let env = ctx.env();
    let smtp_url = env.url("SMTP_URL");
    let site = Site::new(env.url("PUBLIC_URL"));
    let from = env.optional("MAIL_FROM").unwrap_or_else(|| "Marketplace <no-reply@marketplace.test>".to_owned());
    let post = Post::new(&smtp_url, &from);
    if let (false, Err(error)) = (smtp_url.is_empty(), &post) {
        env.problem::<()>(error.to_string());
    }
    let database = ctx.database(&[]).await?;
    let mailroom = Mailroom { site, post: post? };
    Ok(App::new(Router::new()).with_database(&database).with_consumer(consumer(mailroom)))
}

/// Every event that is worth a mail.
#[must_use]
pub fn consumer(mailroom: Mailroom) -> Consumer {
    let room = || mailroom.clone();
    Consumer::new("notification")
        .on_outside(room(), tell::<events::VerificationRequested>)
        .on_outside(room(), tell::<events::PasswordResetRequested>)
        .on_outside(room(), tell::<events::PasswordChanged>)
        .on_outside(room(), tell::<events::OfferMade>)
        .on_outside(room(), tell::<events::OrderPlaced>)
        .on_outside(room(), tell::<events::OrderDelivered>)
        .on_outside(room(), tell::<events::ExtensionRequested>)
        .on_outside(room(), tell::<events::ExtensionDecided>)
        .on_outside(room(), tell::<events::OrderCompleted>)
        .on_outside(room(), tell::<events::OrderCancelled>)
}

/// Sends the letters that an event is worth.
async fn tell<T: Letters + EventType>(mailroom: Mailroom, event: Event, data: T) -> Result<(), HandlerError> {
    for mail in data.letters(&mailroom.site) {
        mailroom.post.send(&event.id, &mail).await?;
    }
    Ok(())
}
