//! What this service does when it hears of something: it sends mails.

use platform::{Consumer, Event, HandlerError};

use crate::ledger::Ledger;
use crate::mail::Notify;
use crate::mailer::{Mailer, SendError};
use crate::views::{
    OfferMade, OrderCancelled, OrderCompleted, OrderDelivered, OrderExtensionDecided, OrderExtensionRequested,
    OrderPlaced, PasswordChanged, PasswordResetRequested, UserRegistered, VerificationRequested,
};

/// Sends the mails of events.
#[derive(Clone, Debug)]
pub struct Sender {
    mailer: Mailer,
    public_url: String,
    ledger: Ledger,
}

impl Sender {
    /// Sends through `mailer` and keeps notes in `ledger`; links start with `public_url`.
    #[must_use]
    pub fn new(mailer: Mailer, public_url: &str, ledger: Ledger) -> Self {
        Self { mailer, public_url: public_url.trim_end_matches('/').to_owned(), ledger }
    }
}

/// Every event that this service handles.
#[must_use]
pub fn consumer(sender: Sender) -> Consumer {
    Consumer::new("notification")
        .on_outside(sender.clone(), notify::<UserRegistered>)
        .on_outside(sender.clone(), notify::<VerificationRequested>)
        .on_outside(sender.clone(), notify::<PasswordResetRequested>)
        .on_outside(sender.clone(), notify::<PasswordChanged>)
        .on_outside(sender.clone(), notify::<OfferMade>)
        .on_outside(sender.clone(), notify::<OrderPlaced>)
        .on_outside(sender.clone(), notify::<OrderDelivered>)
        .on_outside(sender.clone(), notify::<OrderExtensionRequested>)
        .on_outside(sender.clone(), notify::<OrderExtensionDecided>)
        .on_outside(sender.clone(), notify::<OrderCompleted>)
        .on_outside(sender, notify::<OrderCancelled>)
}

/// The `Message-ID` of the mail that `event` leads to for the recipient in `role`: the same however often it is sent.
#[must_use]
pub fn message_id(event_id: &str, role: &str) -> String {
    format!("{event_id}.{role}@marketplace")
}

/// Sends the mails of one event.
///
/// Outside any transaction: a slow mail server must not hold the database's write lock.
///
/// # Errors
/// When a mail is refused (rejected) or the mail server is away (tried again).
pub async fn notify<T: Notify>(sender: Sender, event: Event, data: T) -> Result<(), HandlerError> {
    for mail in data.mails(&sender.public_url) {
        let message_id = message_id(&event.id, mail.role);
        if !sender.ledger.begin(&message_id).await? {
            continue;
        }
        sender.mailer.send(&mail, &message_id).await.map_err(|error| match error {
            SendError::Refused(reason) => HandlerError::reject(reason),
            SendError::Unavailable(error) => HandlerError::Unavailable(error.context("the mail server is away")),
        })?;
        tracing::info!(message_id, role = mail.role, "mail sent");
        sender.ledger.sent(&message_id).await?;
    }
    Ok(())
}
