//! When users arrive.
//!
//! A shape is a rate λ(t) in arrivals per second, made of linear pieces; Λ(t) = ∫₀ᵗ λ is the number of arrivals that it
//! offers until t. Arrival k (from 0) is at Λ⁻¹(xₖ), where for constant arrivals xₖ = k, and for Poisson arrivals xₖ is
//! the sum of k + 1 exponential variates of mean 1: a Poisson process of rate 1 whose time is stretched to the shape.
//! Ramps and spikes come free.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use sha2::{Digest, Sha256};

use super::Arrivals;
use crate::quantity;

/// A rate over time: linear pieces, the last one going on for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pieces: Vec<Piece>,
}

/// One piece of a shape, as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Rate at its end, in arrivals per second.
    pub to: f64,
    /// Time over which the rate goes there from the one before; at once when zero.
    pub over: Duration,
    /// Time for which the rate stays there before the next stage begins.
    pub hold: Option<Duration>,
}

/// A piece in which the rate changes linearly. Times in seconds, rates in arrivals per second.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    from_s: f64,
    until_s: f64,
    from: f64,
    to: f64,
    /// Λ at its start.
    before: f64,
}

/// Why a text is no stage of a rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A part is not a quantity.
    #[error(transparent)]
    Quantity(#[from] quantity::QuantityError),
    /// The words around the quantities are wrong.
    #[error("`{0}` is not a rate, such as `40/s`, `40/s over 60s`, `5/s for 10s` or `40/s over 10s for 5s`")]
    Form(String),
    /// There is no stage.
    #[error("a rate needs at least one stage, such as `40/s`")]
    Empty,
}

impl std::str::FromStr for Stage {
    type Err = ShapeError;

    /// `40/s`, `40/s over 60s` (a ramp from the rate before), `40/s for 10s` (held), `40/s over 5s for 10s`.
    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let duration = |text: &str| text.parse::<quantity::Duration>().map(Duration::from);
        let (to, over, hold) = match *words.as_slice() {
            [to] => (to, Duration::ZERO, None),
            [to, "over", over] => (to, duration(over)?, None),
            [to, "for", hold] => (to, Duration::ZERO, Some(duration(hold)?)),
            [to, "over", over, "for", hold] => (to, duration(over)?, Some(duration(hold)?)),
            _ => return Err(ShapeError::Form(text.chars().take(60).collect())),
        };
        Ok(Self { to: to.parse::<quantity::Rate>()?.per_second(), over, hold })
    }
}

impl Shape {
    /// The same rate for ever.
    #[must_use]
    pub fn constant(per_second: f64) -> Self {
        Self {
            pieces: vec![Piece { from_s: 0.0, until_s: f64::INFINITY, from: per_second, to: per_second, before: 0.0 }],
        }
    }

    /// Stages one after the other. The first begins at its own rate; the last rate goes on for ever. A stage that ramps
    /// starts from the rate before it.
    ///
    /// # Errors
    /// When there is no stage.
    pub fn stages(stages: &[Stage]) -> Result<Self, ShapeError> {
        let mut shape = Self { pieces: Vec::new() };
        let mut rate = stages.first().ok_or(ShapeError::Empty)?.to;
        for stage in stages {
            shape.push(stage.over, rate, stage.to);
            rate = stage.to;
            shape.push(stage.hold.unwrap_or_default(), rate, rate);
        }
        let (from_s, before) = shape.end();
        shape.pieces.push(Piece { from_s, until_s: f64::INFINITY, from: rate, to: rate, before });
        Ok(shape)
    }

    fn push(&mut self, length: Duration, from: f64, to: f64) {
        if !length.is_zero() {
            let (from_s, before) = self.end();
            self.pieces.push(Piece { from_s, until_s: from_s + length.as_secs_f64(), from, to, before });
        }
    }

    fn end(&self) -> (f64, f64) {
        self.pieces.last().map_or((0.0, 0.0), |piece| (piece.until_s, piece.cumulative(piece.until_s)))
    }

    /// λ(t): arrivals per second at a time in seconds.
    #[must_use]
    pub fn rate(&self, at_s: f64) -> f64 {
        self.pieces
            .iter()
            .find(|piece| at_s < piece.until_s)
            .map_or(0.0, |piece| piece.from + piece.slope() * (at_s - piece.from_s))
    }

