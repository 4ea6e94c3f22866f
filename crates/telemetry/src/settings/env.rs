//! The environment variables of the OpenTelemetry specification, and two for logs; [`super::own`] has the others.

use std::time::Duration;

use super::{Buckets, Config, OtlpSignal, Sampling, check};

impl Config {
    /// Applies the variables that `lookup` knows; what cannot be understood is remembered in `problems`.
    pub(super) fn with_variables(mut self, lookup: impl Fn(&str) -> Option<String>) -> Self {
        // Empty counts as unset, as the specification says.
        let get = |name: &str| lookup(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut problems = Vec::new();

        if let Some(given) = get("OTEL_RESOURCE_ATTRIBUTES") {
            for (key, value) in pairs("OTEL_RESOURCE_ATTRIBUTES", &given, &mut problems) {
                match &*key {
                    "service.name" => self.service = value,
                    "service.version" => self.version = value,
                    "service.instance.id" => self.instance = value,
                    _ => self.resource.push((key, value)),
                }
            }
        }
        // Wins over the resource attribute of the same meaning.
        self.service = get("OTEL_SERVICE_NAME").unwrap_or(self.service);
        self.disabled |= get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));

        if let Some(base) = get("OTEL_EXPORTER_OTLP_ENDPOINT") {
            self = self.otlp_endpoint(base);
        }
        // Endpoints of one signal are taken as they are, without a path appended.
        self.traces_endpoint = get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or(self.traces_endpoint);
        self.metrics_endpoint = get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT").or(self.metrics_endpoint);
        self.logs_endpoint = get("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT").or(self.logs_endpoint);
        self = self.with_exporters(&get, &mut problems);
        for endpoint in [&mut self.traces_endpoint, &mut self.metrics_endpoint, &mut self.logs_endpoint] {
            if let Some(given) = endpoint.take_if(|given| !is_http(given)) {
                problems
                    .push(format!("OTLP endpoint `{given}`: expected `http://host:port`; nothing is exported there"));
            }
        }
        if let Some(given) = get("OTEL_EXPORTER_OTLP_HEADERS") {
            let headers = pairs("OTEL_EXPORTER_OTLP_HEADERS", &given, &mut problems);
            let headers = check::headers("OTEL_EXPORTER_OTLP_HEADERS", headers, &mut problems);
            self.headers.extend(headers);
        }
        self = self.with_signals(&get, &mut problems);

        let mut millis = |name: &str| {
            let given = get(name)?;
            let parsed = given.parse().ok().map(Duration::from_millis);
            if parsed.is_none() {
                problems.push(format!("{name} `{given}`: expected whole milliseconds"));
            }
            parsed
        };
        for name in ["OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BLRP_EXPORT_TIMEOUT"] {
            if let Some(timeout) = millis(name).filter(|timeout| !timeout.is_zero()) {
                self.export_timeout = self.export_timeout.min(timeout);
            }
        }
        self.schedule_delay = millis("OTEL_BSP_SCHEDULE_DELAY").unwrap_or(self.schedule_delay);
        self.records.delay = millis("OTEL_BLRP_SCHEDULE_DELAY").unwrap_or(self.records.delay);
        let interval = millis("OTEL_METRIC_EXPORT_INTERVAL").filter(|interval| !interval.is_zero());
        self.metric_interval = interval.unwrap_or(self.metric_interval);

        let mut count = |name: &str| {
            let given = get(name)?;
            let parsed = given.parse().ok().filter(|count: &usize| *count > 0);
            if parsed.is_none() {
                problems.push(format!("{name} `{given}`: expected a number above 0"));
            }
            parsed
        };
        self.queue_size = count("OTEL_BSP_MAX_QUEUE_SIZE").unwrap_or(self.queue_size);
        self.batch_size = count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE").unwrap_or(self.batch_size);
        self.records.capacity = count("OTEL_BLRP_MAX_QUEUE_SIZE").unwrap_or(self.records.capacity);
        self.records.batch = count("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE").unwrap_or(self.records.batch);

        if let Some(name) = get("OTEL_TRACES_SAMPLER") {
            let given = get("OTEL_TRACES_SAMPLER_ARG");
            // The others have no argument, whatever is set.
            let given = given.filter(|_| name.ends_with("traceidratio"));
            let share = given.as_deref().map_or(Some(1.0), |share| share.parse().ok());
            let share = share.filter(|share| (0.0..=1.0).contains(share));
            match share.and_then(|share| Sampling::parse(&name, share)) {
                Some(sampling) => self.sampling = sampling,
                None => problems.push(format!(
                    "OTEL_TRACES_SAMPLER `{name}` with argument `{}`: expected `[parentbased_]always_on`, `..._off` or \
                     `...traceidratio` with a share from 0 to 1",
                    given.unwrap_or_default()
                )),
            }
        }

