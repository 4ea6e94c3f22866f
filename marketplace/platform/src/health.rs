//! What readiness depends on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use telemetry::Admin;

use crate::database::Database;

/// Says whether one background connection is up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beacon(Arc<AtomicBool>);

impl Beacon {
    pub(crate) fn up(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn down(&self) {
        self.0.store(false, Ordering::Release);
    }

    fn is_up(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What readiness depends on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dependencies {
    pub(crate) database: Option<Database>,
    /// Relay and consumers; ready means all of them are.
    pub(crate) broker: Vec<Beacon>,
}

impl Dependencies {
    /// `/health/live`, `/health/ready` and `/metrics`.
    pub(crate) fn router(self) -> Router {
        let mut admin = Admin::new();
        if let Some(database) = self.database {
            admin = admin.check("database", move || {
                let database = database.clone();
                async move { database.ping().await }
            });
        }
        let broker = self.broker;
        if !broker.is_empty() {
            admin = admin.check("broker", move || {
                let up = broker.iter().all(Beacon::is_up);
                async move { if up { Ok(()) } else { Err("not connected") } }
            });
        }
        admin.probes()
    }
}