    /// Λ(t): arrivals until a time in seconds.
    #[must_use]
    pub fn cumulative(&self, at_s: f64) -> f64 {
        self.pieces.iter().find(|piece| at_s < piece.until_s).map_or(0.0, |piece| piece.cumulative(at_s))
    }

    /// Λ⁻¹(x): the time in seconds until which x arrivals are offered; none when that many never are.
    #[must_use]
    pub fn inverse(&self, arrivals: f64) -> Option<f64> {
        // The last piece that begins at or before x; of empty pieces (rate 0) the one after them.
        let piece = self.pieces.iter().rev().find(|piece| piece.before <= arrivals)?;
        piece.inverse(arrivals)
    }
}

impl Piece {
    fn slope(&self) -> f64 {
        if self.until_s.is_finite() { (self.to - self.from) / (self.until_s - self.from_s) } else { 0.0 }
    }

    fn cumulative(&self, at_s: f64) -> f64 {
        let t = at_s - self.from_s;
        self.before + self.from * t + 0.5 * self.slope() * t * t
    }

    fn inverse(&self, arrivals: f64) -> Option<f64> {
        let (x, a, slope) = (arrivals - self.before, self.from, self.slope());
        if x <= 0.0 {
            return Some(self.from_s);
        }
        // x = a t + slope/2 t². Written so that nothing cancels out when the slope is tiny.
        let root = (a * a + 2.0 * slope * x).max(0.0).sqrt();
        let t = 2.0 * x / (a + root);
        t.is_finite().then_some((self.from_s + t).min(self.until_s))
    }
}

/// The arrivals of one load. Endless; whoever takes them stops at the end of the load.
#[derive(Clone, Debug)]
pub struct Schedule {
    shape: Shape,
    arrivals: Arrivals,
    random: ChaCha12Rng,
    position: f64,
    count: u64,
}

impl Schedule {
    /// The schedule for a seed and a load's name. Another name gives another stream, so that a load that is added or
    /// edited never shifts the others.
    #[must_use]
    pub fn new(shape: Shape, arrivals: Arrivals, seed: u64, name: &str) -> Self {
        Self { shape, arrivals, random: substream(seed, "schedule", name), position: 0.0, count: 0 }
    }

    /// Digest of the arrivals before `until`: the first 16 hexadecimal digits of SHA-256 over their microseconds.
    #[must_use]
    pub fn digest(&self, until: Duration) -> String {
        let mut hash = Sha256::new();
        for at in self.clone().take_while(|at| *at < until) {
            hash.update((at.as_micros() as u64).to_le_bytes());
        }
        hex::encode(&hash.finalize()[..8])
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.position = match self.arrivals {
            Arrivals::Constant => self.count as f64,
            // 1 - u lies in (0, 1], so the logarithm is finite.
            Arrivals::Poisson => self.position - (1.0 - self.random.random::<f64>()).ln(),
        };
        self.count += 1;
        let at = self.shape.inverse(self.position)?;
        Duration::try_from_secs_f64(at).ok()
    }
}

