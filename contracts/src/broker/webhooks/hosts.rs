//! Whom webhooks may reach.

use reqwest::Url;

/// Hosts that the operator allows, each with or without a port; none by default.
///
/// # Examples
///
/// ```
/// use contracts::broker::Hosts;
///
/// let hosts = Hosts::new(["ci.example", "127.0.0.1:8080"])?;
/// assert!(hosts.allow(&"https://ci.example/hook".parse().unwrap()));
/// assert!(!hosts.allow(&"http://127.0.0.1/".parse().unwrap()));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(Vec<(String, Option<u16>)>);

impl Hosts {
    /// These hosts.
    ///
    /// # Errors
    /// A sentence that names the first that is none.
    pub fn new<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let read = |text: &'a str| {
            let usage =
                || format!("`{text}` is no host: expected `ci.example` or `ci.example:8443`, without a scheme or path");
            let url: Url = format!("http://{text}/").parse().map_err(|_| usage())?;
            let plain =
                url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
            let host =
                url.host_str().filter(|_| plain && !text.contains(['/', '?', '#', '@', '*'])).ok_or_else(usage)?;
            // `host:80` is a port that was given, although it is the usual one.
            let given = text.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
            Ok((host.to_ascii_lowercase(), given.then(|| url.port_or_known_default()).flatten()))
        };
        Ok(Self(hosts.into_iter().map(read).collect::<Result<_, String>>()?))
    }

    /// Whether a request may go there.
    #[must_use]
    pub fn allow(&self, url: &Url) -> bool {
        let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else { return false };
        let host = host.to_ascii_lowercase();
        self.0
            .iter()
            .any(|(known, port)| *known == host && port.is_none_or(|port| url.port_or_known_default() == Some(port)))
    }

    /// What may be reached, in words.
    pub(in crate::broker) fn described(&self) -> String {
        if self.0.is_empty() {
            return "webhooks may reach nobody here: start the broker with `--webhook-host HOST` for whom they may"
                .to_owned();
        }
        let names: Vec<String> = self
            .0
            .iter()
            .map(|(host, port)| port.map_or_else(|| format!("`{host}`"), |port| format!("`{host}:{port}`")))
            .collect();
        format!("webhooks may reach {} here (`--webhook-host`)", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(hosts: &[&str], url: &str) -> bool {
        Hosts::new(hosts.iter().copied()).unwrap().allow(&url.parse().unwrap())
    }

    #[test]
    fn only_named_hosts_may_be_reached() {
        assert!(!Hosts::default().allow(&"http://127.0.0.1/".parse().unwrap()));
        assert!(allows(&["CI.example"], "https://ci.EXAMPLE:8443/x"));
        assert!(allows(&["[::1]:80"], "http://[::1]/"));
        for (host, url) in [
            ("ci.example", "https://ci.example.evil/"),
            ("ci.example", "https://evil.ci.example/"),
            ("ci.example", "https://ci.example@evil/"),
            ("ci.example", "ftp://ci.example/"),
            ("ci.example:443", "http://ci.example/"),
            ("127.0.0.1", "http://localhost/"),
            ("127.0.0.1:80", "http://127.0.0.1:81/"),
        ] {
            assert!(!allows(&[host], url), "{host} {url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for odd in
            ["", "https://ci.example", "ci.example/hook", "a b", "user@ci.example", "ci.example:99999", "*.example"]
        {
            assert!(Hosts::new([odd]).is_err(), "{odd}");
        }
    }
}
