//! The payment provider, over HTTP; each call carries an idempotency key, so each may be repeated.

use std::time::Duration;

use platform::Backoff;
use platform::bug::{self, Bug};
use platform::outbound::{Outbound, OutboundError};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::domain::{Order, Terms};

/// Longest a single call may take.
const CALL: Duration = Duration::from_secs(2);

/// Most calls that wait for the provider at the same time.
const AT_ONCE: usize = 128;

/// Why the provider did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PaymentError {
    /// It said no; asking again would not help.
    #[error("refused by the payment provider: {code}: {message}")]
    Refused {
        /// Its word for the reason.
        code: String,
        /// Its sentence for it.
        message: String,
    },
    /// It gave no answer, or none that decides; what became of the call is not known.
    #[error("no answer from the payment provider: {0}")]
    NoAnswer(String),
}

/// A client of the payment provider.
#[derive(Debug, Clone)]
pub(crate) struct Payments {
    base: String,
    client: telemetry::http::Client,
    provider: Outbound,
    budget: Duration,
}

impl Payments {
    /// A client of the provider at `base` that gives a call up, with its retries, after `budget`.
    pub(crate) fn new(base: String, budget: Duration) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(CALL)
            .connect_timeout(Duration::from_secs(1))
            .redirect(telemetry::http::redirects())
            .build()?;
        // Its host decides what it is told: a provider in the world gets no ids of ours, one that is simulated here does.
        Ok(Self { base, client: telemetry::http::Client::new(client), provider: Outbound::new(AT_ONCE), budget })
    }

    /// Creates the intent that will pay the order `terms.order_id`; returns the intent's id and its client secret.
    pub(crate) async fn create_intent(
        &self,
        order_id: &str,
        amount: i64,
        currency: &str,
        method: Option<&str>,
    ) -> Result<(String, String), PaymentError> {
        let mut body = json!({ "amount": amount, "currency": currency, "metadata": { "order_id": order_id } });
        if let Some(method) = method {
            body["payment_method"] = json!(method);
        }
        let key = |_| format!("intent-{order_id}");
        let intent = self.call("/v1/payment_intents", "/v1/payment_intents", key, &body).await?;
        match (intent["id"].as_str(), intent["client_secret"].as_str()) {
            (Some(id), Some(secret)) => Ok((id.to_owned(), secret.to_owned())),
            _ => Err(PaymentError::NoAnswer("an intent without `id` or `client_secret`".to_owned())),
        }
    }

    /// Takes the money for an order.
    pub(crate) async fn capture(&self, terms: &Terms) -> Result<(), PaymentError> {
        let path = format!("/v1/payment_intents/{}/capture", terms.payment_intent_id);
        let key = |attempt| {
            if bug::active(Bug::DoubleCapture) {
                format!("capture-{}-{attempt}", terms.order_id)
            } else {
                format!("capture-{}", terms.order_id)
            }
        };
        self.call(&path, "/v1/payment_intents/{id}/capture", key, &json!({})).await.map(drop)
    }

    /// Gives an intent up; refused when it was captured.
    pub(crate) async fn cancel(&self, terms: &Terms) -> Result<(), PaymentError> {
        let path = format!("/v1/payment_intents/{}/cancel", terms.payment_intent_id);
        let key = |_| format!("void-{}", terms.order_id);
        self.call(&path, "/v1/payment_intents/{id}/cancel", key, &json!({})).await.map(drop)
    }

    /// Gives all the money of an order back.
    pub(crate) async fn refund(&self, order: &Order) -> Result<(), PaymentError> {
        let terms = &order.terms;
        let body = json!({ "payment_intent": terms.payment_intent_id, "amount": order.total() });
        let key = |_| format!("refund-{}", terms.order_id);
        self.call("/v1/refunds", "/v1/refunds", key, &body).await.map(drop)
    }

    /// Pays a completed order out to its seller, and the fee to the marketplace.
    pub(crate) async fn payout(&self, order: &Order) -> Result<(), PaymentError> {
        let terms = &order.terms;
        let body = json!({
            "payment_intent": terms.payment_intent_id,
            "amount": terms.amount,
            "fee": terms.fee,
            "destination": terms.seller_id,
        });
        let key = |_| format!("payout-{}", terms.order_id);
        self.call("/v1/payouts", "/v1/payouts", key, &body).await.map(drop)
    }

    /// One call, repeated under its key as long as no answer decides and the budget lasts.
    async fn call(
        &self,
        path: &str,
        route: &'static str,
        key: impl Fn(u32) -> String,
        body: &Value,
    ) -> Result<Value, PaymentError> {
        let deadline = Instant::now() + self.budget;
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        loop {
            let key = key(backoff.attempt());
            let error = match self.once(path, route, &key, body, deadline).await {
                Err(PaymentError::NoAnswer(reason)) => reason,
                decided => return decided,
            };
            let wait = backoff.next_wait();
            if Instant::now() + wait >= deadline {
                return Err(PaymentError::NoAnswer(error));
            }
            tracing::warn!(
                path,
                attempt = backoff.attempt(),
                wait_ms = wait.as_millis() as u64,
                error,
                "payment call not answered, will try again"
            );
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(
        &self,
        path: &str,
        route: &'static str,
        key: &str,
        body: &Value,
        deadline: Instant,
    ) -> Result<Value, PaymentError> {
        let request = self
            .client
            .request(Method::POST, format!("{}{path}", self.base))
            .route(route)
            .header("idempotency-key", key)
            .timeout(CALL.min(deadline.saturating_duration_since(Instant::now())))
            .json(body);
        let (status, answer) = self.provider.send(request).await.map_err(|error| {
            PaymentError::NoAnswer(match error {
                // Ids of payments stand in the addresses.
                OutboundError::TimedOut(error) | OutboundError::Unreachable(error) => error.without_url().to_string(),
                error => error.to_string(),
            })
        })?;
        let answer: Value = serde_json::from_slice(&answer)
            .map_err(|error| PaymentError::NoAnswer(format!("status {status} with a body that is no JSON: {error}")))?;
        if status.is_success() {
            return Ok(answer);
        }
        let text = |name: &str| answer["error"][name].as_str().unwrap_or_default().to_owned();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(PaymentError::NoAnswer(format!("status {status}: {}", text("message"))));
        }
        Err(PaymentError::Refused { code: text("code"), message: text("message") })
    }
}
