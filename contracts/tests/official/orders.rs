//! A provider that honours what `python/record.py` and `node/record.mjs` expect, or all but one thing.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contracts::result::VerificationResult;
use contracts::store::Pact;
use contracts::verify::{Options, Provider, verify};
use serde_json::{Value, json};

use crate::shop::serve;

/// Number of the order, and the token of its owner, that the states tell.
const NUMBER: u32 = 4711;
const TOKEN: &str = "t-42";

/// What is wrong with the provider.
#[derive(Clone, Debug, Default)]
pub(crate) enum Flaw {
    #[default]
    Nothing,
    /// The order has this value at this member.
    Order(&'static str, Value),
    /// The header of the order's page has this value.
    Page(&'static str),
    /// A new order is answered with this status.
    Created(u16),
    /// The price list is this document.
    Prices(&'static str),
    /// The message has this value at this member.
    Message(&'static str, Value),
    /// The message's metadata has this value at this key.
    Metadata(&'static str, &'static str),
    /// The state gives no value.
    State,
}

type Shared = Arc<Mutex<Flaw>>;

/// The provider, running.
pub(crate) struct Orders {
    provider: Provider,
    flaw: Shared,
}

impl Orders {
    pub(crate) async fn start() -> Self {
        let flaw = Shared::default();
        let router = Router::new()
            .route("/orders/{number}", get(order))
            .route("/orders", post(create))
            .route("/prices", get(prices))
            .route("/states", post(states))
            .route("/messages", post(messages))
            .with_state(Arc::clone(&flaw));
        let base = format!("http://{}", serve(router).await);
        let mut provider = Provider::new("shop", base.parse().unwrap());
        provider.states_url = Some(format!("{base}/states").parse().unwrap());
        provider.messages_url = Some(format!("{base}/messages").parse().unwrap());
        Self { provider, flaw }
    }

    pub(crate) async fn verify(&self, pacts: &[Pact], flaw: Flaw) -> VerificationResult {
        *self.flaw.lock().unwrap() = flaw;
        verify(&self.provider, pacts, &Options::default(), |_| {}).await
    }
}

fn flaw(shared: &Shared) -> Flaw {
    shared.lock().unwrap().clone()
}

async fn order(
    State(shared): State<Shared>,
    Path(number): Path<u32>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    assert_eq!(query, [("full".to_owned(), "yes".to_owned())]);
    // A pact of version 2 knows neither values nor tokens.
    let owned = headers.get("authorization").is_some_and(|value| value == format!("Bearer {TOKEN}").as_str());
    if number != 7 && !(number == NUMBER && owned) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut order = json!({
        "id": number, "total": 99, "currency": "USD", "lines": [{ "title": "site" }, { "title": "logo" }],
        "rate": 2.25, "weight": 7, "open": false, "note": "was paid today", "coupon": null,
        "created": "2026-11-12T13:14:15", "day": "2026-11-12", "trace": "018f4f6e-1111-7000-8000-00000000000a",
        "tags": ["first", 12, "last"], "prices": { "USD": 1, "JPY": 2 }, "by_code": { "B2": 1, "C3": 2 },
        "unknown": true,
    });
    let mut page = "12";
    match flaw(&shared) {
        Flaw::Order(member, value) => order[member] = value,
        Flaw::Page(value) => page = value,
        _ => {}
    }
    ([("x-page", page)], Json(order)).into_response()
}

async fn create(State(shared): State<Shared>, Json(wanted): Json<Value>) -> Response {
    assert!(wanted["gig"].is_string(), "{wanted}");
    let status = if let Flaw::Created(status) = flaw(&shared) { status } else { 201 };
    (StatusCode::from_u16(status).unwrap(), Json(json!({ "id": 9 }))).into_response()
}

async fn prices(State(shared): State<Shared>) -> Response {
    // The same document as in the pacts for who compares documents, another one for who compares text.
    let right = "<?xml version=\"1.0\"?>\n<prices>\n  <price>1200</price>\n</prices>";
    let text = if let Flaw::Prices(text) = flaw(&shared) { text } else { right };
    ([(header::CONTENT_TYPE, "application/xml")], text).into_response()
}

async fn states(State(shared): State<Shared>, Json(call): Json<Value>) -> Json<Value> {
    let known = ["", "an order exists", "a paid order exists"];
    assert!(known.contains(&call["state"].as_str().unwrap()), "{call}");
    // Parameters arrive as they were written: a number is a number.
    let asked = call["params"]["number"] == json!(7) && call["params"]["owner"] == json!("ada");
    let empty = matches!(flaw(&shared), Flaw::State) || !asked;
    Json(if empty { json!({}) } else { json!({ "id": NUMBER, "token": TOKEN }) })
}

async fn messages(State(shared): State<Shared>, Json(asked): Json<Value>) -> Response {
    assert!(asked["description"].as_str().unwrap().starts_with("an order was paid in V"), "{asked}");
    assert_eq!(asked["providerStates"], json!([{ "name": "a paid order exists", "params": { "number": 7 } }]));
    let mut message = json!({ "order": 8, "total": 3 });
    let mut metadata = json!({ "type": "shop.order-paid.v1", "id": "77" });
    match flaw(&shared) {
        Flaw::Message(member, value) => message[member] = value,
        Flaw::Metadata(key, value) => metadata[key] = json!(value),
        _ => {}
    }
    let encoded = STANDARD.encode(metadata.to_string());
    ([(HeaderName::from_static("pact-message-metadata"), encoded)], Json(message)).into_response()
}
