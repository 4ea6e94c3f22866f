//! Faults: what can be done to a system, each with the proof that it bit and the way to undo it.
//!
//! A new fault is one new file and one line in [`KINDS`].

mod bandwidth;
mod blackhole;
mod cut;
mod duplicate;
mod kill;
mod latency;
mod on_link;
mod params;
mod pause;
mod reset;
mod service_down;
mod stop;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

pub use params::{Params, Place};

use crate::proxy::LinkCounters;
use crate::system::{BoxFuture, System, SystemError, Targets};
use crate::undo::{UndoAction, Undone};

/// A fault, aimed and ready. The engine writes down [`Fault::undo`] before [`Fault::inject`], asks [`Fault::prove`] until
/// the fault bit, and performs the undo at its end whatever happened in between.
pub trait Fault: fmt::Debug + Send + Sync {
    /// Kind, such as `latency`.
    fn kind(&self) -> &'static str;

    /// Service, link or queue it acts on.
    fn target(&self) -> &str;

    /// How to undo it. Asked before the injection.
    fn undo(&self, system: &dyn System) -> UndoAction;

    /// Injects it, and returns what the system looked like just before.
    fn inject<'a>(&'a self, system: &'a dyn System) -> BoxFuture<'a, Result<Before, SystemError>>;

    /// Looks for evidence that it bit. Asked repeatedly while it is active, and once after it was undone.
    fn prove<'a>(
        &'a self,
        system: &'a dyn System,
        before: &'a Before,
        undone: Option<&'a Undone>,
    ) -> BoxFuture<'a, Proof>;
}

/// Whether a fault bit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It did: the evidence, as a sentence.
    Bitten(String),
    /// Nothing shows it so far: what was looked for, as a sentence.
    NotYet(String),
}

/// The system just before a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Figures of the link.
    pub counters: LinkCounters,
    /// Process of the service.
    pub pid: Option<u32>,
    /// Where the service listened.
    pub address: Option<SocketAddr>,
}

/// A kind of fault.
pub struct Kind {
    /// Its name in scenarios.
    pub name: &'static str,
    /// Names of its settings, the one for its target first.
    pub settings: &'static [&'static str],
    /// Reads the settings; problems are reported to them.
    pub(crate) build: fn(&mut Params<'_>) -> Option<Arc<dyn Fault>>,
}

/// Every kind of fault there is.
pub const KINDS: &[Kind] = &[
    latency::KIND,
    bandwidth::KIND,
    reset::KIND,
    blackhole::KIND,
    cut::KIND,
    kill::KIND,
    stop::KIND,
    pause::KIND,
    duplicate::KIND,
];

/// The kind of that name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl Kind {
    /// The setting that names its target.
    pub(crate) fn target(&self) -> &'static str {
        self.settings[0]
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kind").field("name", &self.name).field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What a fault may be aimed at, and how it is told apart from the others of its scenario.
#[derive(Clone, Copy, Debug)]
pub struct Aim<'a> {
    /// Everything there is.
    pub targets: &'a Targets,
    /// Label of the fault, unique while the scenario runs.
    pub label: &'a str,
    /// Seed of what is random in it.
    pub seed: u64,
}
