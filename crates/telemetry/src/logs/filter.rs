//! Which lines are written: the given directives, and silence for the machinery below us.

use tracing_subscriber::filter::EnvFilter;

/// Crates whose events would only tell that telemetry is at work. Named in the directives, they speak.
const SILENT: [&str; 10] = [
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry_otlp",
    "opentelemetry_http",
    "hyper",
    "hyper_util",
    "h2",
    "reqwest",
    "tonic",
    "tower",
];

/// The directives cannot be parsed.
#[derive(Debug, Clone)]
pub(crate) struct InvalidFilter {
    pub(crate) reason: String,
}

pub(super) fn parse(directives: &str) -> Result<EnvFilter, InvalidFilter> {
    let mut all = directives.trim().to_owned();
    for target in SILENT {
        if !names(directives, target) {
            all.push_str(if all.is_empty() { "" } else { "," });
            all.push_str(target);
            all.push_str("=off");
        }
    }
    EnvFilter::builder().parse(&all).map_err(|error| InvalidFilter { reason: error.to_string() })
}

fn names(directives: &str, target: &str) -> bool {
    directives.split(',').any(|directive| {
        let rest = directive.trim().strip_prefix(target);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['=', '[', ':']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machinery_is_silent_unless_named() {
        let filter = parse("debug,hyper=info").unwrap().to_string();
        assert!(filter.contains("hyper=info") && filter.contains("reqwest=off"), "{filter}");
        assert!(!filter.contains("hyper=off"), "{filter}");
    }

    #[test]
    fn malformed_directive_is_refused() {
        assert!(parse("order=loud").is_err());
    }
}
