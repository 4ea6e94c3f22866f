//! What the phases of one run share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chaos::history::History;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::RunDir;
use crate::assertions::Seed;
use crate::collector::Collector;
use crate::config::Config;
use crate::events::Events;
use crate::journey::{Journeys, Runner};
use crate::supervisor::RunningSystem;

/// A system that runs, and everything that looks at it.
pub(super) struct Session {
    pub(super) config: Arc<Config>,
    pub(super) seed: u64,
    pub(super) dir: RunDir,
    pub(super) events: Events,
    pub(super) cancel: CancellationToken,
    pub(super) collector: Arc<Collector>,
    pub(super) system: Arc<RunningSystem>,
    pub(super) journeys: Arc<Journeys>,
    pub(super) runner: Runner,
    pub(super) history: Arc<History>,
    /// What setup journeys saved each time they were run, by the journey's name.
    pub(super) setups: tokio::sync::Mutex<BTreeMap<String, Vec<BTreeMap<String, Value>>>>,
    /// Flows whose telemetry is judged at the end of the load phase.
    pub(super) flows: Mutex<Vec<Seed>>,
}

impl Session {
    /// Puts a flow on the list of those whose telemetry is judged.
    pub(super) fn remember_flow(&self, seed: Seed) {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner).push(seed);
    }
}
