//! What a run says while it goes on. The terminal and the live page are readers.

use chaos::verdict::Verdict;
use serde::Serialize;
use tokio::sync::broadcast;

use crate::report::model::Interval;

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A phase began; `total` is the number of things it will do, where known.
    PhaseStarted {
        /// `build`, `start`, `contracts`, `journeys`, `load`, `telemetry`, `chaos`, `report`.
        phase: &'static str,
        /// What it will do.
        detail: String,
        /// Number of things to do.
        total: Option<u64>,
    },
    /// A phase got on.
    PhaseAdvanced {
        /// The phase.
        phase: &'static str,
        /// Things done.
        done: u64,
        /// Of these, failed.
        failed: u64,
        /// The latest thing.
        detail: String,
    },
    /// A phase ended.
    PhaseFinished {
        /// The phase.
        phase: &'static str,
        /// Its verdict.
        verdict: Verdict,
        /// Its result in a sentence.
        detail: String,
    },
    /// A service changed its state.
    Service {
        /// Its name.
        name: String,
        /// `starting`, `ready`, `stopped`, `killed`, `exited`.
        state: &'static str,
        /// More, such as the address or exit status.
        detail: String,
    },
    /// A fault was injected or undone.
    Fault {
        /// The scenario.
        scenario: String,
        /// Kind of the fault.
        fault: String,
        /// What it acts on.
        target: String,
        /// Whether it is active now.
        active: bool,
    },
    /// A second of load went by.
    Second {
        /// `load`, or the scenario.
        load: String,
        /// What was measured.
        interval: Interval,
    },
    /// A verdict inside of a phase: a scenario, a journey, an invariant.
    Judged {
        /// What was judged.
        name: String,
        /// The verdict.
        verdict: Verdict,
        /// In a sentence.
        detail: String,
    },
    /// Something that a person should know.
    Note {
        /// The sentence.
        text: String,
    },
    /// The run is over.
    Finished {
        /// The verdict.
        verdict: Verdict,
        /// In a sentence.
        sentence: String,
    },
}

/// Sends events to whoever listens. Cheap to clone; never blocks.
#[derive(Clone, Debug)]
pub struct Events(broadcast::Sender<Event>);

/// Events kept for a reader that falls behind; a slower one loses the oldest.
const BACKLOG: usize = 4096;

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }
}

impl Events {
    /// Sends `event` to every reader there is.
    pub fn send(&self, event: Event) {
        // Without a reader there is nobody to tell.
        let _ = self.0.send(event);
    }

    /// Sends a note.
    pub fn note(&self, text: impl Into<String>) {
        self.send(Event::Note { text: text.into() });
    }

    /// A new reader, from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}
