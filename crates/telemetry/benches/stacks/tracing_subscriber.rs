//! The JSON lines of tracing-subscriber.

use super::{Subject, lines};

/// As it comes: fields nested, the current span and the list of all of them.
pub(super) fn json(_endpoint: Option<&str>) -> Subject {
    tracing_subscriber::fmt().json().with_env_filter("info").init();
    lines::subject(lines::write, || Ok(()))
}

/// Made easier to query: fields at the top, each span once.
pub(super) fn json_flat(_endpoint: Option<&str>) -> Subject {
    tracing_subscriber::fmt().json().flatten_event(true).with_current_span(false).with_env_filter("info").init();
    lines::subject(lines::write, || Ok(()))
}
