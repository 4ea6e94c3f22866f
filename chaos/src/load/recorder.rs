//! What was measured, by tenths of a second: for each load the offered iterations by their intended start, and what
//! became of them twice, by intended start (to judge phases) and by end (to show progress).
//!
//! Within a tick a distribution is kept sparsely, as counts of values rounded to three digits; over any stretch of time
//! ticks are merged into one histogram. Percentiles are never averaged.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::{Interval, Percentiles};

/// Length of a tick.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// Ticks in a second.
const TICKS: u64 = 10;
/// Longest recording, in ticks (a day); what comes later is counted in the last one, so that memory is bounded.
const LAST_TICK: u64 = 24 * 3600 * TICKS;
/// Longest time that is told apart from longer ones.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Kinds of failures that are told apart.
const FAILURES: usize = 20;

/// How an iteration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It succeeded.
    Ok,
    /// It failed before its deadline.
    Failed,
    /// It did not end by its deadline, at which it counts.
    TimedOut,
    /// It was not started, as too many were in flight.
    Shed,
}

/// One iteration, in times since the start of the load.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When it was to start.
    pub intended: Duration,
    /// When it started.
    pub started: Duration,
    /// When it ended, or its deadline.
    pub ended: Duration,
    /// How it ended.
    pub ending: Ending,
}

/// Records all loads of one run. Shared by all tasks.
#[derive(Debug, Default)]
pub struct Recorder {
    loads: Mutex<BTreeMap<String, Log>>,
}

#[derive(Debug, Default)]
struct Log {
    ticks: BTreeMap<u64, Tick>,
    operations: BTreeMap<String, Sparse>,
    failures: BTreeMap<String, u64>,
}

#[derive(Debug, Default)]
struct Tick {
    /// By intended start.
    offered: u64,
    shed: u64,
    timeouts: u64,
    started: Tally,
    service: Sparse,
    lag: Sparse,
    /// By end.
    ended: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    ok: u64,
    failed: u64,
    response: Sparse,
}

/// A distribution of microseconds: counts by value, values rounded down to 11 significant bits (an error under 0.1 %).
#[derive(Debug, Default)]
struct Sparse(BTreeMap<u64, u64>);

impl Sparse {
    fn record(&mut self, value: Duration) {
        let micros = u64::try_from(value.min(LONGEST).as_micros()).unwrap_or(u64::MAX);
        let shift = (64 - micros.leading_zeros()).saturating_sub(11);
        *self.0.entry(micros >> shift << shift).or_default() += 1;
    }

    fn add_to(&self, histogram: &mut Histogram<u64>) {
        for (value, count) in &self.0 {
            // The histogram grows by itself, and values are capped well below what it can hold.
            let _ = histogram.record_n(*value, *count);
        }
    }
}

/// What happened in a stretch of time.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// Its length in seconds.
    pub seconds: f64,
    /// Iterations that were to start in it.
    pub offered: u64,
    /// Of these, those that succeeded.
    pub ok: u64,
    /// Of these, those that did not.
    pub failed: u64,
    /// Shed ones among the failed.
    pub shed: u64,
    /// Timed-out ones among the failed.
    pub timeouts: u64,
    /// Latency in microseconds from the intended start: succeeded and timed-out iterations.
    pub response: Histogram<u64>,
    /// Latency from the actual start of the same.
    pub service: Histogram<u64>,
    /// Lag of the generator.
    pub lag: Histogram<u64>,
}

/// A histogram of three digits that grows with its values.
pub(crate) fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 2, 3).expect("three digits and these bounds are valid");
    histogram.auto(true);
    histogram
}

impl Recorder {
    /// Nothing recorded yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records an iteration, with the kind of its failure.
    pub fn iteration(&self, load: &str, sample: Sample, failure: Option<&str>) {
        self.with(load, |log| {
            let response = sample.ended.saturating_sub(sample.intended);
            // A fast refusal is no answer: only successes, and time-outs at their deadline, are latencies.
            let measured = matches!(sample.ending, Ending::Ok | Ending::TimedOut);
            let tick = log.ticks.entry(index(sample.intended)).or_default();
            tick.offered += 1;
            tick.shed += u64::from(sample.ending == Ending::Shed);
            tick.timeouts += u64::from(sample.ending == Ending::TimedOut);
            tick.started.count(sample.ending, measured.then_some(response));
            if measured {
                tick.service.record(sample.ended.saturating_sub(sample.started));
            }
            if sample.ending != Ending::Shed {
                tick.lag.record(sample.started.saturating_sub(sample.intended));
            }
            let tick = log.ticks.entry(index(sample.ended)).or_default();
            tick.ended.count(sample.ending, measured.then_some(response));
            if let Some(failure) = failure {
                let known = log.failures.contains_key(failure) || log.failures.len() < FAILURES;
                let kind = if known { failure } else { "other" };
                *log.failures.entry(kind.to_owned()).or_default() += 1;
            }
        });
    }

