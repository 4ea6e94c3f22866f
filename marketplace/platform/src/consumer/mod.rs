//! Consumers of events: at least once on the wire, exactly once in effect.
//!
//! The runtime inserts `(consumer, event id)` into the inbox in the transaction of the effect, commits, then
//! acknowledges. A duplicate is acknowledged without effect. A failing event is tried again in place, so that the order
//! of its aggregate holds, and at last goes to the dead-letter queue with the reason.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::database::{Database, Tx};
use crate::event::{Event, EventType};

mod delivery;
mod inbox;
pub(crate) mod runtime;

/// Why a handler could not handle an event. Any error becomes a [`Retry`](Self::Retry) through `?`.
#[derive(Debug)]
pub enum HandlerError {
    /// Trying again may help; after some tries the event goes to the dead-letter queue.
    Retry(anyhow::Error),
    /// Something that the handler needs is away (a mail server that does not answer); it is tried until it is back.
    Unavailable(anyhow::Error),
    /// Trying again cannot help; the event goes to the dead-letter queue with this reason.
    Reject(String),
}

impl std::fmt::Display for HandlerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Retry(error) | Self::Unavailable(error) => write!(f, "{error:#}"),
            Self::Reject(reason) => f.write_str(reason),
        }
    }
}

impl HandlerError {
    /// Trying again cannot help; `reason` is for whoever reads the dead-letter queue.
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject(reason.into())
    }
}

impl<E: Into<anyhow::Error>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::Retry(error.into())
    }
}

/// The future of a handler.
type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send + 'a>>;

type InTransaction = Arc<dyn for<'a> Fn(&'a mut Tx, Event) -> HandlerFuture<'a> + Send + Sync>;
type Outside = Arc<dyn Fn(Event) -> HandlerFuture<'static> + Send + Sync>;

/// Where a handler's effect happens.
#[derive(Clone)]
enum Effect {
    /// In the transaction of the inbox entry.
    InTransaction(InTransaction),
    /// Outside the database, before the inbox entry.
    Outside(Outside),
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It had its effect now.
    Applied,
    /// It had its effect before.
    Duplicate,
}

/// `async fn(&mut Tx, Event, T) -> Result<(), HandlerError>`.
///
/// Written for every such function; the lifetime lets its future borrow the transaction.
pub trait Handler<'a, T>: Send + Sync {
    /// The future of one call.
    type Future: Future<Output = Result<(), HandlerError>> + Send + 'a;

    /// Handles one event.
    fn call(&self, tx: &'a mut Tx, event: Event, data: T) -> Self::Future;
}

impl<'a, T, F, Fut> Handler<'a, T> for F
where
    F: Fn(&'a mut Tx, Event, T) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), HandlerError>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, tx: &'a mut Tx, event: Event, data: T) -> Fut {
        self(tx, event, data)
    }
}

/// `async fn(S, &mut Tx, Event, T) -> Result<(), HandlerError>`, a [`Handler`] with state.
pub trait StatefulHandler<'a, S, T>: Send + Sync {
    /// The future of one call.
    type Future: Future<Output = Result<(), HandlerError>> + Send + 'a;

    /// Handles one event.
    fn call(&self, state: S, tx: &'a mut Tx, event: Event, data: T) -> Self::Future;
}

impl<'a, S, T, F, Fut> StatefulHandler<'a, S, T> for F
where
    F: Fn(S, &'a mut Tx, Event, T) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), HandlerError>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, state: S, tx: &'a mut Tx, event: Event, data: T) -> Fut {
        self(state, tx, event, data)
    }
}

/// The events that one service consumes, each with its handler.
///
/// Its queue is `<name>.events`, its dead-letter queue `<name>.dead-letter`.
///
/// # Examples
///
/// ```
/// use platform::{Consumer, Event, EventType, HandlerError, Tx};
///
/// #[derive(serde::Deserialize)]
/// struct LampLit { room: String }
/// impl EventType for LampLit { const TYPE: &'static str = "house.lamp-lit.v1"; }
///
/// async fn count(tx: &mut Tx, _event: Event, lit: LampLit) -> Result<(), HandlerError> {
///     sqlx::query("UPDATE rooms SET lit = lit + 1 WHERE name = $1").bind(lit.room).execute(&mut **tx).await?;
///     Ok(())
/// }
///
/// let consumer = Consumer::new("janitor").on::<LampLit>(count);
/// assert_eq!(consumer.types(), ["house.lamp-lit.v1"]);
/// ```
#[derive(Clone)]
pub struct Consumer {
    name: &'static str,
    handlers: HashMap<&'static str, Effect>,
}

