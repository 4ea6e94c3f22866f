//! Configuration from environment variables; every mistake is reported, not only the first.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The environment of one service.
///
/// Each getter notes what is wrong and returns a harmless value, so that a service reads everything that it needs and
/// then calls [`check`](Self::check) once.
///
/// # Examples
///
/// ```
/// use platform::Env;
///
/// let env = Env::from_pairs(&[("PAYMENTS_URL", "nonsense")]);
/// let _payments = env.url("PAYMENTS_URL");
/// let _secret = env.text("JWT_SECRET");
/// let problems = env.check().unwrap_err().to_string();
/// assert!(problems.contains("PAYMENTS_URL") && problems.contains("JWT_SECRET"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Env {
    values: Arc<HashMap<String, String>>,
    problems: Arc<Mutex<Vec<String>>>,
}

/// Everything that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("configuration is not complete: ")?;
        f.write_str(&self.0.join("; "))
    }
}

impl Env {
    /// The environment of this process.
    #[must_use]
    pub fn from_process() -> Self {
        Self { values: Arc::new(std::env::vars().collect()), problems: Arc::default() }
    }

    /// An environment for tests.
    #[must_use]
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        let values = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { values: Arc::new(values), problems: Arc::default() }
    }

    /// A variable that may be absent; empty counts as absent.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        self.values.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A variable that must be there.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| self.problem(format!("`{name}` is not set")))
    }

    /// A URL with scheme and host, without a slash at its end.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        let Some(value) = self.optional(name) else {
            return self.problem(format!("`{name}` is not set: expected a URL such as `http://127.0.0.1:8080`"));
        };
        match reqwest::Url::parse(&value) {
            Ok(url) if url.has_host() => value.trim_end_matches('/').to_owned(),
            _ => self.problem(format!("`{name}` is `{value}`: expected a URL such as `http://127.0.0.1:8080`")),
        }
    }

    /// A whole number, or `default` when the variable is absent.
    #[must_use]
    pub fn number(&self, name: &str, default: u64) -> u64 {
        let Some(value) = self.optional(name) else { return default };
        value.parse().unwrap_or_else(|_| self.problem(format!("`{name}` is `{value}`: expected a whole number")))
    }

    /// A switch: `1` or `true` is on, `0`, `false` or absent is off.
    #[must_use]
    pub fn switch(&self, name: &str) -> bool {
        match self.optional(name).as_deref() {
            None | Some("0" | "false") => false,
            Some("1" | "true") => true,
            Some(value) => self.problem(format!("`{name}` is `{value}`: expected `1` or `0`")),
        }
    }

    /// An address to listen on: `host:port`; port 0 takes a free one.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<std::net::SocketAddr> {
        let expected = "expected `host:port` such as `127.0.0.1:8080`";
        let Some(value) = self.optional(name) else {
            return self.problem(format!("`{name}` is not set: {expected}"));
        };
        match value.parse() {
            Ok(address) => Some(address),
            Err(_) => self.problem(format!("`{name}` is `{value}`: {expected}")),
        }
    }

    /// Notes that something is wrong; returns a harmless value in its place.
    pub fn problem<T: Default>(&self, problem: String) -> T {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if !problems.contains(&problem) {
            problems.push(problem);
        }
        T::default()
    }

    /// Whether all that was read so far is right.
    ///
    /// # Errors
    ///
    /// Lists every mistake noted so far.
    pub fn check(&self) -> Result<(), ConfigError> {
        let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems.clone())) }
    }
}