    /// Records a successful operation of an iteration.
    pub fn operation(&self, load: &str, operation: &str, took: Duration) {
        self.with(load, |log| match log.operations.get_mut(operation) {
            Some(known) => known.record(took),
            None => log.operations.entry(operation.to_owned()).or_default().record(took),
        });
    }

    fn with<T>(&self, load: &str, change: impl FnOnce(&mut Log) -> T) -> T {
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        if !loads.contains_key(load) {
            loads.insert(load.to_owned(), Log::default());
        }
        change(loads.get_mut(load).expect("it was just inserted"))
    }

    fn visit(&self, load: Option<&str>, from: u64, until: u64, mut see: impl FnMut(&Tick)) {
        let loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, log) in loads.iter().filter(|(name, _)| load.is_none_or(|load| load == *name)) {
            log.ticks.range(from..until.max(from)).for_each(|(_, tick)| see(tick));
        }
    }

    /// What became of the iterations of a load, or of all loads, that were to start in `[from, until)`. Bounds are rounded
    /// to tenths of a second.
    #[must_use]
    pub fn stretch(&self, load: Option<&str>, from: Duration, until: Duration) -> Stretch {
        self.merge(load, from, until, |tick| &tick.started)
    }

    /// What ended in `[from, until)`: all that is known while the load runs.
    #[must_use]
    pub fn ended(&self, load: Option<&str>, from: Duration, until: Duration) -> Stretch {
        self.merge(load, from, until, |tick| &tick.ended)
    }

    fn merge(&self, load: Option<&str>, from: Duration, until: Duration, tally: fn(&Tick) -> &Tally) -> Stretch {
        let mut stretch = Stretch {
            seconds: until.saturating_sub(from).as_secs_f64(),
            offered: 0,
            ok: 0,
            failed: 0,
            shed: 0,
            timeouts: 0,
            response: histogram(),
            service: histogram(),
            lag: histogram(),
        };
        self.visit(load, bound(from), bound(until), |tick| {
            stretch.offered += tick.offered;
            stretch.ok += tally(tick).ok;
            stretch.failed += tally(tick).failed;
            stretch.shed += tick.shed;
            stretch.timeouts += tick.timeouts;
            tally(tick).response.add_to(&mut stretch.response);
            tick.service.add_to(&mut stretch.service);
            tick.lag.add_to(&mut stretch.lag);
        });
        stretch
    }

    /// One second of a load or of all loads.
    #[must_use]
    pub fn second(&self, load: Option<&str>, second: u64) -> Interval {
        let ended = self.ended(load, Duration::from_secs(second), Duration::from_secs(second + 1));
        Interval {
            second,
            offered: ended.offered,
            ok: ended.ok,
            failed: ended.failed,
            p50_ms: quantile(&ended.response, 0.5),
            p99_ms: quantile(&ended.response, 0.99),
            lag_p99_ms: quantile(&ended.lag, 0.99),
        }
    }

    /// All seconds until the last in which something happened, and at least until `until`.
    #[must_use]
    pub fn seconds(&self, load: Option<&str>, until: Duration) -> Vec<Interval> {
        let mut last = bound(until).div_ceil(TICKS);
        {
            let loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
            for (_, log) in loads.iter().filter(|(name, _)| load.is_none_or(|load| load == *name)) {
                last = last.max(log.ticks.last_key_value().map_or(0, |(tick, _)| tick / TICKS + 1));
            }
        }
        (0..last).map(|second| self.second(load, second)).collect()
    }

    /// Latency of each operation of a load.
    #[must_use]
    pub fn operations(&self, load: &str) -> BTreeMap<String, Percentiles> {
        self.with(load, |log| {
            let percentiles = |sparse: &Sparse| {
                let mut histogram = histogram();
                sparse.add_to(&mut histogram);
                Percentiles::of(&histogram)
            };
            log.operations.iter().map(|(name, sparse)| (name.clone(), percentiles(sparse))).collect()
        })
    }

    /// Kinds of failures of a load and their numbers.
    #[must_use]
    pub fn failures(&self, load: &str) -> BTreeMap<String, u64> {
        self.with(load, |log| log.failures.clone())
    }
}

impl Tally {
    fn count(&mut self, ending: Ending, response: Option<Duration>) {
        *(if ending == Ending::Ok { &mut self.ok } else { &mut self.failed }) += 1;
        if let Some(response) = response {
            self.response.record(response);
        }
    }
}

