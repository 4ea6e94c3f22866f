//! Judges thresholds on what was recorded.

use std::time::Duration;

use super::recorder::{TICK, quantile};
use super::{Aggregate, Metric, Operator, Recorder, Stretch, Threshold, ThresholdResult};
use crate::verdict::Verdict;

impl Recorder {
    /// Judges a threshold for a load over the iterations that were to start in `[from, until)`.
    #[must_use]
    pub fn judge(
        &self,
        threshold: &Threshold,
        load: &str,
        phase: &str,
        from: Duration,
        until: Duration,
    ) -> ThresholdResult {
        let load = (threshold.metric != Metric::Lag).then_some(load);
        let result = |verdict, measured| ThresholdResult {
            expression: threshold.to_string(),
            phase: phase.to_owned(),
            verdict,
            measured,
        };
        let whole = self.stretch(load, from, until);
        let samples = threshold.samples(&whole);
        let few =
            || result(Verdict::Invalid, format!("{samples} samples, expected at least {}", Threshold::LEAST_SAMPLES));
        let Some(window) = threshold.over.filter(|window| *window < until.saturating_sub(from)) else {
            let Some(measured) = threshold.measure(&whole) else { return few() };
            let verdict = if threshold.holds(measured) { Verdict::Pass } else { Verdict::Fail };
            return result(verdict, format!("{} of {samples} samples", threshold.show(measured)));
        };
        // Of all windows, the one that is furthest on the wrong side.
        let mut worst: Option<(f64, Duration)> = None;
        let mut start = from;
        while start + window <= until {
            if let Some(measured) = threshold.measure(&self.stretch(load, start, start + window))
                && worst.is_none_or(|(known, _)| threshold.worse(measured, known))
            {
                worst = Some((measured, start));
            }
            start += TICK;
        }
        let Some((measured, start)) = worst else { return few() };
        let verdict = if threshold.holds(measured) { Verdict::Pass } else { Verdict::Fail };
        let seconds = start.as_secs_f64();
        result(verdict, format!("{} at worst, in the window from {seconds:.1} s", threshold.show(measured)))
    }
}

impl Threshold {
    /// Samples that count for its aggregate.
    fn samples(&self, stretch: &Stretch) -> u64 {
        match (&self.metric, self.aggregate) {
            (Metric::Lag, _) => stretch.lag.len(),
            (_, Aggregate::Quantile(_) | Aggregate::Max) => stretch.response.len(),
            _ => stretch.ok + stretch.failed,
        }
    }

    /// What it measures in a stretch; none when there are too few samples.
    pub(crate) fn measure(&self, stretch: &Stretch) -> Option<f64> {
        let (ok, all) = (stretch.ok as f64, (stretch.ok + stretch.failed) as f64);
        if self.aggregate == Aggregate::Rate {
            return (stretch.seconds > 0.0).then(|| ok / stretch.seconds);
        }
        if self.samples(stretch) < Self::LEAST_SAMPLES {
            return None;
        }
        let latencies = if self.metric == Metric::Lag { &stretch.lag } else { &stretch.response };
        Some(match self.aggregate {
            Aggregate::Ok => ok / all,
            Aggregate::Errors => 1.0 - ok / all,
            Aggregate::Quantile(at) => quantile(latencies, at),
            Aggregate::Max => quantile(latencies, 1.0),
            Aggregate::Rate => unreachable!("a rate was returned above"),
        })
    }

    fn worse(&self, a: f64, b: f64) -> bool {
        match self.operator {
            Operator::Less | Operator::AtMost => a > b,
            Operator::More | Operator::AtLeast => a < b,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ending, Sample};
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn sample(intended: u64, took: u64, ending: Ending) -> Sample {
        Sample { intended: millis(intended), started: millis(intended + 1), ended: millis(intended + took), ending }
    }

    fn threshold(text: &str) -> Threshold {
        text.parse().unwrap()
    }

    #[test]
    fn threshold_over_windows_finds_the_bad_second_that_the_whole_hides() {
        let recorder = Recorder::new();
        for i in 0..1000 {
            let ending = if (500..510).contains(&i) { Ending::Failed } else { Ending::Ok };
            recorder.iteration("buy", sample(i * 10, 5, ending), None);
        }
        let judge = |text: &str| recorder.judge(&threshold(text), "buy", "", millis(0), millis(10_000));
        assert_eq!(judge("buy.ok >= 99%").verdict, Verdict::Pass);
        let windowed = judge("buy.ok >= 99% over 1s");
        assert_eq!(windowed.verdict, Verdict::Fail);
        assert_eq!(windowed.measured, "90% at worst, in the window from 4.1 s");
    }

    #[test]
    fn too_few_samples_are_invalid_instead_of_good() {
        let recorder = Recorder::new();
        for i in 0..9 {
            recorder.iteration("buy", sample(i, 5, Ending::Ok), None);
        }
        let result = recorder.judge(&threshold("buy.p99 < 1s"), "buy", "before", millis(0), millis(1000));
        assert_eq!((result.verdict, &*result.measured), (Verdict::Invalid, "9 samples, expected at least 10"));
    }

    #[test]
    fn every_aggregate_measures_what_it_says() {
        let recorder = Recorder::new();
        for i in 0..100 {
            let ending = if i % 4 == 0 { Ending::Failed } else { Ending::Ok };
            recorder.iteration("buy", sample(i * 10, 20, ending), None);
        }
        let judge = |text: &str| {
            let result = recorder.judge(&threshold(text), "buy", "", millis(0), millis(1000));
            format!("{} {}", result.verdict, result.measured)
        };
        assert_eq!(judge("buy.ok >= 75%"), "pass 75% of 100 samples");
        assert_eq!(judge("buy.errors < 25%"), "fail 25% of 100 samples");
        assert_eq!(judge("buy.rate >= 75/s"), "pass 75/s of 100 samples");
        assert_eq!(judge("buy.max < 21ms"), "pass 20ms of 75 samples");
        assert_eq!(judge("lag.p99 < 1ms"), "fail 1ms of 100 samples");
    }
}
