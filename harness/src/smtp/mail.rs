//! A received mail.

use std::collections::BTreeMap;
use std::time::SystemTime;

use mail_parser::MessageParser;

/// Longest body text that is kept, in bytes.
const LONGEST_TEXT: usize = 256 * 1024;
/// Headers that are kept.
const MOST_HEADERS: usize = 200;

/// A received mail, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Number in order of arrival, from 0.
    pub number: u64,
    /// When it arrived.
    pub received: SystemTime,
    /// Sender of the envelope.
    pub from: String,
    /// Recipients of the envelope.
    pub to: Vec<String>,
    /// Subject, decoded.
    pub subject: String,
    /// Message-ID without angle brackets; empty when there is none.
    pub message_id: String,
    /// Text body, decoded; made from the HTML when there is no other.
    pub text: String,
    /// HTML body, decoded; made from the text when there is no other.
    pub html: String,
    /// Headers by lower-case name, the last of each name, folded lines joined.
    pub headers: BTreeMap<String, String>,
    /// Size of the message in bytes.
    pub size: usize,
}

impl Mail {
    /// Takes a message apart. One that is no mail keeps its text.
    pub(super) fn parse(from: String, to: Vec<String>, message: &[u8]) -> Self {
        let mut mail = Self {
            number: 0,
            received: SystemTime::now(),
            from,
            to,
            subject: String::new(),
            message_id: String::new(),
            text: String::new(),
            html: String::new(),
            headers: BTreeMap::new(),
            size: message.len(),
        };
        match MessageParser::default().parse(message) {
            Some(parsed) => {
                mail.subject = parsed.subject().unwrap_or_default().to_owned();
                mail.message_id = parsed.message_id().unwrap_or_default().to_owned();
                mail.text = cut(parsed.body_text(0).unwrap_or_default().into_owned());
                mail.html = cut(parsed.body_html(0).unwrap_or_default().into_owned());
                for (name, value) in parsed.headers_raw().take(MOST_HEADERS) {
                    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
                    mail.headers.insert(name.to_ascii_lowercase(), value);
                }
            }
            None => mail.text = cut(String::from_utf8_lossy(message).into_owned()),
        }
        mail
    }

    /// Whether it went to this address; letter case does not matter.
    #[must_use]
    pub fn is_to(&self, address: &str) -> bool {
        self.to.iter().any(|to| to.eq_ignore_ascii_case(address))
    }

    /// Bytes that it takes in memory, roughly.
    pub(super) fn weight(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        512 + self.text.len() + self.html.len() + self.subject.len() + headers
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text
}
