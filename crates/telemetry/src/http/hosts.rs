//! Which hosts are ours: only they are told correlation ids and baggage.

use std::net::IpAddr;

use reqwest::Url;
use reqwest::redirect::Policy;

use crate::core::core;

/// Names that the public DNS does not have: private zones, and those of clusters.
const ZONES: [&str; 5] = ["localhost", "local", "internal", "svc", "cluster.local"];

/// As many as reqwest itself follows.
const MAX_REDIRECTS: usize = 10;

/// A redirect policy that keeps correlation ids and baggage at home: for the [`reqwest::Client`] given to
/// [`Client::new`](super::Client::new).
///
/// reqwest sends the headers of a call along wherever it is redirected, `authorization` and cookies excepted. With this
/// policy a redirect of an internal host to a foreign one is not followed: it is returned as the response, for the
/// caller to follow or not. All others are followed, ten times at most.
///
/// # Examples
///
/// ```
/// # fn client() -> Result<telemetry::http::Client, reqwest::Error> {
/// let client = reqwest::Client::builder().redirect(telemetry::http::redirects()).build()?;
/// let client = telemetry::http::Client::new(client);
/// # Ok(client) }
/// ```
#[must_use]
pub fn redirects() -> Policy {
    let limited = Policy::limited(MAX_REDIRECTS);
    Policy::custom(move |attempt| {
        let at_home = attempt.previous().first().is_none_or(is_internal);
        if at_home && !is_internal(attempt.url()) { attempt.stop() } else { limited.redirect(attempt) }
    })
}

/// Whether the host of `url` is ours.
pub(super) fn is_internal(url: &Url) -> bool {
    url.host_str().is_some_and(|host| is_internal_host(host, &core().internal_hosts))
}

fn is_internal_host(host: &str, ours: &[String]) -> bool {
    let host = plain(host);
    if let Ok(address) = host.parse::<IpAddr>() {
        return is_internal_address(address) || ours.iter().any(|known| known == host);
    }
    let single_label = !host.is_empty() && !host.contains('.');
    single_label || ZONES.iter().any(|zone| is_within(host, zone)) || ours.iter().any(|known| is_within(host, known))
}

fn is_internal_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified(),
    }
}

/// Whether `host` is `zone` or a name below it.
fn is_within(host: &str, zone: &str) -> bool {
    !zone.is_empty() && host.strip_suffix(zone).is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

/// A host as URLs write it without the brackets of IPv6 and the dot of a full name.
fn plain(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// `host` of [`crate::Config::internal_hosts`] as it is compared.
pub(crate) fn normalised(host: &str) -> String {
    let host = host.trim();
    plain(host.strip_prefix("*.").unwrap_or(host).trim_start_matches('.')).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn internal(url: &str, ours: &[&str]) -> bool {
        let ours: Vec<String> = ours.iter().map(|host| normalised(host)).collect();
        Url::parse(url).unwrap().host_str().is_some_and(|host| is_internal_host(host, &ours))
    }

    #[test]
    fn private_addresses_and_names_are_internal() {
        for host in [
            "127.0.0.1",
            "127.8.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "[::1]",
            "[fd00::1]",
            "[fe80::1]",
            "[::ffff:10.0.0.1]",
            "localhost",
            "gig",
            "GIG",
            "gig.",
            "gig.default.svc",
            "api.localhost",
            "gig.default.svc.cluster.local",
            "printer.local",
            "host.docker.internal",
            "gig.internal.",
        ] {
            assert!(internal(&format!("http://{host}:8080/gigs"), &[]), "{host}");
        }
    }

    #[test]
    fn the_rest_of_the_world_is_foreign() {
        for host in [
            "example.com",
            "gig.example.com",
            "8.8.8.8",
            "172.32.0.1",
            "[2001:db8::1]",
            "[::ffff:8.8.8.8]",
            "notlocal.com",
            "local.example.com",
            "svc.io",
            "thelocal.se",
            "mylocal.evil-internal",
        ] {
            assert!(!internal(&format!("http://{host}/"), &[]), "{host}");
        }
        assert!(!internal("data:text/plain,hello", &[]));
    }

    #[test]
    fn named_hosts_are_internal_with_all_names_below_them() {
        let ours = ["Example.com.", "*.shop.test", ".corp.test", "203.0.113.7", "[2001:db8::1]", ""];
        for host in ["example.com", "gig.example.com", "a.shop.test", "corp.test", "203.0.113.7", "[2001:db8::1]"] {
            assert!(internal(&format!("https://{host}/"), &ours), "{host}");
        }
        for host in ["badexample.com", "example.com.evil.net", "203.0.113.70", "1.203.0.113", "other.net"] {
            assert!(!internal(&format!("https://{host}/"), &ours), "{host}");
        }
    }
}
