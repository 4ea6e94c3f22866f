//! The listening server and its bounded store.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::task::AbortOnDropHandle;

use super::mail::Mail;
use super::session;
use crate::journey::Mailbox;

/// Most sessions at once; further ones wait.
const SESSIONS_LIMIT: usize = 256;
/// Memory for mails, in bytes; the oldest make room.
const MEMORY_LIMIT: usize = 256 << 20;

/// An SMTP server on loopback that keeps what it is sent.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    _accepting: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    arrived: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    mails: VecDeque<Arc<Mail>>,
    bytes: usize,
    dropped: u64,
}

impl Sink {
    /// Listens on `address`; mails above `max_message` bytes are refused.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(address: SocketAddr, max_message: usize) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { kept: Mutex::default(), arrived: watch::Sender::new(0) });
        let accepting = tokio::spawn(accept(listener, max_message, shared.clone()));
        Ok(Self { address, shared, _accepting: AbortOnDropHandle::new(accepting) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All mails, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Mail>> {
        self.shared.kept().mails.iter().cloned().collect()
    }

    /// Mails that were given up to stay within the memory limit.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.kept().dropped
    }

    /// The newest mail that `wanted` accepts, as soon as there is one.
    ///
    /// # Errors
    /// Returns how many mails there are when none arrived by `deadline`.
    pub async fn wait_for(&self, wanted: impl Fn(&Mail) -> bool, deadline: Instant) -> Result<Arc<Mail>, usize> {
        let mut arrived = self.shared.arrived.subscribe();
        loop {
            arrived.mark_unchanged();
            let found = self.shared.kept().mails.iter().rev().find(|mail| wanted(mail)).cloned();
            if let Some(mail) = found {
                return Ok(mail);
            }
            if tokio::time::timeout_at(deadline.into(), arrived.changed()).await.is_err() {
                return Err(self.shared.kept().mails.len());
            }
        }
    }
}

impl Mailbox for Sink {
    fn newest(&self, to: &str, subject: Option<&str>) -> Option<String> {
        let kept = self.shared.kept();
        let mut newest_first = kept.mails.iter().rev();
        let mail = newest_first.find(|mail| mail.is_to(to) && subject.is_none_or(|part| mail.subject.contains(part)))?;
        Some(mail.text.clone())
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, mail: Mail) {
        let mut kept = self.kept();
        kept.bytes += mail.weight();
        kept.mails.push_back(Arc::new(mail));
        while kept.bytes > MEMORY_LIMIT {
            let Some(oldest) = kept.mails.pop_front() else { break };
            kept.bytes -= oldest.weight();
            kept.dropped += 1;
        }
        drop(kept);
        self.arrived.send_modify(|count| *count += 1);
    }
}

async fn accept(listener: TcpListener, max_message: usize, shared: Arc<Shared>) {
    let sessions = Arc::new(Semaphore::new(SESSIONS_LIMIT));
    loop {
        // The semaphore is never closed.
        let Ok(permit) = sessions.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = shared.clone();
        tokio::spawn(async move {
            let keep = |mail: session::Envelope| shared.keep(Mail::parse(mail.from, mail.to, &mail.data));
            // A client that hangs up ends its own session and nothing else.
            let _ = session::serve(stream, max_message, keep).await;
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn mail_is_found_by_recipient_and_subject() {
        let sink = Sink::start(([127, 0, 0, 1], 0).into(), 10_000).await.unwrap();
        let waiting = sink.wait_for(|mail| mail.message_id == "1@x", Instant::now() + Duration::from_secs(10));
        let sending = async {
            let mut client = TcpStream::connect(sink.address()).await.unwrap();
            let mail = "HELO me\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<Ada@x.test>\r\nDATA\r\nMessage-ID: <1@x>\r\n\
                        Subject: =?utf-8?q?Verify=20it?=\r\n\r\nlink: /v?token=t\r\n.\r\nQUIT\r\n";
            client.write_all(mail.as_bytes()).await.unwrap();
            client.read_to_end(&mut Vec::new()).await.unwrap();
        };
        let (mail, ()) = tokio::join!(waiting, sending);
        assert_eq!(mail.unwrap().subject, "Verify it");
        assert_eq!(sink.newest("ada@x.test", Some("erify")).as_deref().map(str::trim), Some("link: /v?token=t"));
        assert_eq!(sink.newest("ada@x.test", Some("Reset")), None);
        assert_eq!(sink.all().len(), 1);
    }
}
