//! What the live page shows: the events of a run, folded and bounded.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chaos::verdict::Verdict;
use serde::Serialize;

use crate::events::Event;
use crate::report::model::Interval;

/// Seconds of load shown.
const SECONDS: usize = 300;
/// Judgements and messages shown, of each.
const LINES: usize = 60;

/// What the live page shows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LiveState {
    /// Name of the system.
    pub system: String,
    /// Seconds since the page was started.
    pub elapsed_s: f64,
    /// Phases in the order in which they began.
    pub phases: Vec<PhaseState>,
    /// Services by name.
    pub services: BTreeMap<String, ServiceState>,
    /// Faults that are active now.
    pub faults: Vec<FaultState>,
    /// The load that runs, or ran last.
    pub load: LoadState,
    /// What was judged last, newest first.
    pub judged: VecDeque<JudgedState>,
    /// What a person should know, newest first.
    pub messages: VecDeque<Message>,
    /// How the run ended, once it did.
    pub finished: Option<Finished>,
}

/// A phase of the run.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseState {
    /// Its name.
    pub name: String,
    /// The newest thing about it.
    pub detail: String,
    /// Things done.
    pub done: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Things to do, where known.
    pub total: Option<u64>,
    /// Its verdict, once it ended.
    pub verdict: Option<Verdict>,
}

/// A service.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceState {
    /// `starting`, `ready`, `stopped`, `killed` or `exited`.
    pub state: String,
    /// More about it.
    pub detail: String,
}

/// A fault that is active, or was during the load shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultState {
    /// The scenario.
    pub scenario: String,
    /// Kind of the fault.
    pub fault: String,
    /// What it acts on.
    pub target: String,
}

/// The load shown.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoadState {
    /// `load`, or the scenario.
    pub name: String,
    /// Its last seconds.
    pub intervals: VecDeque<Interval>,
    /// Faults during it.
    pub bands: Vec<Band>,
}

/// A fault on the time axis of the load.
#[derive(Clone, Debug, Serialize)]
pub struct Band {
    /// The fault.
    pub label: String,
    /// First second.
    pub from: u64,
    /// Last second; none while it is active.
    pub until: Option<u64>,
}

/// A judgement.
#[derive(Clone, Debug, Serialize)]
pub struct JudgedState {
    /// What was judged.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// In a sentence.
    pub detail: String,
}

/// A message.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Seconds since the page was started.
    pub at_s: f64,
    /// Whether it tells of something bad.
    pub bad: bool,
    /// The sentence.
    pub text: String,
}

/// The end of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Finished {
    /// The verdict.
    pub verdict: Verdict,
    /// In a sentence.
    pub sentence: String,
}

impl LiveState {
    /// Takes in an event, `elapsed` after the start.
    pub fn apply(&mut self, event: Event, elapsed: Duration) {
        self.elapsed_s = elapsed.as_secs_f64();
        match event {
            Event::PhaseStarted { phase, detail, total } => {
                let begun = PhaseState { name: phase.to_owned(), detail, done: 0, failed: 0, total, verdict: None };
                *self.phase(phase) = begun;
            }
            Event::PhaseAdvanced { phase, done, failed, detail } => {
                let of = self.phase(phase);
                (of.done, of.failed, of.detail) = (done, failed, detail);
            }
            Event::PhaseFinished { phase, verdict, detail } => {
                let of = self.phase(phase);
                (of.verdict, of.detail) = (Some(verdict), detail);
            }
            Event::Service { name, state, detail } => {
                if matches!(state, "killed" | "exited") {
                    self.tell(true, format!("service `{name}` {state} {detail}").trim_end().to_owned());
                }
                self.services.insert(name, ServiceState { state: state.to_owned(), detail });
            }
            Event::Fault { scenario, fault, target, active } => {
                self.fault(FaultState { scenario, fault, target }, active)
            }
            Event::Second { load, interval } => self.second(load, interval),
            Event::Judged { name, verdict, detail } => {
                if !matches!(verdict, Verdict::Pass | Verdict::Skipped) {
                    self.tell(true, format!("{name}: {detail}"));
                }
                self.judged.push_front(JudgedState { name, verdict, detail });
                self.judged.truncate(LINES);
            }
            Event::Note { text } => self.tell(false, text),
            Event::Finished { verdict, sentence } => self.finished = Some(Finished { verdict, sentence }),
        }
    }

