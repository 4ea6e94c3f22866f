//! A namespace: where events belong, and who is connected.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::UpDownCounter;

use super::names::Names;
use crate::late::{Late, level};

static CONNECTIONS: Late<UpDownCounter<i64>> =
    Late::new(|meter| level(meter, "app.socketio.connections", "{connection}", "Sockets that are connected"));

/// A namespace of Socket.IO, such as `/` or `/chat`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Namespace {
    pub(super) name: Arc<str>,
    pub(super) names: Arc<Names>,
}

/// A socket that is connected, counted in the gauge `app.socketio.connections` for as long as this is there.
#[derive(Debug)]
#[must_use = "the connection is counted for as long as this is kept"]
pub struct Connection {
    namespace: Arc<str>,
}

impl Namespace {
    /// A namespace, of which the first 64 names of events are told apart and all others are `_OTHER`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), names: Arc::default() }
    }

    /// Tells only these names of events apart; all others are `_OTHER`.
    #[must_use]
    pub fn events(mut self, names: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        self.names = Arc::new(Names::only(names));
        self
    }

    /// Counts a socket that has connected, until what is returned is dropped.
    pub fn connected(&self) -> Connection {
        let connection = Connection { namespace: Arc::clone(&self.name) };
        connection.count(1);
        connection
    }
}

impl Connection {
    fn count(&self, by: i64) {
        CONNECTIONS.get().add(by, &[KeyValue::new("app.socketio.namespace", Arc::clone(&self.namespace))]);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.count(-1);
    }
}