/// A stream of random numbers of its own for each seed, use and name.
pub(crate) fn substream(seed: u64, purpose: &str, name: &str) -> ChaCha12Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update((purpose.len() as u64).to_le_bytes());
    hash.update(purpose);
    hash.update(name);
    ChaCha12Rng::from_seed(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shape(stages: &[&str]) -> Shape {
        let stages: Vec<Stage> = stages.iter().map(|stage| stage.parse().unwrap()).collect();
        Shape::stages(&stages).unwrap()
    }

    #[test]
    fn constant_arrivals_are_equally_spaced() {
        let schedule = Schedule::new(Shape::constant(4.0), Arrivals::Constant, 1, "buy");
        let millis: Vec<u128> = schedule.take(5).map(|at| at.as_millis()).collect();
        assert_eq!(millis, [0, 250, 500, 750, 1000]);
    }

    #[test]
    fn ramp_starts_from_the_rate_before() {
        let shape = shape(&["5/s", "40/s over 60s"]);
        assert_eq!((shape.rate(0.0), shape.rate(30.0), shape.rate(60.0), shape.rate(600.0)), (5.0, 22.5, 40.0, 40.0));
        assert_eq!(shape.cumulative(60.0), 1350.0);
    }

    #[test]
    fn spike_is_held_and_left() {
        let shape = shape(&["10/s for 5s", "100/s for 1s", "10/s"]);
        assert_eq!((shape.rate(4.9), shape.rate(5.5), shape.rate(6.1)), (10.0, 100.0, 10.0));
        assert_eq!(shape.cumulative(7.0), 160.0);
    }

    #[test]
    fn arrivals_wait_out_a_pause_and_end_with_the_rate() {
        let paused = shape(&["2/s for 1s", "0/s for 3s", "2/s"]);
        let schedule = Schedule::new(paused, Arrivals::Constant, 1, "buy");
        let millis: Vec<u128> = schedule.take(4).map(|at| at.as_millis()).collect();
        assert_eq!(millis, [0, 500, 4000, 4500]);
        let ended = Schedule::new(shape(&["2/s for 1s", "0/s"]), Arrivals::Constant, 1, "buy");
        assert!(ended.take(10).count() <= 3, "two arrivals, and one at the very end");
    }

    #[test]
    fn poisson_gaps_have_the_mean_and_variance_of_an_exponential() {
        let rate = 50.0;
        let schedule = Schedule::new(Shape::constant(rate), Arrivals::Poisson, 7, "buy");
        let times: Vec<f64> = schedule.take(50_000).map(|at| at.as_secs_f64()).collect();
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean * rate - 1.0).abs() < 0.02, "{mean}");
        assert!((variance * rate * rate - 1.0).abs() < 0.05, "{variance}");
    }

    #[test]
    fn poisson_counts_have_a_variance_equal_to_their_mean() {
        let schedule = Schedule::new(Shape::constant(20.0), Arrivals::Poisson, 11, "buy");
        let mut counts = vec![0.0_f64; 2000];
        for at in schedule.take_while(|at| at.as_secs() < 2000) {
            counts[at.as_secs() as usize] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / 2000.0;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 2000.0;
        assert!((variance / mean - 1.0).abs() < 0.15, "mean {mean}, variance {variance}");
    }

    #[test]
    fn another_load_leaves_a_schedule_as_it_was() {
        let digest = |seed, name| {
            Schedule::new(Shape::constant(30.0), Arrivals::Poisson, seed, name).digest(Duration::from_secs(10))
        };
        assert_eq!(digest(42, "buy"), digest(42, "buy"));
        assert_ne!(digest(42, "buy"), digest(42, "search"));
        assert_ne!(digest(42, "buy"), digest(43, "buy"));
    }

    #[test]
    fn stage_says_what_it_expected() {
        let error = "40/s during 5s".parse::<Stage>().unwrap_err();
        assert!(error.to_string().contains("`40/s during 5s` is not a rate, such as `40/s`"), "{error}");
        assert!("40".parse::<Stage>().unwrap_err().to_string().contains("`40` is not a rate with a unit of time"));
        assert_eq!(Shape::stages(&[]).unwrap_err(), ShapeError::Empty);
    }

    proptest! {
        #[test]
        fn inverse_undoes_cumulative(
            rates in prop::collection::vec((1_u32..500, 0_u64..20, 0_u64..20), 1..6),
            at in 0.0_f64..200.0,
        ) {
            let stages: Vec<Stage> = rates
                .iter()
                .map(|(to, over, hold)| Stage {
                    to: f64::from(*to),
                    over: Duration::from_secs(*over),
                    hold: Some(Duration::from_secs(*hold)),
                })
                .collect();
            let shape = Shape::stages(&stages).unwrap();
            let back = shape.inverse(shape.cumulative(at)).unwrap();
            prop_assert!((back - at).abs() < 1e-6, "{} {}", at, back);
        }

        #[test]
        fn arrivals_never_go_back(seed: u64, to in 1_u32..1000, over in 0_u64..30) {
            let stages = [
                Stage { to: 1.0, over: Duration::ZERO, hold: None },
                Stage { to: f64::from(to), over: Duration::from_secs(over), hold: None },
            ];
            let schedule = Schedule::new(Shape::stages(&stages).unwrap(), Arrivals::Poisson, seed, "x");
            let times: Vec<Duration> = schedule.take(500).collect();
            prop_assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
        }

        #[test]
        fn stages_never_panic(text in "\\PC{0,30}") {
            let _ = text.parse::<Stage>();
        }
    }
}