        self = self.with_filter(&get, &mut problems).with_lengths(&get, &mut problems).with_own(&get, &mut problems);
        check::fixed(&get, &mut problems);
        if let Some(given) = get("LOG_FORMAT") {
            match given.parse() {
                Ok(format) => self.log_format = format,
                Err(invalid) => problems.push(format!("LOG_FORMAT {invalid}")),
            }
        }
        self.problems.extend(problems);
        self
    }
}

impl Config {
    /// What OTLP lets one set for all signals or for one.
    fn with_signals(mut self, get: &impl Fn(&str) -> Option<String>, problems: &mut Vec<String>) -> Self {
        let protocol = |name: &str, problems: &mut Vec<String>| {
            if let Some(given) = get(name).filter(|given| given != "http/protobuf") {
                problems.push(format!("{name} `{given}`: only `http/protobuf` is supported"));
            }
        };
        let gzip = |name: &str, problems: &mut Vec<String>| match get(name)?.as_str() {
            "gzip" => Some(true),
            "none" => Some(false),
            given => {
                problems.push(format!("{name} `{given}`: expected `gzip` or `none`"));
                None
            }
        };
        protocol("OTEL_EXPORTER_OTLP_PROTOCOL", problems);
        self.gzip = gzip("OTEL_EXPORTER_OTLP_COMPRESSION", problems).unwrap_or(self.gzip);
        for signal in OtlpSignal::ALL {
            let name = |what: &str| format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.variable());
            protocol(&name("PROTOCOL"), problems);
            let common = self.headers.clone();
            let overrides = self.overrides(signal);
            overrides.gzip = gzip(&name("COMPRESSION"), problems).or(overrides.gzip);
            if let Some(given) = get(&name("HEADERS")) {
                // Those of the signal win, as later ones do.
                let own = pairs(&name("HEADERS"), &given, problems);
                let own = check::headers(&name("HEADERS"), own, problems);
                overrides.headers = Some(common.into_iter().chain(own).collect());
            }
            if let Some(given) = get(&name("TIMEOUT")) {
                match given.parse().ok().filter(|millis| *millis > 0).map(Duration::from_millis) {
                    Some(timeout) => overrides.timeout = Some(timeout),
                    None => problems.push(format!("{} `{given}`: expected whole milliseconds", name("TIMEOUT"))),
                }
            }
        }
        let name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        if let Some(given) = get(name).filter(|given| !given.eq_ignore_ascii_case("cumulative")) {
            problems.push(format!(
                "{name} `{given}`: only `cumulative` is supported, because `/metrics` reads the same instruments"
            ));
        }
        let name = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
        match get(name).as_deref() {
            None => {}
            Some("explicit_bucket_histogram") => self.buckets = Buckets::Explicit,
            Some("base2_exponential_bucket_histogram") => self.buckets = Buckets::Exponential,
            Some(given) => problems.push(format!(
                "{name} `{given}`: expected `explicit_bucket_histogram` or `base2_exponential_bucket_histogram`"
            )),
        }
        self
    }
}

fn is_http(endpoint: &str) -> bool {
    reqwest::Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}

