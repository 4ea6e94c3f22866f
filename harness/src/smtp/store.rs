//! The mails that were received, bounded, and waiting for one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::mail::Mail;

/// Mails that are kept; beyond that the oldest goes.
const MOST: usize = 200_000;
/// Bytes that are kept; beyond that the oldest goes.
const HEAVIEST: usize = 512 * 1024 * 1024;

/// A mail that did not come.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such mail to `{to}` arrived in time; {others} others to that address did{}", Subjects(subjects))]
pub struct MailTimeout {
    /// The recipient.
    pub to: String,
    /// Mails to that recipient that did not match.
    pub others: usize,
    /// Subjects of the last of them.
    pub subjects: Vec<String>,
}

struct Subjects<'s>(&'s [String]);

impl std::fmt::Display for Subjects<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, ": `{}`", self.0.join("`, `"))
    }
}

/// Received mails in order of arrival.
#[derive(Debug)]
pub struct Store {
    inner: Mutex<Inner>,
    arrivals: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    mails: VecDeque<Arc<Mail>>,
    /// Number of the next mail.
    next: u64,
    bytes: usize,
    /// Numbers of mails by recipient in lower case: a journey looks for its own mails only, among all others'.
    by_recipient: HashMap<String, VecDeque<u64>>,
}

impl Default for Store {
    fn default() -> Self {
        Self { inner: Mutex::default(), arrivals: watch::Sender::new(0) }
    }
}

impl Store {
    /// Keeps a mail.
    pub(super) fn push(&self, mut mail: Mail) {
        let mut inner = self.lock();
        mail.number = inner.next;
        inner.next += 1;
        inner.bytes += mail.weight();
        for to in recipients(&mail) {
            inner.by_recipient.entry(to).or_default().push_back(mail.number);
        }
        inner.mails.push_back(Arc::new(mail));
        while inner.mails.len() > MOST || (inner.bytes > HEAVIEST && inner.mails.len() > 1) {
            inner.drop_oldest();
        }
        let count = inner.next;
        drop(inner);
        self.arrivals.send_replace(count);
    }

    /// All mails that are kept, in order of arrival.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Mail>> {
        self.lock().mails.iter().cloned().collect()
    }

    /// Mails to an address that are kept, in order of arrival.
    #[must_use]
    pub fn to(&self, address: &str) -> Vec<Arc<Mail>> {
        self.lock().to(address, 0).collect()
    }

    /// Mails received so far, those no longer kept included.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.lock().next
    }

    /// Mails that were received and had to go.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let inner = self.lock();
        inner.next - inner.mails.len() as u64
    }

    /// The latest mail to an address for which `wanted` holds, as soon as there is one.
    ///
    /// # Errors
    ///
    /// When none has arrived by the deadline; says what arrived instead.
    pub async fn wait_for(
        &self,
        to: &str,
        mut wanted: impl FnMut(&Mail) -> bool,
        deadline: Instant,
    ) -> Result<Arc<Mail>, MailTimeout> {
        let mut arrivals = self.arrivals.subscribe();
        let mut seen = 0;
        loop {
            arrivals.mark_unchanged();
            let fresh: Vec<Arc<Mail>> = {
                let inner = self.lock();
                let fresh = inner.to(to, seen).collect();
                seen = inner.next;
                fresh
            };
            if let Some(mail) = fresh.into_iter().rev().find(|mail| wanted(mail)) {
                return Ok(mail);
            }
            // The sender is in this very store, so only the deadline ends the wait without a change.
            if tokio::time::timeout_at(deadline.into(), arrivals.changed()).await.is_err() {
                let others = self.to(to);
                let subjects = others.iter().rev().take(3).map(|mail| mail.subject.clone()).collect();
                return Err(MailTimeout { to: to.to_owned(), others: others.len(), subjects });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Mails to an address from a number on.
    fn to(&self, address: &str, from: u64) -> impl Iterator<Item = Arc<Mail>> {
        let first = self.next - self.mails.len() as u64;
        let numbers = self.by_recipient.get(&address.to_ascii_lowercase()).into_iter().flatten();
        numbers.filter(move |&&number| number >= from).filter_map(move |&number| {
            let at = usize::try_from(number.checked_sub(first)?).ok()?;
            self.mails.get(at).cloned()
        })
    }

    fn drop_oldest(&mut self) {
        let Some(mail) = self.mails.pop_front() else { return };
        self.bytes = self.bytes.saturating_sub(mail.weight());
        for to in recipients(&mail) {
            if let Some(numbers) = self.by_recipient.get_mut(&to) {
                numbers.retain(|&number| number != mail.number);
                if numbers.is_empty() {
                    self.by_recipient.remove(&to);
                }
            }
        }
    }
}

fn recipients(mail: &Mail) -> std::collections::BTreeSet<String> {
    mail.to.iter().map(|to| to.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn mail(to: &str, subject: &str) -> Mail {
        Mail::parse("a@x".to_owned(), vec![to.to_owned()], format!("Subject: {subject}\r\n\r\nhi\r\n").as_bytes())
    }

    #[tokio::test]
    async fn a_mail_is_found_whether_it_came_before_or_comes_later() {
        let store = Arc::new(Store::default());
        store.push(mail("B@x", "first"));
        store.push(mail("b@x", "second"));
        let deadline = Instant::now() + Duration::from_secs(5);
        assert_eq!(store.wait_for("b@x", |_| true, deadline).await.expect("a mail").subject, "second");
        let waiting = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.wait_for("b@X", |mail| mail.subject == "third", deadline).await }
        });
        tokio::task::yield_now().await;
        store.push(mail("c@x", "third"));
        store.push(mail("b@x", "third"));
        assert_eq!(waiting.await.expect("an end").expect("a mail").number, 3);
    }

    #[tokio::test]
    async fn a_mail_that_does_not_come_is_told_with_what_came_instead() {
        let store = Store::default();
        store.push(mail("b@x", "hello"));
        let error = store.wait_for("b@x", |_| false, Instant::now()).await.unwrap_err();
        assert_eq!(error.to_string(), "no such mail to `b@x` arrived in time; 1 others to that address did: `hello`");
    }

    #[test]
    fn the_oldest_mail_goes_first() {
        let store = Store::default();
        store.push(mail("b@x", "first"));
        store.push(mail("b@x", "second"));
        store.lock().drop_oldest();
        assert_eq!((store.dropped(), store.received()), (1, 2));
        let left: Vec<String> = store.to("b@x").iter().map(|mail| mail.subject.clone()).collect();
        assert_eq!(left, ["second"]);
        store.lock().drop_oldest();
        assert!(store.lock().by_recipient.is_empty());
    }
}
