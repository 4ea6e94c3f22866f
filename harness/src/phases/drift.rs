//! Contracts held against what the running system says while journeys and load go on.
//!
//! Faults come later, so nothing of this is in their way: the broker's duplicates and restarts meet consumers of the
//! system only.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chaos::verdict::Verdict;
use contracts::document::Document;
use contracts::live::{Live, Watch};
use contracts::store::Pact;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::run::Ground;
use super::session::Session;
use crate::collector::Store;
use crate::config;
use crate::events::Event;
use crate::journey::Runner;
use crate::report::model;
use crate::supervisor::RunningSystem;
use crate::wire::{Ear, Heard, Listener, calls};

/// Time for comparing what still waits at the end.
const COMPARING: Duration = Duration::from_secs(30);

/// Somebody who listens.
pub(super) struct Watching {
    ear: Ear,
    listener: Option<Listener>,
    comparing: JoinHandle<Live>,
    notes: Vec<String>,
    /// Whether the broker has to be heard and is not.
    deaf: bool,
}

impl Watching {
    /// Begins to listen. Pacts that this run recorded count before committed ones.
    pub(super) async fn begin(ground: &Ground, section: &config::Contracts, system: &RunningSystem) -> Option<Self> {
        let recorded = ground.dir.file(super::contracts::PACTS);
        let dir: &Path = if recorded.is_dir() { &recorded } else { &section.pacts };
        // Whoever verifies them says what is wrong with them.
        let pacts = contracts::store::load_dir(dir).ok()?;
        let mut providers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, provider) in &section.providers {
            providers.entry(provider.service.clone()).or_default().push(name.clone());
        }
        let entry = &ground.config.system.entry;
        let (ear, heard) = Ear::new(providers.get(entry).cloned().unwrap_or_else(|| vec![entry.clone()]));
        let (documents, notes) = documents(section);
        let calls = Calls { store: ground.collector.store.clone(), providers, since_ns: unix_ns() };
        let comparing = tokio::spawn(compare(pacts, documents, heard, calls));
        let mut watching = Self { ear, listener: None, comparing, notes, deaf: false };
        if let (Some(url), Some(api)) = (system.broker_url(), system.broker()) {
            match Listener::start(&url, api.clone(), watching.ear.clone()).await {
                Ok(listener) => watching.listener = Some(listener),
                Err(reason) => watching.cannot_hear(reason),
            }
        }
        Some(watching)
    }

    /// A runner whose answers are heard too.
    pub(super) fn witness(&self, runner: Runner) -> Runner {
        runner.with_witness(Arc::new(self.ear.clone()))
    }

    /// Binds to exchanges that services have declared since.
    pub(super) async fn catch_up(&mut self) {
        if let Some(listener) = &self.listener
            && let Err(reason) = listener.bind().await
        {
            self.cannot_hear(format!("exchanges that are new cannot be listened to: {reason}"));
        }
    }

    fn cannot_hear(&mut self, reason: String) {
        self.deaf = true;
        self.notes.push(reason);
    }

    /// Stops listening and says what was found.
    pub(super) async fn finish(mut self, session: &Session) -> model::Drift {
        if let Some(listener) = self.listener.take()
            && let Err(reason) = listener.finish().await
        {
            self.cannot_hear(reason);
        }
        let Self { ear, comparing, mut notes, deaf, .. } = self;
        let missed = ear.missed();
        let stop = comparing.abort_handle();
        let compared = async {
            ear.close().await;
            comparing.await
        };
        let Ok(Ok(mut seen)) = tokio::time::timeout(COMPARING, compared).await else {
            stop.abort();
            let note = format!("what was seen could not be compared within {} s", COMPARING.as_secs());
            let seen = Live { notes: vec![note], ..Live::default() };
            return model::Drift { verdict: Verdict::Invalid, seen };
        };
        if missed > 0 {
            notes.push(format!("{missed} messages and answers were too large or too many at once to be compared"));
        }
        seen.notes.extend(notes);
        let verdict = match () {
            () if !seen.broken.is_empty() => Verdict::Fail,
            () if deaf => Verdict::Invalid,
            () if seen.has_checked() => Verdict::Pass,
            // Nobody said anything that a contract is about.
            () => Verdict::Skipped,
        };
        let drift = model::Drift { verdict, seen };
        session.events.send(Event::Judged { name: "drift".to_owned(), verdict, detail: drift.sentence() });
        drift
    }
}

fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// The documents of `[contracts.documents]`, and a sentence for each that cannot be used.
fn documents(section: &config::Contracts) -> (BTreeMap<String, Vec<Document>>, Vec<String>) {
    let (mut documents, mut notes) = (BTreeMap::<String, Vec<Document>>::new(), Vec::new());
    for (provider, files) in &section.documents {
        for file in files {
            match Document::load(file) {
                Ok(document) => documents.entry(provider.clone()).or_default().push(document),
                Err(error) => notes.push(format!("nothing is held against a document of `{provider}`: {error}")),
            }
        }
    }
    (documents, notes)
}

/// Where traces tell which service called which.
struct Calls {
    store: Arc<Store>,
    /// Names in the pacts by service.
    providers: BTreeMap<String, Vec<String>>,
    /// When it began, in nanoseconds since the epoch.
    since_ns: u64,
}

async fn compare(
    pacts: Vec<Pact>,
    documents: BTreeMap<String, Vec<Document>>,
    mut heard: mpsc::Receiver<Heard>,
    traced: Calls,
) -> Live {
    let mut watch = Watch::new(&pacts).with_documents(&documents);
    while let Some(one) = heard.recv().await {
        match one {
            Heard::Message(message) => watch.message(&message).await,
            Heard::Answer(answer) => watch.answer(&answer).await,
            Heard::Enough => break,
        }
    }
    let Calls { store, providers, since_ns } = traced;
    store.read(|view| calls(view, &providers, since_ns).for_each(|call| watch.call(call)));
    watch.report()
}
