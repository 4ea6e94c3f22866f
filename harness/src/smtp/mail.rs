//! A captured mail.

use std::collections::BTreeMap;
use std::time::SystemTime;

use mail_parser::MessageParser;

/// A mail as it was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Sender of the envelope.
    pub from: String,
    /// Recipients of the envelope.
    pub to: Vec<String>,
    /// `Message-ID`, without angle brackets; empty when there is none.
    pub message_id: String,
    /// Subject; empty when there is none.
    pub subject: String,
    /// First text part.
    pub text: String,
    /// First HTML part.
    pub html: String,
    /// All headers by lower-case name; of repeated ones the last.
    pub headers: BTreeMap<String, String>,
    /// When it arrived.
    pub received: SystemTime,
}

impl Mail {
    /// Reads the message `data` that came in an envelope. What cannot be read as a message keeps its envelope and text.
    pub(super) fn parse(from: String, to: Vec<String>, data: &[u8]) -> Self {
        let mut mail = Self {
            from,
            to,
            message_id: String::new(),
            subject: String::new(),
            text: String::new(),
            html: String::new(),
            headers: BTreeMap::new(),
            received: SystemTime::now(),
        };
        let Some(message) = MessageParser::default().parse(data) else {
            mail.text = String::from_utf8_lossy(data).into_owned();
            return mail;
        };
        mail.message_id = message.message_id().unwrap_or_default().to_owned();
        mail.subject = message.subject().unwrap_or_default().to_owned();
        mail.text = message.body_text(0).map(|text| text.into_owned()).unwrap_or_default();
        mail.html = message.body_html(0).map(|html| html.into_owned()).unwrap_or_default();
        mail.headers =
            message.headers_raw().map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
        mail
    }

    /// Rough size in memory, in bytes.
    pub(super) fn weight(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
        self.text.len() + self.html.len() + self.subject.len() + headers + 256
    }

    /// Whether `address` is among the recipients, upper and lower case alike.
    #[must_use]
    pub fn is_to(&self, address: &str) -> bool {
        self.to.iter().any(|to| to.eq_ignore_ascii_case(address))
    }
}