    fn phase(&mut self, name: &str) -> &mut PhaseState {
        let index = self.phases.iter().position(|phase| phase.name == name).unwrap_or_else(|| {
            let fresh = PhaseState {
                name: name.to_owned(),
                detail: String::new(),
                done: 0,
                failed: 0,
                total: None,
                verdict: None,
            };
            self.phases.push(fresh);
            self.phases.len() - 1
        });
        &mut self.phases[index]
    }

    fn fault(&mut self, fault: FaultState, active: bool) {
        // The load of a scenario may not have sent its first second yet.
        self.show_load(&fault.scenario.clone());
        let second = self.load.intervals.back().map_or(0, |interval| interval.second + 1);
        let label = format!("{} {}", fault.fault, fault.target);
        self.faults.retain(|other| *other != fault);
        if active {
            self.load.bands.push(Band { label, from: second, until: None });
            self.faults.push(fault);
        } else if let Some(band) = self.load.bands.iter_mut().rfind(|band| band.label == label && band.until.is_none())
        {
            band.until = Some(second);
        }
    }

    fn second(&mut self, load: String, interval: Interval) {
        self.show_load(&load);
        self.load.intervals.push_back(interval);
        while self.load.intervals.len() > SECONDS {
            self.load.intervals.pop_front();
        }
    }

    fn show_load(&mut self, name: &str) {
        if self.load.name != name {
            self.load = LoadState { name: name.to_owned(), ..LoadState::default() };
        }
    }

    fn tell(&mut self, bad: bool, text: String) {
        self.messages.push_front(Message { at_s: self.elapsed_s, bad, text });
        self.messages.truncate(LINES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(load: &str, second: u64) -> Event {
        let interval = Interval { second, offered: 10, ok: 9, failed: 1, p50_ms: 3.0, p99_ms: 9.0 };
        Event::Second { load: load.to_owned(), interval }
    }

    fn fault(active: bool) -> Event {
        Event::Fault {
            scenario: "order-killed".to_owned(),
            fault: "kill".to_owned(),
            target: "order".to_owned(),
            active,
        }
    }

    fn folded(events: impl IntoIterator<Item = Event>) -> LiveState {
        let mut state = LiveState::default();
        for event in events {
            state.apply(event, Duration::from_secs(1));
        }
        state
    }

    #[test]
    fn phase_keeps_its_place_and_gets_its_verdict() {
        let started = |phase| Event::PhaseStarted { phase, detail: String::new(), total: Some(3) };
        let state = folded([
            started("contracts"),
            Event::PhaseAdvanced { phase: "contracts", done: 2, failed: 1, detail: "order".to_owned() },
            Event::PhaseFinished { phase: "contracts", verdict: Verdict::Fail, detail: "2 of 3".to_owned() },
            started("load"),
        ]);
        let shown: Vec<_> = state.phases.iter().map(|phase| (phase.name.as_str(), phase.done, phase.verdict)).collect();
        assert_eq!(shown, [("contracts", 2, Some(Verdict::Fail)), ("load", 0, None)]);
    }

    #[test]
    fn fault_becomes_a_band_on_the_load_and_is_active_until_undone() {
        let state = folded([second("order-killed", 0), second("order-killed", 1), fault(true)]);
        assert_eq!((state.faults.len(), state.load.bands[0].from, state.load.bands[0].until), (1, 2, None));
        let state = folded([second("order-killed", 0), fault(true), second("order-killed", 1), fault(false)]);
        assert_eq!((state.faults.len(), state.load.bands[0].from, state.load.bands[0].until), (0, 1, Some(2)));
    }

    #[test]
    fn new_load_replaces_the_one_before() {
        let state = folded([second("load", 0), second("load", 1), second("order-killed", 0)]);
        assert_eq!((state.load.name.as_str(), state.load.intervals.len()), ("order-killed", 1));
    }

    #[test]
    fn bad_news_are_told_and_everything_is_bounded() {
        let judged = |verdict| Event::Judged { name: "invariant".to_owned(), verdict, detail: "lost".to_owned() };
        let exited = Event::Service { name: "order".to_owned(), state: "exited", detail: "status 1".to_owned() };
        let state = folded([judged(Verdict::Pass), judged(Verdict::Fail), exited]);
        let told: Vec<_> = state.messages.iter().map(|message| message.text.as_str()).collect();
        assert_eq!(told, ["service `order` exited status 1", "invariant: lost"]);
        let state = folded((0..1_000).flat_map(|number| [second("load", number), judged(Verdict::Fail)]));
        assert_eq!((state.load.intervals.len(), state.judged.len(), state.messages.len()), (SECONDS, LINES, LINES));
        assert_eq!(state.load.intervals[0].second, 700);
    }
}
