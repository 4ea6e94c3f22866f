//! What the environment asks for that cannot be had: it is told, and the default stays.

use http::{HeaderName, HeaderValue};

use super::{Config, OtlpSignal};

/// Most attributes, events and links of a span.
const SPAN_LIMIT: &str = "128";

const SPAN_LIMITS: [&str; 6] = [
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
];

/// Headers that HTTP allows; of the others only the name is told, since the value may be a secret.
pub(super) fn headers(
    variable: &str,
    given: Vec<(String, String)>,
    problems: &mut Vec<String>,
) -> Vec<(String, String)> {
    let allowed = |(name, value): &(String, String)| {
        let allowed = HeaderName::try_from(name.as_str()).is_ok() && HeaderValue::try_from(value.as_str()).is_ok();
        if !allowed {
            problems.push(format!("{variable}: header `{name}`: expected a name and a value that HTTP allows"));
        }
        allowed
    };
    given.into_iter().filter(allowed).collect()
}

impl Config {
    pub(super) fn with_exporters(mut self, get: &impl Fn(&str) -> Option<String>, problems: &mut Vec<String>) -> Self {
        for signal in OtlpSignal::ALL {
            let name = format!("OTEL_{}_EXPORTER", signal.variable());
            match get(&name).as_deref() {
                None | Some("otlp") => {}
                // `/metrics` can always be scraped.
                Some("prometheus") if signal == OtlpSignal::Metrics => {}
                Some("none") => match signal {
                    OtlpSignal::Traces => self.traces_endpoint = None,
                    OtlpSignal::Metrics => self.metrics_endpoint = None,
                    OtlpSignal::Logs => self.logs_endpoint = None,
                },
                Some(given) => problems.push(format!("{name} `{given}`: expected `otlp` or `none`")),
            }
        }
        self
    }

    pub(super) fn with_filter(mut self, get: &impl Fn(&str) -> Option<String>, problems: &mut Vec<String>) -> Self {
        let given = ["RUST_LOG", "LOG_LEVEL"].into_iter().find_map(|name| Some((name, get(name)?)));
        if let Some((name, given)) = given {
            match crate::logs::check_filter(&given) {
                Ok(()) => self.log_filter = given,
                Err(invalid) => problems.push(format!(
                    "{name} `{given}`: {}; expected directives such as `info,order=debug`",
                    invalid.reason
                )),
            }
        }
        self
    }

    pub(super) fn with_lengths(mut self, get: &impl Fn(&str) -> Option<String>, problems: &mut Vec<String>) -> Self {
        // That of spans wins.
        for name in ["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"] {
            if let Some(given) = get(name) {
                match given.parse() {
                    Ok(length) => self.value_length = Some(length),
                    Err(_) => problems.push(format!("{name} `{given}`: expected a number of characters")),
                }
            }
        }
        self
    }
}

/// What cannot be chosen.
pub(super) fn fixed(get: &impl Fn(&str) -> Option<String>, problems: &mut Vec<String>) {
    if let Some(given) = get("OTEL_PROPAGATORS") {
        let known = ["tracecontext", "baggage"];
        if given.split(',').any(|one| !known.contains(&one.trim())) {
            problems.push(format!("OTEL_PROPAGATORS `{given}`: only `tracecontext,baggage` is supported"));
        }
    }
    if let Some(given) = get("OTEL_METRICS_EXEMPLAR_FILTER").filter(|given| given != "trace_based") {
        problems.push(format!("OTEL_METRICS_EXEMPLAR_FILTER `{given}`: only `trace_based` is supported"));
    }
    for name in SPAN_LIMITS {
        if let Some(given) = get(name).filter(|given| given != SPAN_LIMIT) {
            problems.push(format!("{name} `{given}`: only `{SPAN_LIMIT}` is supported"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::{Config, Sampling};

    #[test]
    fn what_cannot_be_had_is_told_and_the_default_stays() {
        let variables = [
            ("RUST_LOG", "info,=,=debug=x"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api key=s3cret,x-ok=1"),
            ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-bad=a%0Ab"),
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_METRICS_EXPORTER", "prometheus"),
            ("OTEL_PROPAGATORS", "tracecontext,b3"),
            ("OTEL_METRICS_EXEMPLAR_FILTER", "always_on"),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", "10"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "128"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "many"),
            ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"),
            ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
            ("OTEL_TRACES_SAMPLER_ARG", "?"),
        ];
        let config = Config::new("order").with_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        });
        let named = |name: &str| config.problems.iter().filter(|problem| problem.starts_with(name)).count();
        for (name, _) in variables {
            let expected =
                !["OTEL_METRICS_EXPORTER", "OTEL_SPAN_LINK_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"]
                    .contains(&name)
                    && !name.starts_with("OTEL_TRACES_SAMPLER");
            assert_eq!(named(name), usize::from(expected), "{name}: {:#?}", config.problems);
        }
        assert!(!config.problems.join("").contains("s3cret"));
        assert_eq!((config.log_filter.as_str(), config.value_length), ("info", Some(100)));
        assert_eq!(config.headers, [("x-ok".to_owned(), "1".to_owned())]);
        assert_eq!(config.sampling, Sampling::ParentOrNever);
    }
}
