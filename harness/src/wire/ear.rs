//! The way from whoever sees something to whoever compares it: short, bounded, never in anybody's way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use contracts::live::{Answer, Message};
use tokio::sync::mpsc;

use crate::journey::{Answered, Witness};

/// What waits to be compared.
const WAITING: usize = 2_048;
/// Largest body that is compared, in bytes: with what waits, this bounds the memory.
const LARGEST: usize = 64 * 1024;

/// Something that was seen.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message.
    Message(Box<Message>),
    /// An answer.
    Answer(Box<Answer>),
    /// Nothing more is to be compared.
    Enough,
}

/// Where what was seen is told. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Ear {
    sender: mpsc::Sender<Heard>,
    unheard: Arc<AtomicU64>,
    /// Names under which the pacts know the service that clients talk to.
    providers: Arc<[String]>,
}

impl Ear {
    /// An ear for answers of these providers, and what it hears.
    pub(crate) fn new(providers: Vec<String>) -> (Self, mpsc::Receiver<Heard>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self { sender, unheard: Arc::default(), providers: providers.into() }, receiver)
    }

    /// Takes a message in, or counts it.
    pub(crate) fn message(&self, message: Message) {
        if message.body.len() > LARGEST {
            self.miss();
        } else {
            self.tell(Heard::Message(Box::new(message)));
        }
    }

    /// Counts something that could not be taken in.
    pub(crate) fn miss(&self) {
        self.unheard.fetch_add(1, Ordering::Relaxed);
    }

    /// How much was not taken in: too large, or too much at once.
    pub(crate) fn missed(&self) -> u64 {
        self.unheard.load(Ordering::Relaxed)
    }

    /// Ends the listening, once all that waits has been compared. Who still holds an ear then is not heard.
    pub(crate) async fn close(&self) {
        // An error says that nobody listens any more, which is what is wanted.
        let _ = self.sender.send(Heard::Enough).await;
    }

    fn tell(&self, heard: Heard) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.sender.try_send(heard) {
            self.miss();
        }
    }
}

impl Witness for Ear {
    fn answered(&self, answer: Answered<'_>) {
        if self.sender.is_closed() {
            return;
        }
        if answer.body.len() > LARGEST {
            return self.miss();
        }
        for provider in &*self.providers {
            self.tell(Heard::Answer(Box::new(Answer {
                provider: provider.clone(),
                method: answer.method.as_str().to_owned(),
                path: answer.path.to_owned(),
                status: answer.status,
                headers: answer.headers.clone(),
                body: answer.body.to_vec().into(),
                correlation_id: Some(answer.correlation_id.to_owned()),
            })));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Message {
        Message { metadata: Default::default(), content_type: None, body: vec![b'x'; bytes].into() }
    }

    #[test]
    fn what_is_too_large_or_too_much_is_counted() {
        let (ear, mut heard) = Ear::new(vec!["gateway".to_owned()]);
        ear.message(message(LARGEST + 1));
        for _ in 0..WAITING + 3 {
            ear.message(message(1));
        }
        assert_eq!(ear.missed(), 4);
        assert!(matches!(heard.try_recv(), Ok(Heard::Message(_))));
    }

    #[test]
    fn ear_that_nobody_listens_to_any_more_counts_nothing() {
        let (ear, heard) = Ear::new(vec!["gateway".to_owned()]);
        drop(heard);
        ear.message(message(1));
        assert_eq!(ear.missed(), 0);
    }
}
