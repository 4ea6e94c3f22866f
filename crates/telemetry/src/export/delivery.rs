//! One attempt to hand a request to the collector.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use reqwest::blocking::{self, Response};
use reqwest::redirect;

use super::answer::excerpt;
use crate::init::InitError;
use crate::settings::OtlpTarget;

/// Most bytes of an answer that are read: what matters of it is a number and a sentence.
const LONGEST_ANSWER: u64 = 64 << 10;

/// No collector can ask for a longer wait than this.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The HTTP client of all signals, made by the first export thread that needs it: that is a plain thread, where a blocking
/// client may be made, and loading certificates does not delay the start of the service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client(Arc<OnceLock<Result<blocking::Client, String>>>);

/// Where and how one signal is delivered.
#[derive(Debug)]
pub(super) struct Delivery {
    client: Client,
    endpoint: reqwest::Url,
    headers: HeaderMap,
    timeout: Duration,
    gzip: bool,
}

/// Why an attempt failed, and whether another may help.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) reason: String,
    pub(super) retry: Retry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// The same request would fail again.
    Never,
    /// In smaller parts.
    Smaller,
    /// After a time of our choice.
    Later,
    /// After the time the collector asked for.
    After(Duration),
}

impl Client {
    fn get(&self) -> Result<&blocking::Client, Failure> {
        let made = self.0.get_or_init(|| {
            let builder = blocking::Client::builder().redirect(redirect::Policy::none()).referer(false);
            builder.user_agent(concat!("shakedown-telemetry/", env!("CARGO_PKG_VERSION"))).build().map_err(reason)
        });
        made.as_ref().map_err(|reason| Failure { reason: reason.clone(), retry: Retry::Never })
    }
}

impl Delivery {
    /// # Errors
    ///
    /// When the endpoint is no URL or a header cannot be sent.
    pub(super) fn new(client: Client, target: &OtlpTarget) -> Result<Self, InitError> {
        let failed = |reason: String| InitError::Exporter { endpoint: target.endpoint.clone(), reason };
        let endpoint = target.endpoint.parse().map_err(|error| failed(format!("{error}")))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &target.headers {
            // Never the value: it may be a secret.
            let malformed = || failed(format!("header `{name}`: expected a name and a value that HTTP allows"));
            let name = HeaderName::try_from(name.as_str()).map_err(|_| malformed())?;
            let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| malformed())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if target.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(Self { client, endpoint, headers, timeout: target.timeout, gzip: target.gzip })
    }

    /// The body as it is sent.
    pub(super) fn pack(&self, message: &Bytes) -> Bytes {
        if !self.gzip {
            return message.clone();
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(message.len() / 4), Compression::fast());
        // Writing to memory does not fail.
        let _ = encoder.write_all(message);
        encoder.finish().unwrap_or_default().into()
    }

    /// Sends `body` and gives the answer's body; takes its own time limit or `left`, whichever is shorter.
    pub(super) fn attempt(&self, body: &Bytes, left: Option<Duration>) -> Result<Vec<u8>, Failure> {
        let timeout = left.map_or(self.timeout, |left| left.min(self.timeout));
        let until = Instant::now() + timeout;
        let request = self.client.get()?.post(self.endpoint.clone()).headers(self.headers.clone());
        let sent = request.timeout(timeout).body(body.clone()).send();
        let response = sent.map_err(|error| {
            let retry = if error.is_builder() { Retry::Never } else { Retry::Later };
            Failure { reason: reason(error), retry }
        })?;
        let status = response.status();
        let wait = retry_after(response.headers());
        let answer = read(response, until);
        if status.is_success() {
            // A collector that says it took the request, and then stumbles over its own answer, took the request.
            return Ok(answer);
        }
        let retry = match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => wait.map_or(Retry::Later, Retry::After),
            StatusCode::PAYLOAD_TOO_LARGE => Retry::Smaller,
            _ => Retry::Never,
        };
        Err(Failure { reason: refusal(status, &answer), retry })
    }
}

/// At most [`LONGEST_ANSWER`], and nothing after `until`.
fn read(response: Response, until: Instant) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    let mut body = response.take(LONGEST_ANSWER);
    while Instant::now() < until {
        match body.read(&mut part) {
            Ok(0) | Err(_) => break,
            Ok(read) => answer.extend_from_slice(&part[..read]),
        }
    }
    answer
}

/// Collectors answer errors with a protobuf `Status`; some send text, and only that is worth showing.
fn refusal(status: StatusCode, answer: &[u8]) -> String {
    match std::str::from_utf8(answer) {
        Ok(text) if !text.trim().is_empty() && !text.contains(|c: char| c.is_control() && !c.is_whitespace()) => {
            format!("{status}: {}", excerpt(text))
        }
        _ => status.to_string(),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let given = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match given.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(given).ok()?.duration_since(SystemTime::now()).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_WAIT))
}

/// The whole chain: the first link alone says only that a request was not sent. Without the URL, which may hold a token.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason.push_str(": ");
        reason.push_str(&cause.to_string());
        source = cause.source();
    }
    excerpt(&reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(retry_after: &str) -> HeaderMap {
        let value = HeaderValue::from_str(retry_after).unwrap_or(HeaderValue::from_static(""));
        HeaderMap::from_iter([(RETRY_AFTER, value)])
    }

    #[test]
    fn retry_after_is_read_in_seconds_or_as_a_date_and_bounded() {
        assert_eq!(retry_after(&headers("2")), Some(Duration::from_secs(2)));
        assert_eq!(retry_after(&headers("86400")), Some(LONGEST_WAIT));
        assert_eq!(retry_after(&headers("Wed, 21 Oct 2015 07:28:00 GMT")), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers("soon")), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn malformed_header_is_refused_without_its_value() {
        let target = OtlpTarget {
            endpoint: "http://collector:4318/v1/traces".into(),
            headers: vec![("api key".into(), "s3cret".into())],
            timeout: Duration::from_secs(1),
            gzip: false,
        };
        let error = Delivery::new(Client::default(), &target).unwrap_err().to_string();
        assert_eq!(
            error,
            "OTLP exporter for `http://collector:4318/v1/traces`: header `api key`: expected a name and a value that HTTP \
             allows"
        );
    }

    #[test]
    fn only_text_of_a_refusal_is_shown() {
        assert_eq!(refusal(StatusCode::BAD_REQUEST, b" no such tenant\n"), "400 Bad Request: no such tenant");
        assert_eq!(refusal(StatusCode::BAD_REQUEST, b"\x08\x03\x12\x01x"), "400 Bad Request");
    }

    proptest! {
        #[test]
        fn no_retry_after_panics(value in "[ -~]{0,40}") {
            let wait = retry_after(&headers(&value));
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST_WAIT));
        }
    }
}