impl Percentiles {
    /// The figures of a histogram of microseconds.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        // Denser towards the tail, where the interesting things are: 0, 50, 75, 87.5, ... and 90, 99, 99.9, ...
        let mut at: Vec<f64> = (0..=16).map(|halving| 1.0 - 0.5_f64.powi(halving)).collect();
        at.extend([0.1, 0.25, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0]);
        at.sort_by(f64::total_cmp);
        Self {
            count: histogram.len(),
            p50_ms: quantile(histogram, 0.5),
            p90_ms: quantile(histogram, 0.9),
            p99_ms: quantile(histogram, 0.99),
            p999_ms: quantile(histogram, 0.999),
            max_ms: quantile(histogram, 1.0),
            curve: at.into_iter().map(|at| (at * 100.0, quantile(histogram, at))).collect(),
        }
    }
}

/// A quantile in milliseconds.
pub(crate) fn quantile(histogram: &Histogram<u64>, at: f64) -> f64 {
    if histogram.is_empty() { 0.0 } else { histogram.value_at_quantile(at) as f64 / 1e3 }
}

/// The tick that holds a moment.
fn index(at: Duration) -> u64 {
    u64::try_from(at.as_micros() / TICK.as_micros()).unwrap_or(u64::MAX).min(LAST_TICK)
}

/// The boundary between ticks that is nearest to a moment.
fn bound(at: Duration) -> u64 {
    index(at + TICK / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn sample(intended: u64, took: u64, ending: Ending) -> Sample {
        Sample { intended: millis(intended), started: millis(intended + 1), ended: millis(intended + took), ending }
    }

    #[test]
    fn values_keep_three_digits() {
        let mut sparse = Sparse::default();
        for micros in [1, 999, 123_456, 98_765_432] {
            sparse.record(Duration::from_micros(micros));
        }
        for (kept, micros) in sparse.0.keys().zip([1_u64, 999, 123_456, 98_765_432]) {
            assert!((*kept as f64 / micros as f64 - 1.0).abs() < 1e-3, "{kept} {micros}");
        }
    }

    #[test]
    fn iteration_belongs_to_the_phase_of_its_intended_start_and_to_the_second_of_its_end() {
        let recorder = Recorder::new();
        recorder.iteration("buy", sample(900, 300, Ending::Ok), None);
        let first = recorder.stretch(Some("buy"), millis(0), millis(1000));
        assert_eq!((first.offered, first.ok), (1, 1));
        assert_eq!(recorder.second(Some("buy"), 0).ok, 0);
        let second = recorder.second(Some("buy"), 1);
        assert_eq!((second.offered, second.ok), (0, 1));
        assert!((second.p50_ms - 300.0).abs() < 1.0, "{}", second.p50_ms);
    }

    #[test]
    fn refusals_do_not_flatter_latency_and_time_outs_count_at_their_deadline() {
        let recorder = Recorder::new();
        for i in 0..50 {
            recorder.iteration("buy", sample(i, 100, Ending::Ok), None);
            recorder.iteration("buy", sample(i, 1, Ending::Failed), Some("refused"));
        }
        recorder.iteration("buy", sample(50, 5000, Ending::TimedOut), Some("timed out"));
        let all = recorder.stretch(Some("buy"), millis(0), millis(1000));
        assert_eq!((all.ok, all.failed, all.timeouts, all.response.len()), (50, 51, 1, 51));
        assert!((quantile(&all.response, 0.01) - 100.0).abs() < 1.0);
        assert!((quantile(&all.response, 1.0) - 5000.0).abs() < 10.0);
        assert_eq!(recorder.failures("buy"), BTreeMap::from([("refused".into(), 50), ("timed out".into(), 1)]));
    }

    #[test]
    fn loads_are_kept_apart_and_merged() {
        let recorder = Recorder::new();
        recorder.iteration("buy", sample(0, 5, Ending::Ok), None);
        recorder.iteration("search", sample(0, 5, Ending::Shed), None);
        assert_eq!(recorder.stretch(Some("buy"), millis(0), millis(100)).failed, 0);
        let all = recorder.stretch(None, millis(0), millis(100));
        assert_eq!((all.ok, all.failed, all.shed), (1, 1, 1));
    }

    #[test]
    fn failure_kinds_are_bounded() {
        let recorder = Recorder::new();
        for i in 0..1000 {
            recorder.iteration("buy", sample(i, 5, Ending::Failed), Some(&format!("kind {i}")));
        }
        let failures = recorder.failures("buy");
        assert_eq!((failures.len(), failures.values().sum::<u64>()), (FAILURES + 1, 1000));
    }
}
