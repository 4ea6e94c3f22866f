//! How many attribute sets each instrument may have, and how histograms sort what they measure.
//!
//! The SDK sets places aside for as many sets as are allowed, 2000 unless told otherwise.

use std::collections::HashMap;

use opentelemetry_sdk::metrics::{Aggregation, Instrument, InstrumentKind, Stream};

use super::{exemplars, histogram, saturation};
use crate::settings::{Buckets, Config};

/// Routes, methods and statuses, or destinations: an application has hundreds, not thousands.
pub(super) const RECORDED: usize = 1000;

/// Methods and peers, or queues.
const LEVELS: usize = 256;

/// Observed values have a handful of sets, all known beforehand; requests in flight most, a method and a scheme each.
const OBSERVED: usize = 32;

/// What the specification recommends and the SDK knows.
const EXPONENTIAL: Aggregation =
    Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };

/// Instruments of this crate; what the application makes keeps the SDK's limit.
const OWN: [&str; 12] = [
    "http.",
    "messaging.",
    "process.",
    "otel.sdk.",
    "db.",
    "app.tokio.",
    "app.telemetry.",
    "app.messaging.",
    "app.smtp.",
    "app.socketio.",
    "app.task.",
    "app.process.",
];

/// The view of all instruments.
pub(crate) fn limits(config: &Config) -> impl Fn(&Instrument) -> Option<Stream> + Send + Sync + 'static {
    let given: HashMap<String, usize> = config.cardinality_limits.iter().cloned().collect();
    let buckets = config.buckets;
    move |instrument| {
        let limit = given.get(instrument.name()).copied().or_else(|| own(instrument));
        let exponential = instrument.kind() == InstrumentKind::Histogram
            && (buckets == Buckets::Exponential || histogram::is_exponential(instrument.name()));
        if limit.is_none() && !exponential {
            return None;
        }
        let mut stream = Stream::builder();
        if let Some(limit) = limit {
            exemplars::limit(instrument.name(), limit);
            stream = stream.with_cardinality_limit(limit);
        }
        if exponential {
            stream = stream.with_aggregation(EXPONENTIAL);
        }
        stream.build().ok()
    }
}

fn own(instrument: &Instrument) -> Option<usize> {
    if instrument.name().starts_with(saturation::PREFIX) {
        return Some(saturation::MAX_WATCHED);
    }
    let own = OWN.iter().any(|prefix| instrument.name().starts_with(prefix));
    own.then_some(match instrument.kind() {
        InstrumentKind::Counter | InstrumentKind::Histogram => RECORDED,
        InstrumentKind::UpDownCounter | InstrumentKind::Gauge => LEVELS,
        // One per queue, partition or pool.
        _ if ["app.messaging.", "db."].iter().any(|prefix| instrument.name().starts_with(prefix)) => LEVELS,
        _ => OBSERVED,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scrape;
    use crate::metrics::exposition::Format;
    use crate::metrics::prometheus::render;
    use opentelemetry::KeyValue;
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    fn provider(config: &Config) -> (Scrape, SdkMeterProvider) {
        let scrape = Scrape::default();
        let provider = SdkMeterProvider::builder().with_reader(scrape.clone()).with_view(limits(config)).build();
        (scrape, provider)
    }

    fn lines(scrape: &Scrape, with: &str) -> Vec<String> {
        let page = render(&scrape.collect(), Format::Prometheus);
        page.lines().filter(|line| line.starts_with(with)).map(ToOwned::to_owned).collect()
    }

    #[test]
    fn flood_of_values_ends_in_one_visible_series() {
        let (scrape, provider) = provider(&Config::new("test").cardinality_limit("flood.orders", 50));
        let meter = provider.meter(crate::core::SCOPE);
        let orders = meter.u64_counter("flood.orders").build();
        let waits = crate::metrics::histogram("http.flood.wait", "s", "").bounds([1.0]).build_on(&meter);
        for n in 0..10_000 {
            orders.add(1, &[KeyValue::new("customer", n)]);
            waits.record(0.1, &[KeyValue::new("customer", n)]);
        }
        let orders = lines(&scrape, "flood_orders_total");
        assert_eq!(orders.len(), 51);
        let overflow = "flood_orders_total{otel_metric_overflow=\"true\"} 9950";
        assert!(orders.iter().any(|line| line == overflow), "{orders:#?}");
        let waits = lines(&scrape, "http_flood_wait_seconds_count");
        assert_eq!(waits.len(), RECORDED + 1);
        let overflow = "http_flood_wait_seconds_count{otel_metric_overflow=\"true\"} 9000";
        assert!(waits.iter().any(|line| line == overflow), "{waits:#?}");
    }

    #[test]
    fn exponential_buckets_are_chosen_for_all_or_for_one() {
        let name =
            |scrape: &Scrape, bound: &str| lines(scrape, &format!("buckets_wait_seconds_bucket{{le=\"{bound}\"}}"));
        let (scrape, exponential) = provider(&Config::new("test").buckets(Buckets::Exponential));
        crate::metrics::histogram("buckets.wait", "s", "").build_on(&exponential.meter("test")).record(0.3, &[]);
        assert_eq!((name(&scrape, "0.5").len(), name(&scrape, "0.015625").len()), (1, 1));

        let (scrape, explicit) = provider(&Config::new("test"));
        crate::metrics::histogram("buckets.wait", "s", "").build_on(&explicit.meter("test")).record(0.3, &[]);
        assert_eq!((name(&scrape, "0.005").len(), name(&scrape, "0.015625").len()), (1, 0));
        crate::metrics::histogram("buckets.one", "s", "")
            .exponential()
            .build_on(&explicit.meter("test"))
            .record(0.3, &[]);
        assert_eq!(lines(&scrape, "buckets_one_seconds_bucket{le=\"0.015625\"}").len(), 1);
    }
}
