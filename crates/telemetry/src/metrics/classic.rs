//! Histograms as the buckets of Prometheus' text: upper bounds with the counts up to them, ending with all of them.

use std::ops::RangeInclusive;

use opentelemetry_sdk::metrics::data::ExponentialHistogramDataPoint;

/// Powers of two that become bounds of durations in seconds: from a millisecond to a minute.
const DURATIONS: RangeInclusive<i64> = -10..=6;

/// The same for everything else: from one to a billion, every second power.
const OTHERS: RangeInclusive<i64> = 0..=30;

pub(super) fn explicit(
    bounds: impl Iterator<Item = f64>,
    counts: impl Iterator<Item = u64>,
    count: u64,
) -> Vec<(f64, u64)> {
    let mut total = 0;
    let counted = bounds.zip(counts).map(|(bound, count)| {
        total += count;
        (bound, total)
    });
    let mut buckets: Vec<(f64, u64)> = counted.collect();
    buckets.push((f64::INFINITY, count));
    buckets
}

/// Powers of two are bounds of exponential buckets at every scale, so nothing is estimated; and they are the same for every
/// series and at all times, which rates need.
pub(super) fn exponential<T: Copy>(point: &ExponentialHistogramDataPoint<T>, unit: &str) -> Vec<(f64, u64)> {
    let (powers, step) = if unit == "s" { (DURATIONS, 1) } else { (OTHERS, 2) };
    let positive = point.positive_bucket();
    let (offset, scale) = (i64::from(positive.offset()), point.scale());
    let filled: Vec<(i64, u64)> =
        (offset..).zip(positive.counts()).map(|(index, count)| (power_above(index, scale), count)).collect();
    let lowest = point.negative_bucket().counts().sum::<u64>() + point.zero_count();
    let up_to = |power: i64| lowest + filled.iter().filter(|(above, _)| *above <= power).map(|(_, n)| n).sum::<u64>();
    let mut buckets: Vec<(f64, u64)> =
        powers.step_by(step).map(|power| (2_f64.powi(power as i32), up_to(power))).collect();
    buckets.push((f64::INFINITY, point.count() as u64));
    buckets
}

/// The lowest power of two that is not below the upper bound of a bucket, `2^((index + 1) / 2^scale)`.
fn power_above(index: i64, scale: i8) -> i64 {
    let upper = index + 1;
    match u32::try_from(scale) {
        Ok(scale) => (upper + (1_i64 << scale.min(32)) - 1) >> scale.min(32),
        Err(_) => upper << u32::from(scale.unsigned_abs()).min(16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_end_at_the_next_power_of_two() {
        // At scale 0 bucket 0 is (1, 2]; at scale 2 it is (1, 2^0.25]; at scale -1 it is (1, 4].
        assert_eq!([power_above(0, 0), power_above(0, 2), power_above(0, -1)], [1, 1, 2]);
        assert_eq!([power_above(-1, 0), power_above(-1, 20), power_above(-1, -1)], [0, 0, 0]);
        assert_eq!([power_above(3, 2), power_above(4, 2), power_above(-5, 2)], [1, 2, -1]);
    }

    #[test]
    fn last_bucket_has_everything_even_without_bounds() {
        assert_eq!(explicit([].into_iter(), [].into_iter(), 3), [(f64::INFINITY, 3)]);
        assert_eq!(explicit([1.0].into_iter(), [2, 1].into_iter(), 3), [(1.0, 2), (f64::INFINITY, 3)]);
    }
}
