//! What this service does when it hears of something: it sends mails.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use platform::{Consumer, Event, HandlerError};

use crate::mail::Notify;
use crate::mailer::{Mailer, SendError};
use crate::views::{
    OfferMade, OrderCancelled, OrderCompleted, OrderDelivered, OrderExtensionDecided, OrderExtensionRequested,
    OrderPlaced, PasswordChanged, PasswordResetRequested, UserRegistered, VerificationRequested,
};

/// Ids of mails remembered, so that a retry for one recipient does not write to the other again.
const REMEMBERED: usize = 10_000;

/// Sends the mails of events.
#[derive(Clone, Debug)]
pub struct Sender {
    mailer: Mailer,
    public_url: String,
    sent: Arc<Mutex<VecDeque<String>>>,
}

impl Sender {
    /// Sends through `mailer`; links start with `public_url`.
    #[must_use]
    pub fn new(mailer: Mailer, public_url: &str) -> Self {
        Self { mailer, public_url: public_url.trim_end_matches('/').to_owned(), sent: Arc::default() }
    }

    fn has_sent(&self, message_id: &str) -> bool {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().any(|sent| sent == message_id)
    }

    fn remember(&self, message_id: String) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() == REMEMBERED {
            sent.pop_front();
        }
        sent.push_back(message_id);
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
        if sender.has_sent(&message_id) {
            continue;
        }
        sender.mailer.send(&mail, &message_id).await.map_err(|error| match error {
            SendError::Refused(reason) => HandlerError::reject(reason),
            SendError::Unavailable(error) => HandlerError::Unavailable(error.context("the mail server is away")),
        })?;
        tracing::info!(message_id, role = mail.role, "mail sent");
        sender.remember(message_id);
    }
    Ok(())
}
