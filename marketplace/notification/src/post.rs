//! Sending mails by SMTP, each under a Message-ID that follows from its event and its recipient.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::http::Uri;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::Message;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use platform::HandlerError;
use tokio::net::TcpStream;

use crate::mail::Mail;

/// Port of a URL that names none.
const SMTP_PORT: u16 = 25;

/// Longest a command may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Message-IDs remembered, so that a retry for one recipient does not write to the other again.
const REMEMBERED: usize = 10_000;

/// The way out to people.
#[derive(Clone)]
pub struct Post {
    server: String,
    from: Mailbox,
    sent: Arc<Mutex<VecDeque<String>>>,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("from", &self.from).finish_non_exhaustive()
    }
}

/// The Message-ID of the mail about an event to its recipient in `role`, the same whenever it is sent.
///
/// # Examples
///
/// ```
/// assert_eq!(notification::post::message_id("e-1", "buyer"), "<e-1.buyer@marketplace>");
/// ```
#[must_use]
pub fn message_id(event_id: &str, role: &str) -> String {
    format!("<{event_id}.{role}@marketplace>")
}

impl Post {
    /// Sends through the server at `url` (`smtp://host:port`, without TLS), as `from`.
    ///
    /// # Errors
    ///
    /// Says which of the two cannot be read.
    pub fn new(url: &str, from: &str) -> anyhow::Result<Self> {
        let server = url.parse::<Uri>().ok().filter(|uri| uri.scheme_str() == Some("smtp"));
        let server = server.as_ref().and_then(|uri| Some((uri.host()?, uri.port_u16().unwrap_or(SMTP_PORT))));
        let (host, port) = server.with_context(|| format!("`SMTP_URL` is `{url}`: expected `smtp://host:port`"))?;
        let server = format!("{host}:{port}");
        let from = from.parse().with_context(|| format!("`MAIL_FROM` is `{from}`: expected `Name <address>`"))?;
        Ok(Self { server, from, sent: Arc::default() })
    }

    /// Sends one mail about an event.
    ///
    /// # Errors
    ///
    /// Rejected when the address or the mail is refused for good; to be tried again when the server refuses for now;
    /// unavailable when it does not answer.
    pub async fn send(&self, event_id: &str, mail: &Mail) -> Result<(), HandlerError> {
        let id = message_id(event_id, mail.role);
        if self.has_sent(&id) {
            return Ok(());
        }
        let message = self.write(&id, mail).map_err(|error| HandlerError::reject(format!("{error:#}")))?;
        let answer = tokio::time::timeout(TIMEOUT, self.hand_over(&message)).await;
        match answer.context("the mail server does not answer in time").map_err(HandlerError::Unavailable)?? {
            Ok(()) => {
                tracing::info!(message_id = id, subject = mail.subject_line(), "mail sent");
                self.remember(id);
                Ok(())
            }
            Err(error) if error.is_permanent() => Err(HandlerError::reject(format!("mail refused: {error}"))),
            Err(error) if error.is_transient() => Err(HandlerError::Retry(error.into())),
            Err(error) => Err(HandlerError::Unavailable(anyhow::Error::new(error).context("mail server"))),
        }
    }

    /// One SMTP session. The outer error is a server that cannot be reached.
    async fn hand_over(&self, message: &Message) -> Result<Result<(), SmtpError>, HandlerError> {
        let unreachable = |error| HandlerError::Unavailable(anyhow::Error::new(error).context("mail server"));
        let stream = TcpStream::connect(&self.server).await.map_err(unreachable)?;
        // A mail ends in a small write of its own, which would otherwise wait for the other side's delayed ACK (40 ms).
        stream.set_nodelay(true).map_err(unreachable)?;
        let session = async {
            let hello = ClientId::Domain("marketplace".to_owned());
            let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await?;
            connection.send(message.envelope(), &message.formatted()).await?;
            // The mail is accepted: how the session ends does not matter any more.
            connection.abort().await;
            Ok(())
        };
        Ok(session.await)
    }

    fn write(&self, id: &str, mail: &Mail) -> anyhow::Result<Message> {
        // The reason goes into the dead-letter queue, so it must not show the address.
        let to = mail.to.parse().map_err(|error| anyhow::anyhow!("recipient is no e-mail address: {error}"))?;
        let mut message = Message::builder()
            .message_id(Some(id.to_owned()))
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject_line())
            .multipart(MultiPart::alternative_plain_html(mail.plain(), mail.html()))?;
        if let Some(correlation) = telemetry::correlation::current() {
            let name = HeaderName::new_from_ascii_str("X-Correlation-Id");
            message.headers_mut().insert_raw(HeaderValue::new(name, correlation.as_str().to_owned()));
        }
        Ok(message)
    }

    fn has_sent(&self, id: &str) -> bool {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().any(|sent| sent == id)
    }

    fn remember(&self, id: String) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() == REMEMBERED {
            sent.pop_front();
        }
        sent.push_back(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str) -> Mail {
        Mail {
            role: "user",
            to: to.into(),
            name: "ada".into(),
            subject: "Grüße\r\nBcc: eve@example.test".into(),
            paragraphs: vec!["Hello".into()],
            button: None,
        }
    }

    #[test]
    fn written_mail_has_both_renderings_and_no_smuggled_header() {
        let post = Post::new("smtp://127.0.0.1:2525", "Marketplace <no-reply@marketplace.test>").unwrap();
        let id = message_id("e-1", "user");
        let raw = String::from_utf8(post.write(&id, &mail("ada@example.test")).unwrap().formatted()).unwrap();
        assert!(raw.contains(&format!("Message-ID: {id}")), "{raw}");
        assert!(raw.contains("text/plain") && raw.contains("text/html"));
        assert!(!raw.lines().any(|line| line.starts_with("Bcc:")), "{raw}");
    }

    #[test]
    fn reason_of_a_bad_address_does_not_show_it() {
        let post = Post::new("smtp://127.0.0.1:2525", "no-reply@marketplace.test").unwrap();
        let error = post.write("<x@marketplace>", &mail("not an address")).unwrap_err().to_string();
        assert!(error.starts_with("recipient is no e-mail address") && !error.contains("not an address"), "{error}");
    }
}
