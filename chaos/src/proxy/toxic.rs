//! What can be done to the connections of a link.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::load::substream;

/// A fault on a link.
#[derive(Clone, Debug, PartialEq)]
pub struct Toxic {
    /// What it does.
    pub kind: ToxicKind,
    /// Which way.
    pub direction: Direction,
    /// Share of connections that it acts on, from 0 to 1. Whether a connection is among them is drawn once, from the seed,
    /// the link's name and the number of the connection. A cut acts on all connections.
    pub toxicity: f64,
    /// Seed of that draw and of jitter.
    pub seed: u64,
}

/// What a fault does to a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToxicKind {
    /// Every byte arrives later by `delay`, give or take up to `jitter`; the order is kept.
    Latency {
        /// Added time, each way.
        delay: Duration,
        /// Largest deviation from it.
        jitter: Duration,
    },
    /// At most so many bytes per second, each way, for each connection.
    Bandwidth {
        /// Bytes per second, at least 1.
        bytes_per_second: u64,
    },
    /// Connections are reset (RST): those that are open, and new ones.
    Reset,
    /// Nothing is read any more: bytes pile up until the sender is held back. Connections stay open.
    Blackhole,
    /// Open connections are closed and nobody listens, so that new ones are refused.
    Cut,
}

/// Which way a fault acts, seen from the peer that connects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Towards the far end and back.
    #[default]
    Both,
    /// Towards the far end.
    Up,
    /// Back from the far end.
    Down,
}

impl Toxic {
    /// A fault on all connections, both ways.
    #[must_use]
    pub fn new(kind: ToxicKind) -> Self {
        Self { kind, direction: Direction::Both, toxicity: 1.0, seed: 0 }
    }

    /// A latency on all connections, both ways.
    #[must_use]
    pub fn latency(delay: Duration, jitter: Duration) -> Self {
        Self::new(ToxicKind::Latency { delay, jitter })
    }

    /// Whether the connection of this number is among those that it acts on.
    #[must_use]
    pub fn acts_on(&self, link: &str, connection: u64) -> bool {
        // Drawn even for 0 and 1, where the comparison decides: a draw lies in [0, 1).
        substream(self.seed, "toxicity", &format!("{link}/{connection}")).random::<f64>() < self.toxicity
    }
}

/// The faults of a link at one moment, by label.
pub(super) type Toxics = Arc<Vec<(String, Toxic)>>;

/// What the faults of a link come to for one direction of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Effect {
    /// Sum of delays.
    pub(super) delay: Duration,
    /// Sum of jitters.
    pub(super) jitter: Duration,
    /// Smallest bandwidth in bytes per second.
    pub(super) bandwidth: Option<u64>,
    /// Nothing is read.
    pub(super) blackhole: bool,
}

/// What the faults of a link come to for one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Effects {
    pub(super) up: Effect,
    pub(super) down: Effect,
    pub(super) reset: bool,
    pub(super) cut: bool,
    /// Seed of the jitter.
    pub(super) seed: u64,
}

impl Effects {
    pub(super) fn of(toxics: &Toxics, link: &str, connection: u64) -> Self {
        let mut effects = Self::default();
        for (_, toxic) in toxics.iter() {
            if toxic.kind == ToxicKind::Cut {
                effects.cut = true;
            } else if toxic.acts_on(link, connection) {
                effects.seed ^= toxic.seed;
                effects.reset |= toxic.kind == ToxicKind::Reset;
                if toxic.direction != Direction::Down {
                    effects.up.add(toxic.kind);
                }
                if toxic.direction != Direction::Up {
                    effects.down.add(toxic.kind);
                }
            }
        }
        effects
    }
}

impl Effect {
    fn add(&mut self, kind: ToxicKind) {
        match kind {
            ToxicKind::Latency { delay, jitter } => {
                self.delay += delay;
                self.jitter += jitter;
            }
            ToxicKind::Bandwidth { bytes_per_second } => {
                let bytes = bytes_per_second.max(1);
                self.bandwidth = Some(self.bandwidth.map_or(bytes, |known| known.min(bytes)));
            }
            ToxicKind::Blackhole => self.blackhole = true,
            ToxicKind::Reset | ToxicKind::Cut => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toxic(toxicity: f64, seed: u64) -> Toxic {
        Toxic { toxicity, seed, ..Toxic::new(ToxicKind::Reset) }
    }

    #[test]
    fn toxicity_is_a_share_of_connections_fixed_by_the_seed() {
        let hit = |seed| (0..1000).filter(|i| toxic(0.3, seed).acts_on("a->b", *i)).collect::<Vec<_>>();
        assert_eq!(hit(1), hit(1));
        assert_ne!(hit(1), hit(2));
        assert!((250..350).contains(&hit(1).len()), "{}", hit(1).len());
    }

    #[test]
    fn toxicity_of_none_and_all_mean_that() {
        assert!((0..500).all(|i| !toxic(0.0, 9).acts_on("a->b", i)));
        assert!((0..500).all(|i| toxic(1.0, 9).acts_on("a->b", i)));
    }

    #[test]
    fn faults_add_up_in_their_direction() {
        let slow = Toxic { direction: Direction::Up, ..Toxic::latency(Duration::from_millis(20), Duration::ZERO) };
        let toxics = Arc::new(vec![
            ("a".to_owned(), slow.clone()),
            ("b".to_owned(), slow),
            ("c".to_owned(), Toxic::new(ToxicKind::Bandwidth { bytes_per_second: 10 })),
        ]);
        let effects = Effects::of(&toxics, "a->b", 0);
        assert_eq!((effects.up.delay, effects.down.delay), (Duration::from_millis(40), Duration::ZERO));
        assert_eq!((effects.up.bandwidth, effects.down.bandwidth), (Some(10), Some(10)));
    }
}
