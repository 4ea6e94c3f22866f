//! The formats of `/metrics`, and which one a scraper gets.

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Prometheus,
    OpenMetrics,
}

/// All metrics of this process in the text format that `accept` prefers, the value of a scraper's `Accept` header, with the
/// `Content-Type` of the answer: OpenMetrics 1.0, which has exemplars, for those who ask for it, else Prometheus' 0.0.4.
///
/// Empty before [`crate::init`]. Reads the instruments anew at each call, without disturbing what is exported over OTLP.
///
/// ```
/// let (content_type, page) = telemetry::metrics::exposition(Some("application/openmetrics-text; version=1.0.0"));
/// assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
/// # let _ = page;
/// ```
#[must_use]
pub fn exposition(accept: Option<&str>) -> (&'static str, String) {
    let format = Format::preferred(accept.unwrap_or_default());
    let scrape = crate::core::core().scrape.as_ref();
    let page = scrape.map(|scrape| super::prometheus::render(&scrape.collect(), format)).unwrap_or_default();
    (format.content_type(), page)
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    fn preferred(accept: &str) -> Self {
        let (mut open, mut text) = (0.0, 0.0);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            let (mut quality, mut version) = (1.0_f32, "1.0.0");
            for (key, value) in parts.filter_map(|part| part.split_once('=')) {
                match key.trim() {
                    "q" => quality = value.trim().parse().unwrap_or(0.0),
                    "version" => version = value.trim().trim_matches('"'),
                    _ => {}
                }
            }
            match kind {
                "application/openmetrics-text" if version == "1.0.0" => open = quality.max(open),
                "text/plain" | "text/*" => text = quality.max(text),
                // Who takes anything gets what everybody understands.
                _ => {}
            }
        }
        if open > 0.0 && open >= text { Self::OpenMetrics } else { Self::Prometheus }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scraper_gets_what_it_prefers() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                          application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for (accept, expected) in [
            (prometheus, Format::OpenMetrics),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("application/openmetrics-text; version=0.0.1", Format::Prometheus),
            ("application/openmetrics-text;q=0.1, text/plain", Format::Prometheus),
            ("application/openmetrics-text;q=0", Format::Prometheus),
            ("*/*", Format::Prometheus),
            ("", Format::Prometheus),
        ] {
            assert_eq!(Format::preferred(accept), expected, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn no_accept_header_panics(accept in "\\PC{0,80}") {
            let _ = Format::preferred(&accept);
        }
    }
}
