//! Hands mails to the mail server by SMTP.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::Context as _;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use telemetry::span::Outcome;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::mail::Mail;

/// Sender of every mail.
const FROM: &str = "no-reply@marketplace.example";
/// Longest time for one session with the mail server.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A mail server.
#[derive(Clone, Debug)]
pub struct Mailer {
    server: String,
    /// The same, taken apart for telemetry.
    address: (String, u16),
    from: Mailbox,
}

/// Why a mail was not sent.
#[derive(Debug)]
pub enum SendError {
    /// The mail itself is at fault, such as an address that is none; trying again does not help.
    Refused(String),
    /// The mail server is away or busy.
    Unavailable(anyhow::Error),
}

/// The result of one session, for telemetry: why a server refuses a mail may name its recipient, so only the kind is told.
struct Sent(Result<(), SendError>);

impl Outcome for Sent {
    fn failure(&self) -> Option<(Cow<'static, str>, String)> {
        let kind = match self.0.as_ref().err()? {
            SendError::Refused(_) => "refused",
            SendError::Unavailable(_) => "unavailable",
        };
        Some((Cow::Borrowed(kind), String::new()))
    }
}

impl Mailer {
    /// The mail server at `url` (`smtp://host:port`), without encryption.
    ///
    /// # Errors
    /// When the URL has no host.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let authority = url.strip_prefix("smtp://").context("SMTP_URL: expected `smtp://host:port`")?;
        let (host, port) =
            authority.trim_end_matches('/').rsplit_once(':').context("SMTP_URL: expected `smtp://host:port`")?;
        let port: u16 = port.parse().with_context(|| format!("SMTP_URL: `{port}` is no port"))?;
        Ok(Self {
            server: format!("{host}:{port}"),
            address: (host.to_owned(), port),
            from: FROM.parse().context("sender")?,
        })
    }

    /// Sends `mail` under `message_id` (without angle brackets).
    ///
    /// # Errors
    /// When the mail is refused or the server does not take it now.
    pub async fn send(&self, mail: &Mail, message_id: &str) -> Result<(), SendError> {
        let message = self.message(mail, message_id).map_err(|error| SendError::Refused(format!("{error:#}")))?;
        let session = async {
            match timeout(TIMEOUT, self.session(&message)).await {
                Ok(sent) => Sent(sent),
                Err(late) => Sent(Err(SendError::Unavailable(late.into()))),
            }
        };
        let (host, port) = self.address.clone();
        telemetry::mail::Mail::via(host, port).kind(mail.role).recipients(1).send(session).await.0
    }

    /// One SMTP session for one mail.
    async fn session(&self, message: &Message) -> Result<(), SendError> {
        let unreachable = |error: std::io::Error| SendError::Unavailable(error.into());
        let stream = TcpStream::connect(&self.server).await.map_err(unreachable)?;
        // The end of a mail is a small write of its own, which would wait for the server's delayed ACK, 40 ms.
        stream.set_nodelay(true).map_err(unreachable)?;
        let refused = |error: SmtpError| match error.is_permanent() {
            true => SendError::Refused(error.to_string()),
            false => SendError::Unavailable(error.into()),
        };
        let hello = ClientId::Domain("marketplace".to_owned());
        let mut connection =
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await.map_err(refused)?;
        connection.send(message.envelope(), &message.formatted()).await.map_err(refused)?;
        // The mail is accepted; how the session ends does not matter any more.
        connection.abort().await;
        Ok(())
    }

    fn message(&self, mail: &Mail, message_id: &str) -> anyhow::Result<Message> {
        let to: Address = mail.to.parse().context("the recipient's address is malformed")?;
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&mail.subject)
            .message_id(Some(format!("<{message_id}>")));
        if let Some(id) = telemetry::correlation::current() {
            builder = builder.header(CorrelationId(id.as_str().to_owned()));
        }
        Ok(builder.multipart(MultiPart::alternative_plain_html(mail.plain(), mail.html()))?)
    }
}

/// The request that led to the mail, for whoever looks into it.
#[derive(Clone)]
struct CorrelationId(String);

impl Header for CorrelationId {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Correlation-Id")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str, subject: &str) -> Mail {
        let paragraphs = vec!["Hello ada,".to_owned()];
        Mail { role: "user", to: to.to_owned(), subject: subject.to_owned(), paragraphs, link: None }
    }

    fn mailer() -> Mailer {
        Mailer::new("smtp://127.0.0.1:2525").unwrap()
    }

    #[test]
    fn mail_has_both_renderings_its_id_and_no_smuggled_header() {
        let subject = "Gr\u{fc}\u{df}e\r\nBcc: eve@example.test";
        let message = mailer().message(&mail("ada@example.test", subject), "e-1.user@marketplace").unwrap();
        let raw = String::from_utf8(message.formatted()).unwrap();
        assert!(raw.contains("Message-ID: <e-1.user@marketplace>"), "{raw}");
        assert!(raw.contains("text/plain") && raw.contains("text/html"), "{raw}");
        assert!(!raw.lines().any(|line| line.starts_with("Bcc:")), "{raw}");
    }

    #[test]
    fn reason_of_a_bad_address_does_not_show_it() {
        let error = mailer().message(&mail("not an address", "Hello"), "e-1.user@marketplace").unwrap_err();
        assert_eq!(error.to_string(), "the recipient's address is malformed");
    }

    #[test]
    fn url_without_host_or_port_is_refused() {
        for url in ["smtp://127.0.0.1", "http://127.0.0.1:25", "smtp://host:port"] {
            assert!(Mailer::new(url).is_err(), "{url}");
        }
    }
}
