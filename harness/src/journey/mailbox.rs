//! Captured mail, as journeys read it.

use super::run::Mailbox;
use crate::smtp::Sink;

impl Mailbox for Sink {
    fn newest(&self, to: &str, subject: Option<&str>) -> Option<String> {
        let mails = self.to(to);
        let mut newest_first = mails.iter().rev();
        let mail = newest_first.find(|mail| subject.is_none_or(|part| mail.subject.contains(part)))?;
        Some(mail.text.clone())
    }
}