impl Consumer {
    /// A consumer without events yet; `name` is the service's.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, handlers: HashMap::new() }
    }

    /// Handles events of type `T` with `async fn(&mut Tx, Event, T)`.
    #[must_use]
    pub fn on<T>(self, handler: impl for<'a> Handler<'a, T> + 'static) -> Self
    where
        T: EventType + DeserializeOwned + Send + Sync + 'static,
    {
        let handler = Arc::new(handler);
        self.insert::<T>(Effect::InTransaction(Arc::new(move |tx, event| {
            let handler = Arc::clone(&handler);
            Box::pin(async move {
                let data = parse::<T>(&event)?;
                handler.call(tx, event, data).await
            })
        })))
    }

    /// Handles events of type `T` with `async fn(S, &mut Tx, Event, T)`; each call gets a clone of `state`.
    #[must_use]
    pub fn on_with<T, S>(self, state: S, handler: impl for<'a> StatefulHandler<'a, S, T> + 'static) -> Self
    where
        T: EventType + DeserializeOwned + Send + Sync + 'static,
        S: Clone + Send + Sync + 'static,
    {
        let handler = Arc::new(handler);
        self.insert::<T>(Effect::InTransaction(Arc::new(move |tx, event| {
            let (handler, state) = (Arc::clone(&handler), state.clone());
            Box::pin(async move {
                let data = parse::<T>(&event)?;
                handler.call(state, tx, event, data).await
            })
        })))
    }

    /// Handles events of type `T` with `async fn(S, Event, T)` whose effect is outside the database (a mail).
    ///
    /// The inbox entry follows the effect, so a process that dies in between repeats it: the effect must carry an identity
    /// of its own by which the other side recognises a repetition.
    #[must_use]
    pub fn on_outside<T, S, F, Fut>(self, state: S, handler: F) -> Self
    where
        T: EventType + DeserializeOwned + Send + Sync + 'static,
        S: Clone + Send + Sync + 'static,
        F: Fn(S, Event, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        self.insert::<T>(Effect::Outside(Arc::new(move |event| {
            let (handler, state) = (Arc::clone(&handler), state.clone());
            Box::pin(async move {
                let data = parse::<T>(&event)?;
                handler(state, event, data).await
            })
        })))
    }

    fn insert<T: EventType>(mut self, effect: Effect) -> Self {
        self.handlers.insert(T::TYPE, effect);
        self
    }

    /// Lets `event` have its effect, once, as a delivery from the broker does.
    ///
    /// # Errors
    ///
    /// What the handler says; nothing has happened in the database then. An event that has no handler is rejected.
    pub async fn apply(&self, database: &Database, event: &Event) -> Result<Outcome, HandlerError> {
        match self.handlers.get(event.event_type.as_str()) {
            None => Err(HandlerError::Reject(format!("`{}` handles no `{}`", self.name, event.event_type))),
            Some(Effect::InTransaction(handler)) => {
                let mut tx = database.begin().await?;
                if !inbox::enter(&mut tx, self.name, event).await? {
                    tx.commit().await?;
                    return Ok(Outcome::Duplicate);
                }
                handler(&mut tx, event.clone()).await?;
                tx.commit().await?;
                Ok(Outcome::Applied)
            }
            Some(Effect::Outside(handler)) => {
                if inbox::contains(database, self.name, event).await? {
                    return Ok(Outcome::Duplicate);
                }
                handler(event.clone()).await?;
                let mut tx = database.begin().await?;
                inbox::enter(&mut tx, self.name, event).await?;
                tx.commit().await?;
                Ok(Outcome::Applied)
            }
        }
    }

    /// The types of events handled, sorted.
    #[must_use]
    pub fn types(&self) -> Vec<&'static str> {
        let mut types: Vec<_> = self.handlers.keys().copied().collect();
        types.sort_unstable();
        types
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Name of its queue.
    #[must_use]
    pub fn queue(&self) -> String {
        format!("{}.events", self.name)
    }

    /// Name of its dead-letter queue.
    #[must_use]
    pub fn dead_letter_queue(&self) -> String {
        format!("{}.dead-letter", self.name)
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("name", &self.name).field("types", &self.types()).finish()
    }
}

fn parse<T: DeserializeOwned>(event: &Event) -> Result<T, HandlerError> {
    event.data().map_err(|error| HandlerError::Reject(error.to_string()))
}
