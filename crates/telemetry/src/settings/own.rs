//! Environment variables for what OpenTelemetry's specification has none.

use super::Config;

impl Config {
    pub(super) fn with_own(mut self, get: &impl Fn(&str) -> Option<String>, problems: &mut Vec<String>) -> Self {
        let mut switch = |name: &str| match get(name)? {
            given if given.eq_ignore_ascii_case("true") => Some(true),
            given if given.eq_ignore_ascii_case("false") => Some(false),
            given => {
                problems.push(format!("{name} `{given}`: expected `true` or `false`"));
                None
            }
        };
        self.keep_failed = switch("TELEMETRY_KEEP_FAILED").unwrap_or(self.keep_failed);
        self.access_log = switch("TELEMETRY_ACCESS_LOG").unwrap_or(self.access_log);
        if let Some(given) = get("TELEMETRY_SAMPLING_CAP") {
            match given.parse() {
                Ok(cap) => self.sampling_cap = Some(cap),
                Err(_) => {
                    problems.push(format!(
                        "TELEMETRY_SAMPLING_CAP `{given}`: expected a whole number of traces per second"
                    ));
                }
            }
        }
        if let Some(given) = get("TELEMETRY_INTERNAL_HOSTS") {
            let (hosts, others): (Vec<&str>, Vec<&str>) =
                given.split(',').map(str::trim).filter(|host| !host.is_empty()).partition(|host| is_host(host));
            for other in others {
                problems.push(format!(
                    "TELEMETRY_INTERNAL_HOSTS `{other}`: expected names or addresses such as `shop.example`"
                ));
            }
            self = self.internal_hosts(hosts);
        }
        self
    }
}

/// A name or an address without scheme, port or path, which would match nothing.
fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text).trim_start_matches('.');
    // Other letters are compared as URLs hold them: `xn--...`.
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    is_name || text.trim_start_matches('[').trim_end_matches(']').parse::<std::net::Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use crate::settings::Config;

    fn from(variables: &[(&str, &str)]) -> Config {
        Config::new("order")
            .with_variables(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn every_variable_of_our_own_is_honoured() {
        let config = from(&[
            ("TELEMETRY_SAMPLING_CAP", "100"),
            ("TELEMETRY_KEEP_FAILED", "false"),
            ("TELEMETRY_INTERNAL_HOSTS", "*.Shop.example, 203.0.113.7,,"),
            ("TELEMETRY_ACCESS_LOG", "FALSE"),
        ]);
        assert_eq!(config.problems, Vec::<String>::new());
        assert_eq!((config.sampling_cap, config.keep_failed, config.access_log), (Some(100), false, false));
        assert_eq!(config.internal_hosts, ["shop.example", "203.0.113.7"]);
        let unset = from(&[("TELEMETRY_ACCESS_LOG", " ")]);
        assert_eq!((unset.sampling_cap, unset.keep_failed, unset.access_log), (None, true, true));
    }

    #[test]
    fn mistakes_in_our_own_are_told_and_the_default_stays() {
        let config = from(&[
            ("TELEMETRY_SAMPLING_CAP", "-1"),
            ("TELEMETRY_KEEP_FAILED", "1"),
            ("TELEMETRY_INTERNAL_HOSTS", "shop.example,http://x:80/,bücher.example"),
            ("TELEMETRY_ACCESS_LOG", "off"),
        ]);
        insta::assert_snapshot!(config.problems.join("\n"), @r"
        TELEMETRY_KEEP_FAILED `1`: expected `true` or `false`
        TELEMETRY_ACCESS_LOG `off`: expected `true` or `false`
        TELEMETRY_SAMPLING_CAP `-1`: expected a whole number of traces per second
        TELEMETRY_INTERNAL_HOSTS `http://x:80/`: expected names or addresses such as `shop.example`
        TELEMETRY_INTERNAL_HOSTS `bücher.example`: expected names or addresses such as `shop.example`
        ");
        assert_eq!((config.sampling_cap, config.keep_failed, config.access_log), (None, true, true));
        assert_eq!(config.internal_hosts, ["shop.example"]);
    }

    #[test]
    fn signal_can_be_left_out_of_what_was_set_for_all() {
        let config = || Config::new("order").otlp_endpoint("http://c:4318");
        let set = |config: &Config| {
            [&config.traces_endpoint, &config.metrics_endpoint, &config.logs_endpoint].map(Option::is_some)
        };
        assert_eq!(set(&config().clear_traces_endpoint()), [false, true, true]);
        assert_eq!(set(&config().clear_metrics_endpoint()), [true, false, true]);
        assert_eq!(set(&config().clear_logs_endpoint()), [true, true, false]);
    }
}