/// `key=value,key=value` with percent-encoded values.
fn pairs(name: &str, list: &str, problems: &mut Vec<String>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for entry in list.split(',').filter(|entry| !entry.trim().is_empty()) {
        match entry.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
            Some((key, value)) if !key.is_empty() => {
                pairs.push((key.to_owned(), crate::context::percent_decode(value)));
            }
            // Not the entry itself: it may be a secret.
            _ => problems.push(format!("{name}: entry without `key=`: expected `key=value,key=value`")),
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Batching, LogFormat};
    use proptest::prelude::*;

    fn from(variables: &[(&str, &str)]) -> Config {
        Config::new("order")
            .with_variables(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_set_exports_nothing() {
        let config = from(&[]);
        assert_eq!((config.service.as_str(), config.traces_endpoint, config.metrics_endpoint), ("order", None, None));
        assert!(config.problems.is_empty());
    }

    #[test]
    fn every_variable_is_honoured() {
        let config = from(&[
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,service.version=2,team=a%20b"),
            ("OTEL_SDK_DISABLED", "TRUE"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics:9/push"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=1"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "64"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "32"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "300"),
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "16"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "8"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
            ("LOG_LEVEL", "debug"),
            ("LOG_FORMAT", "logfmt"),
        ]);
        assert_eq!(config.problems, Vec::<String>::new());
        assert_eq!((config.service.as_str(), config.version.as_str(), config.disabled), ("shop", "2", true));
        assert_eq!(config.resource, [("team".to_owned(), "a b".to_owned())]);
        assert_eq!(config.traces_endpoint.as_deref(), Some("http://collector:4318/v1/traces"));
        assert_eq!(config.metrics_endpoint.as_deref(), Some("http://metrics:9/push"));
        assert_eq!(config.headers, [("x-key".to_owned(), "1".to_owned())]);
        assert_eq!(config.export_timeout, Duration::from_secs(3));
        assert_eq!(config.sampling, Sampling::ParentOrRatio(0.25));
        assert_eq!((config.queue_size, config.batch_size), (64, 32));
        assert_eq!(config.schedule_delay, Duration::from_millis(200));
        assert_eq!(config.records, Batching { capacity: 16, batch: 8, delay: Duration::from_millis(300) });
        assert_eq!(config.metric_interval, Duration::from_secs(1));
        assert_eq!((config.log_filter.as_str(), config.log_format), ("debug", LogFormat::Logfmt));
    }

    #[test]
    fn every_mistake_is_reported_and_its_default_kept() {
        let config = from(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "7"),
            ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
            ("LOG_FORMAT", "xml"),
        ]);
        insta::assert_snapshot!(config.problems.join("\n"), @r"
        OTLP endpoint `collector:4318/v1/traces`: expected `http://host:port`; nothing is exported there
        OTLP endpoint `collector:4318/v1/metrics`: expected `http://host:port`; nothing is exported there
        OTLP endpoint `collector:4318/v1/logs`: expected `http://host:port`; nothing is exported there
        OTEL_EXPORTER_OTLP_PROTOCOL `grpc`: only `http/protobuf` is supported
        OTEL_BSP_SCHEDULE_DELAY `5s`: expected whole milliseconds
        OTEL_BSP_MAX_QUEUE_SIZE `0`: expected a number above 0
        OTEL_TRACES_SAMPLER `traceidratio` with argument `7`: expected `[parentbased_]always_on`, `..._off` or `...traceidratio` with a share from 0 to 1
        LOG_FORMAT `xml`: expected `json`, `logfmt` or `pretty`
        ");
        assert_eq!(config.sampling, Sampling::ParentOrAlways);
        assert_eq!(config.traces_endpoint, None);
    }

    #[test]
    fn one_signal_may_differ_from_the_others() {
        let config = from(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=all"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "https://logs/push"),
            ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-tenant=a,x-key=logs"),
            ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "250"),
            ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none"),
            ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram"),
        ]);
        assert_eq!(config.problems, Vec::<String>::new());
        let (traces, logs) = (config.target(OtlpSignal::Traces).unwrap(), config.target(OtlpSignal::Logs).unwrap());
        assert_eq!((traces.endpoint.as_str(), traces.gzip), ("http://c:4318/v1/traces", true));
        assert_eq!(traces.timeout, Duration::from_secs(3));
        assert_eq!((logs.endpoint.as_str(), logs.gzip), ("https://logs/push", false));
        assert_eq!((logs.headers.len(), logs.headers[2].1.as_str()), (3, "logs"));
        assert_eq!(logs.timeout, Duration::from_millis(250));
        assert_eq!(config.buckets, Buckets::Exponential);
    }

    #[test]
    fn what_one_signal_cannot_have_is_reported() {
        let config = from(&[
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "zstd"),
            ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "1s"),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
            ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "summary"),
        ]);
        insta::assert_snapshot!(config.problems.join("\n"), @r"
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL `grpc`: only `http/protobuf` is supported
        OTEL_EXPORTER_OTLP_METRICS_COMPRESSION `zstd`: expected `gzip` or `none`
        OTEL_EXPORTER_OTLP_LOGS_TIMEOUT `1s`: expected whole milliseconds
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE `delta`: only `cumulative` is supported, because `/metrics` reads the same instruments
        OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION `summary`: expected `explicit_bucket_histogram` or `base2_exponential_bucket_histogram`
        ");
    }

    #[test]
    fn exporter_none_wins_over_the_endpoint() {
        let config = from(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), ("OTEL_TRACES_EXPORTER", "none")]);
        assert_eq!(config.traces_endpoint, None);
        assert_eq!(config.metrics_endpoint.as_deref(), Some("http://c:4318/v1/metrics"));
    }

    proptest! {
        #[test]
        fn no_value_panics(value in "\\PC{0,60}") {
            let _ = Config::new("x").with_variables(|_| Some(value.clone()));
        }
    }
}
