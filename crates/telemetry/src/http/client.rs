//! The client side: reqwest with a CLIENT span, propagation and measurements per call.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use opentelemetry::Context;
use opentelemetry::context::FutureExt;
use reqwest::IntoUrl;
use serde::Serialize;

use super::answer::observed;
use super::call::Call;
use super::hosts;
use crate::context::MessageContext;

/// A [`reqwest::Client`] whose calls are observed: a CLIENT span, the propagation headers, `http.client.*` metrics, and a
/// WARN line when a call is slow.
///
/// # Examples
///
/// ```no_run
/// # async fn call() -> Result<(), reqwest::Error> {
/// let client = telemetry::http::Client::new(reqwest::Client::new());
/// let gig = client.get("http://gig:8080/gigs/42").route("/gigs/{id}").send().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    slow: Option<Duration>,
    internal: Option<bool>,
}

/// One call being prepared: [`reqwest::RequestBuilder`] and what telemetry should know about it.
#[derive(Debug)]
#[must_use = "a call does nothing until it is sent"]
pub struct RequestBuilder {
    inner: reqwest::RequestBuilder,
    slow: Option<Duration>,
    internal: Option<bool>,
    route: Option<Cow<'static, str>>,
}

// === impl Client ===

impl Client {
    /// Observes the calls of `inner`; its time limits and connection pool stay in force.
    ///
    /// So does its redirect policy, which cannot be changed any more: reqwest's own sends the correlation id and baggage
    /// of a call along to whatever host it is redirected to. Build `inner` with [`redirects`](super::redirects), or with
    /// none, unless every host it calls is trusted with that.
    #[must_use]
    pub fn new(inner: reqwest::Client) -> Self {
        Self { inner, slow: None, internal: None }
    }

    /// Calls that take this long get a WARN line (default: `Config::slow_client`, 1 s).
    #[must_use]
    pub fn slow(mut self, threshold: Duration) -> Self {
        self.slow = Some(threshold);
        self
    }

    /// All hosts are somebody else's: trace context is still sent, baggage and the correlation id are not.
    ///
    /// Unless told so or the opposite, each call looks at its host: see [`Config::internal_hosts`].
    ///
    /// [`Config::internal_hosts`]: crate::Config::internal_hosts
    #[must_use]
    pub fn external(mut self) -> Self {
        self.internal = Some(false);
        self
    }

    /// All hosts are ours, whatever they are called: they are sent baggage and the correlation id.
    #[must_use]
    pub fn internal(mut self) -> Self {
        self.internal = Some(true);
        self
    }

    /// The client underneath, for calls that must not be observed.
    #[must_use]
    pub fn inner(&self) -> &reqwest::Client {
        &self.inner
    }

    /// Prepares a call.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        self.wrap(self.inner.request(method, url))
    }

    /// Prepares a GET.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Prepares a POST.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Prepares a PUT.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Prepares a PATCH.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// Prepares a DELETE.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Sends a call that was prepared with reqwest itself.
    ///
    /// # Errors
    ///
    /// As [`RequestBuilder::send`].
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, reqwest::Error> {
        self.wrap(request).send().await
    }

    /// Adds observation to a call that was prepared with reqwest itself.
    pub fn wrap(&self, request: reqwest::RequestBuilder) -> RequestBuilder {
        RequestBuilder { inner: request, slow: self.slow, internal: self.internal, route: None }
    }
}

// === impl RequestBuilder ===

impl RequestBuilder {
    /// The path template of this call (`/gigs/{id}`): names the span and becomes `url.template`. Never a real path.
    pub fn route(mut self, template: impl Into<Cow<'static, str>>) -> Self {
        self.route = Some(template.into());
        self
    }

    /// Adds a header.
    pub fn header<K, V>(self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K>,
        <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.map(|inner| inner.header(name, value))
    }

    /// Adds headers, replacing those of the same name.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.map(|inner| inner.headers(headers))
    }

    /// Adds `Authorization: Bearer`.
    pub fn bearer_auth(self, token: impl std::fmt::Display) -> Self {
        self.map(|inner| inner.bearer_auth(token))
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        self.map(|inner| inner.body(body))
    }

    /// Sets a JSON body and its content type.
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        self.map(|inner| inner.json(body))
    }

    /// Adds query parameters.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.map(|inner| inner.query(query))
    }

    /// Time limit of this call, from connecting to the last byte of the body.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.map(|inner| inner.timeout(timeout))
    }

    /// Anything else that reqwest's own builder offers.
    pub fn map(mut self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        self.inner = change(self.inner);
        self
    }

    /// Sends the call. Its span ends, and its duration is recorded, when the body of the response has been read, breaks or
    /// is dropped: unread it is no failure, half read it is `cancelled`.
    ///
    /// # Errors
    ///
    /// Whatever reqwest returns: the request could not be built, connecting failed, or time ran out. A response with a
    /// failure status is no error here, but it is one in the span and the metrics.
    pub async fn send(self) -> Result<reqwest::Response, reqwest::Error> {
        let (client, request) = self.inner.build_split();
        let mut request = request?;
        let mut work = Call::start(&request, self.route, self.slow);
        let internal = self.internal.unwrap_or_else(|| hosts::is_internal(request.url()));
        inject(request.headers_mut(), &work.context, internal);
        match client.execute(request).with_context(work.context.clone()).await {
            Ok(response) => {
                let after = work.elapsed();
                work.report.answered(&response, after);
                Ok(observed(response, work))
            }
            Err(error) => {
                let failure = work.report.failed(&error);
                work.finish(failure);
                Err(error)
            }
        }
    }
}

/// Writes the propagation headers, replacing any of the same name; those of trace context only unless `internal`.
fn inject(headers: &mut HeaderMap, context: &Context, internal: bool) {
    for (name, value) in MessageContext::from_context(context).headers() {
        if !internal && !name.starts_with("trace") {
            continue;
        }
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
