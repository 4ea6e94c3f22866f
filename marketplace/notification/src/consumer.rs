//! What this service does when it hears of something: it sends mails.

use platform::{Consumer, Event, HandlerError, Tx, now};

use crate::mail::{Mail, Notify};
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
}

impl Sender {
    /// Sends through `mailer`; links start with `public_url`.
    #[must_use]
    pub fn new(mailer: Mailer, public_url: &str) -> Self {
        Self { mailer, public_url: public_url.trim_end_matches('/').to_owned() }
    }
}

/// Every event that this service handles.
#[must_use]
pub fn consumer(sender: Sender) -> Consumer {
    Consumer::new("notification")
        .on_with::<UserRegistered, _>(sender.clone(), notify)
        .on_with::<VerificationRequested, _>(sender.clone(), notify)
        .on_with::<PasswordResetRequested, _>(sender.clone(), notify)
        .on_with::<PasswordChanged, _>(sender.clone(), notify)
        .on_with::<OfferMade, _>(sender.clone(), notify)
        .on_with::<OrderPlaced, _>(sender.clone(), notify)
        .on_with::<OrderDelivered, _>(sender.clone(), notify)
        .on_with::<OrderExtensionRequested, _>(sender.clone(), notify)
        .on_with::<OrderExtensionDecided, _>(sender.clone(), notify)
        .on_with::<OrderCompleted, _>(sender.clone(), notify)
        .on_with::<OrderCancelled, _>(sender, notify)
}

/// The `Message-ID` of the mail that `event` leads to for the recipient in `role`: the same however often it is sent.
#[must_use]
pub fn message_id(event_id: &str, role: &str) -> String {
    format!("{event_id}.{role}@marketplace")
}

/// Sends the mails of one event.
///
/// # Errors
/// When a mail is refused (rejected) or the mail server is away (tried again).
pub async fn notify<T: Notify>(sender: Sender, tx: &mut Tx, event: Event, data: T) -> Result<(), HandlerError> {
    for mail in data.mails(&sender.public_url) {
        let message_id = message_id(&event.id, mail.role);
        sender.mailer.send(&mail, &message_id).await.map_err(|error| match error {
            SendError::Refused(reason) => HandlerError::reject(reason),
            SendError::Unavailable(error) => HandlerError::Unavailable(error.context("the mail server is away")),
        })?;
        record(tx, &event, &mail, &message_id).await?;
    }
    Ok(())
}

async fn record(tx: &mut Tx, event: &Event, mail: &Mail, message_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO mails (message_id, event_id, role, subject, sent_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (message_id) DO NOTHING",
    )
    .bind(message_id)
    .bind(&event.id)
    .bind(mail.role)
    .bind(&mail.subject)
    .bind(now())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
