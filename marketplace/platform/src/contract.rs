//! Hooks for contract verification: provider states and messages, served only under `CONTRACT_HOOKS=1`.
//!
//! `POST /_contract/states` with `{ "action": "setup" | "teardown", "state": ..., "params": {...} }` puts the service into
//! a state and answers an object of values, always with `internalToken`. The parameter `caller` (`id`, `username`, `email`)
//! says who calls afterwards, so that two verifications on one service need not share a person. `POST /_contract/messages` with
//! `{ "description": ..., "providerStates": [{ "name": ..., "params": {...} }] }` answers the body of an event, with its
//! headers as base64 JSON in `Pact-Message-Metadata`.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::event::{CONTENT_TYPE, Event};
use crate::extract::Json;
use crate::instrument;
use crate::token::InternalTokens;

type HookFuture<T> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + Send>>;
type Hook<T> = Arc<dyn Fn(Value) -> HookFuture<T> + Send + Sync>;

/// The caller that every hook's `internalToken` names; states create data that belongs to this person.
#[must_use]
pub fn test_caller() -> Caller {
    Caller::new("contract-caller", "contract_caller", "contract.caller@example.test")
}

/// The person that a state is about: its parameter `caller`, or else [`test_caller`].
#[must_use]
pub fn caller_of(params: &Value) -> Caller {
    Caller::deserialize(&params["caller"]).unwrap_or_else(|_| test_caller())
}

/// A service's provider states and messages.
///
/// # Examples
///
/// ```
/// use platform::{ContractHooks, Event, EventType};
///
/// #[derive(serde::Serialize)]
/// struct LampLit { room: String }
/// impl EventType for LampLit { const TYPE: &'static str = "house.lamp-lit.v1"; }
///
/// let hooks = ContractHooks::new()
///     .state("a lamp exists", |params| async move {
///         Ok(serde_json::json!({ "lampId": params["lampId"].as_str().unwrap_or("lamp-1") }))
///     })
///     .message("a lamp was lit", |_params| async move {
///         Ok(Event::new("lamp-1", &LampLit { room: "hall".into() })?)
///     });
/// assert_eq!(hooks.names(), ["a lamp exists", "a lamp was lit"]);
/// ```
#[derive(Clone, Default)]
pub struct ContractHooks {
    states: HashMap<&'static str, Hook<Value>>,
    messages: HashMap<&'static str, Hook<Event>>,
}

impl ContractHooks {
    /// No states and no messages.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a provider state; `hook` gets the state's parameters and returns an object of values.
    #[must_use]
    pub fn state<F, Fut>(mut self, name: &'static str, hook: F) -> Self
    where
        F: Fn(Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<Value>> + Send + 'static,
    {
        self.states.insert(name, Arc::new(move |params| Box::pin(hook(params))));
        self
    }

    /// Registers a message; `hook` gets the parameters of all provider states merged, and builds the event with the
    /// code that production uses.
    #[must_use]
    pub fn message<F, Fut>(mut self, description: &'static str, hook: F) -> Self
    where
        F: Fn(Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<Event>> + Send + 'static,
    {
        self.messages.insert(description, Arc::new(move |params| Box::pin(hook(params))));
        self
    }

    /// Names of the states, then of the messages, each sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let sorted = |mut names: Vec<&'static str>| {
            names.sort_unstable();
            names
        };
        let mut all = sorted(self.states.keys().copied().collect());
        all.extend(sorted(self.messages.keys().copied().collect()));
        all
    }

    pub(crate) fn router(self, service: &'static str, tokens: Option<InternalTokens>) -> Router {
        let served = Arc::new(Served { hooks: self, service, tokens });
        Router::new()
            .route("/_contract/states", post(states))
            .route("/_contract/messages", post(messages))
            .with_state(served)
    }
}

impl std::fmt::Debug for ContractHooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ContractHooks").field(&self.names()).finish()
    }
}

struct Served {
    hooks: ContractHooks,
    service: &'static str,
    tokens: Option<InternalTokens>,
}

#[derive(Deserialize)]
struct StateRequest {
    #[serde(default)]
    action: Option<String>,
    state: String,
    #[serde(default)]
    params: Value,
}

async fn states(State(served): State<Arc<Served>>, Json(request): Json<StateRequest>) -> Result<Response, ApiError> {
    let mut values = Map::new();
    if let Some(tokens) = &served.tokens {
        values.insert("internalToken".to_owned(), json!(tokens.sign(served.service, &caller_of(&request.params))?));
    }
    if request.action.as_deref() != Some("teardown") && !request.state.is_empty() {
        let hook =
            served.hooks.states.get(request.state.as_str()).ok_or_else(|| {
                ApiError::not_found("unknown_state", format!("no provider state `{}`", request.state))
            })?;
        if let Value::Object(given) = hook(request.params).await? {
            values.extend(given);
        }
    }
    Ok(Json(Value::Object(values)).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageRequest {
    description: String,
    #[serde(default)]
    provider_states: Vec<ProviderState>,
}

#[derive(Deserialize)]
struct ProviderState {
    #[serde(default)]
    params: Map<String, Value>,
}

async fn messages(
    State(served): State<Arc<Served>>,
    Json(request): Json<MessageRequest>,
) -> Result<Response, ApiError> {
    let hook = served
        .hooks
        .messages
        .get(request.description.as_str())
        .ok_or_else(|| ApiError::not_found("unknown_message", format!("no message `{}`", request.description)))?;
    let params = request.provider_states.into_iter().flat_map(|state| state.params).collect();
    let event = hook(Value::Object(params)).await?;
    let mut metadata: Map<String, Value> =
        event.headers().iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    metadata.insert("contentType".to_owned(), json!(CONTENT_TYPE));
    // As the outbox keeps them: the context in which the event was built travels in the message's headers.
    if let Ok(Value::Object(context)) = serde_json::from_str(&instrument::captured_context()) {
        metadata.extend(context);
    }
    let encoded = STANDARD.encode(Value::Object(metadata).to_string());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE)),
        (header::HeaderName::from_static("pact-message-metadata"), HeaderValue::from_str(&encoded)?),
    ];
    Ok((headers, event.body).into_response())
}
