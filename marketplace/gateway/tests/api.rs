//! The gateway over its real routes, in front of stand-ins that record what they are asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use platform::Caller;
use platform::testing::{Answer, TestApp};
use platform::token::InternalTokens;
use serde_json::{Value, json};

const SECRET: &str = "internal secret of the tests, long enough";

/// One request as a stand-in saw it.
#[derive(Clone, Debug)]
struct Seen {
    caller: Option<Caller>,
    key: Option<String>,
    body: Value,
}

/// Statuses and bodies, answered one after the other; the last one stays.
type Script = Vec<(u16, Value)>;

#[derive(Clone, Default)]
struct StandIn {
    name: &'static str,
    answers: Arc<Mutex<HashMap<String, Script>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl StandIn {
    /// Serves on a free port; the URL.
    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    /// Answers `route` with these, one after the other; the last one stays.
    fn answers(&self, route: &str, answers: Script) {
        self.answers.lock().unwrap().insert(route.to_owned(), answers);
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(
    State(stand_in): State<StandIn>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let route = format!("{method} {uri}");
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let token = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let tokens = InternalTokens::new(SECRET);
    stand_in.seen.lock().unwrap().push(Seen {
        caller: token.and_then(|token| tokens.verify(token, stand_in.name).ok()),
        key: text("idempotency-key").map(str::to_owned),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    });
    let mut answers = stand_in.answers.lock().unwrap();
    let Some(list) = answers.get_mut(&route) else {
        return StatusCode::NOT_IMPLEMENTED.into_response();
    };
    let (status, body) = if list.len() > 1 { list.remove(0) } else { list[0].clone() };
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

struct System {
    gateway: TestApp,
    services: HashMap<&'static str, StandIn>,
}

impl System {
    async fn start(variables: &[(&str, &str)]) -> Self {
        let mut services = HashMap::new();
        let mut urls = Vec::new();
        for (name, variable) in [
            ("auth", "AUTH_URL"),
            ("users", "USERS_URL"),
            ("gig", "GIG_URL"),
            ("chat", "CHAT_URL"),
            ("order", "ORDER_URL"),
            ("review", "REVIEW_URL"),
        ] {
            let stand_in = StandIn { name, ..StandIn::default() };
            urls.push((variable, stand_in.serve().await));
            services.insert(name, stand_in);
        }
        let mut all: Vec<(&str, &str)> = urls.iter().map(|(name, url)| (*name, url.as_str())).collect();
        all.push(("JWT_SECRET", "a user secret of at least 32 characters"));
        all.push(("INTERNAL_TOKEN_SECRET", SECRET));
        all.extend(variables);
        let gateway = TestApp::start("gateway", &all, gateway::app).await.unwrap();
        Self { gateway, services }
    }

    fn service(&self, name: &str) -> &StandIn {
        &self.services[name]
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", "key-1")];
        let headers = if token.is_empty() { &headers[1..] } else { &headers[..] };
        let path = format!("/api/v1/gateway{path}");
        self.gateway.call(method, &path, None, headers, body).await
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, token, None).await
    }

    /// A token of `ada`.
    async fn ada(&self) -> String {
        self.service("auth").answers("POST /api/v1/auth/signin", vec![(200, user())]);
        let body = json!({ "username": "ada", "password": "Secr3t-pass" });
        let answer = self.call(Method::POST, "/auth/signin", "", Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["token"].as_str().unwrap().to_owned()
    }
}

fn user() -> Value {
    json!({ "user": { "id": "u-ada", "username": "ada", "email": "ada@example.test",
                      "emailVerified": false, "createdAt": "2026-01-01T00:00:00Z" } })
}

fn gig(seller: &str) -> Value {
    json!({ "gig": {
        "id": "g-1", "sellerId": seller, "sellerUsername": "bob", "sellerName": "", "sellerPicture": "",
        "title": "A crest", "description": "d", "category": "c", "subCategories": [], "tags": [],
        "price": 5000, "currency": "USD", "deliveryDays": 3, "coverImage": "", "active": true,
        "ratingSum": 0, "ratingCount": 0, "sellerRatingSum": 0, "sellerRatingCount": 0,
        "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z" } })
}

fn order(status: &str) -> Value {
    json!({
        "id": "o-1", "total": 10500, "orderId": "o-1", "paymentIntentId": "pi-1", "gigId": "g-1", "gigTitle": "A crest", "description": "",
        "quantity": 2, "buyerId": "u-ada", "buyerUsername": "ada", "buyerEmail": "ada@example.test",
        "sellerId": "u-bob", "sellerUsername": "bob", "sellerEmail": "bob@example.test", "amount": 10000,
        "fee": 500, "currency": "USD", "deliveryDue": "2026-01-04T00:00:00Z", "version": 2, "status": status,
        "requestedAt": "2026-01-01T00:00:00Z", "placedAt": null, "delivery": null, "extension": null,
        "completedAt": null, "cancellation": null, "failure": null, "sellerReview": null, "buyerReview": null })
}

#[tokio::test]
async fn sign_up_begins_a_session_in_cookie_and_token() {
    let system = System::start(&[]).await;
    system.service("auth").answers("POST /api/v1/auth/signup", vec![(201, user())]);
    let body = json!({ "username": "ada", "email": "ada@example.test", "password": "Secr3t-pass" });
    let answer = system.call(Method::POST, "/auth/signup", "", Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json["user"]["id"], "u-ada");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let token = answer.json["token"].as_str().unwrap();
    assert!(cookie.starts_with(&format!("marketplace_session={token}; ")), "{cookie}");

    system.service("auth").answers("GET /api/v1/auth/currentuser", vec![(200, user())]);
    let with_cookie = [("cookie", cookie)];
    let path = "/api/v1/gateway/auth/currentuser";
    let answer = system.gateway.call(Method::GET, path, None, &with_cookie, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let seen = system.service("auth").seen();
    assert_eq!(seen[0].caller, Some(Caller::anonymous()));
    let ada = Caller::new("u-ada", "ada", "ada@example.test");
    assert_eq!(seen[1].caller, Some(ada));
}

#[tokio::test]
async fn private_routes_need_a_session_and_reach_nobody_without() {
    let system = System::start(&[]).await;
    let stolen = InternalTokens::new(SECRET).sign("gig", &Caller::new("u", "u", "u@u")).unwrap();
    for (token, code) in [("", "sign_in_required"), ("nonsense", "invalid_session"), (&stolen, "invalid_session")] {
        let answer = system.get("/gig/g-1", token).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (401, &json!(code)));
    }
    assert!(system.service("gig").seen().is_empty());
}

#[tokio::test]
async fn visitors_may_search_and_the_query_arrives() {
    let system = System::start(&[]).await;
    let page = json!({ "total": 0, "gigs": [], "next": null, "previous": null });
    let route = "GET /api/v1/gig/search/0/10/forward?query=a%20crest&minPrice=1";
    system.service("gig").answers(route, vec![(200, page.clone())]);
    let answer = system.get("/auth/search/gig/0/10/forward?query=a%20crest&minPrice=1", "").await;
    assert_eq!((answer.status.as_u16(), answer.json), (200, page));
    assert_eq!(system.service("gig").seen()[0].caller, Some(Caller::anonymous()));
}

#[tokio::test]
async fn refusals_are_passed_on_and_failures_hidden() {
    let system = System::start(&[("CALL_ATTEMPTS", "1")]).await;
    let token = system.ada().await;
    let refusal = json!({ "status": 404, "code": "gig_not_found", "message": "no", "correlationId": "c-1" });
    let failure = json!({ "status": 500, "code": "internal", "message": "SELECT failed", "correlationId": "c" });
    let renamed = json!({ "gig": { "id": "g-1", "seller_id": "u-bob" } });
    let route = "GET /api/v1/gig/g-1";
    system.service("gig").answers(route, vec![(404, refusal.clone())]);
    let answer = system.get("/gig/g-1", &token).await;
    assert_eq!((answer.status.as_u16(), answer.json), (404, refusal));
    for (status, body) in [(500, failure), (200, renamed)] {
        system.service("gig").answers(route, vec![(status, body)]);
        let answer = system.get("/gig/g-1", &token).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (502, &json!("service_failed")));
        assert!(!answer.text.contains("SELECT"), "{}", answer.text);
    }
}

#[tokio::test]
async fn reads_are_tried_again_and_writes_are_not() {
    let system = System::start(&[]).await;
    let token = system.ada().await;
    let gigs = system.service("gig");
    let sick = (503, json!({ "status": 503, "code": "timed_out", "message": "later" }));
    gigs.answers("GET /api/v1/gig/g-1", vec![sick.clone(), sick.clone(), (200, gig("u-bob"))]);
    assert_eq!(system.get("/gig/g-1", &token).await.status, 200);
    assert_eq!(gigs.seen().len(), 3);
    let route = "PUT /api/v1/gig/active/g-1";
    gigs.answers(route, vec![sick, (200, gig("u-ada"))]);
    let body = Some(json!({ "active": true }));
    let answer = system.call(Method::PUT, "/gig/active/g-1", &token, body).await;
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (503, &json!("timed_out")));
    assert_eq!(gigs.seen().len(), 4);
}

#[tokio::test]
async fn unreachable_service_costs_its_own_feature_only() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let system = System::start(&[("REVIEW_URL", &nobody)]).await;
    let answer = system.get("/review/gig/g-1", "").await;
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (503, &json!("service_unavailable")));
    system.ada().await;
}

#[tokio::test]
async fn slow_service_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let system = System::start(&[("REVIEW_URL", &silent), ("CALL_TIMEOUT_MS", "100")]).await;
    let answer = tokio::time::timeout(Duration::from_secs(5), system.get("/review/gig/g-1", "")).await;
    let answer = answer.expect("an answer long before the service's");
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (504, &json!("service_timed_out")));
    drop(listener);
}

#[tokio::test]
async fn order_takes_price_and_seller_from_the_services() {
    let system = System::start(&[]).await;
    let token = system.ada().await;
    system.service("gig").answers("GET /api/v1/gig/g-1", vec![(200, gig("u-bob"))]);
    let contact = json!({ "id": "u-bob", "username": "bob", "email": "bob@example.test" });
    system.service("users").answers("GET /api/v1/seller/contact/u-bob", vec![(200, contact)]);
    system.service("order").answers("POST /api/v1/order", vec![(201, order("in_progress"))]);
    let body = json!({ "gigId": "g-1", "paymentIntentId": "pi-1", "quantity": 2 });
    let answer = system.call(Method::POST, "/order", &token, Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json["order"]["id"], "o-1");
    assert!(!answer.text.contains("@example.test"), "{}", answer.text);
    let seen = system.service("order").seen();
    assert_eq!(seen[0].key.as_deref(), Some("key-1"));
    assert_eq!(
        (&seen[0].body["gigTitle"], &seen[0].body["sellerEmail"], &seen[0].body["sellerId"]),
        (&json!("A crest"), &json!("bob@example.test"), &json!("u-bob"))
    );
    let intent = json!({ "paymentIntentId": "pi-1", "clientSecret": "s", "orderId": "o-1", "amount": 10_000,
                         "fee": 500, "total": 10_500, "currency": "USD" });
    system.service("order").answers("POST /api/v1/order/create-payment-intent", vec![(201, intent)]);
    let body = json!({ "gigId": "g-1", "quantity": 2 });
    let answer = system.call(Method::POST, "/order/create-payment-intent", &token, Some(body)).await;
    assert_eq!(answer.json["total"], 10_500, "{}", answer.text);
    assert_eq!(system.service("order").seen()[1].body["amount"], 10_000);
    let cheating = json!({ "gigId": "g-1", "amount": 1 });
    let answer = system.call(Method::POST, "/order/create-payment-intent", &token, Some(cheating)).await;
    assert_eq!(answer.status, 422);
    let nothing = json!({ "gigId": "g-1", "quantity": 0 });
    let answer = system.call(Method::POST, "/order/create-payment-intent", &token, Some(nothing)).await;
    assert_eq!(answer.json["code"], "invalid_quantity");
}

#[tokio::test]
async fn nobody_orders_their_own_gig() {
    let system = System::start(&[]).await;
    let token = system.ada().await;
    system.service("gig").answers("GET /api/v1/gig/g-1", vec![(200, gig("u-ada"))]);
    let body = Some(json!({ "gigId": "g-1" }));
    let answer = system.call(Method::POST, "/order/create-payment-intent", &token, body).await;
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (409, &json!("own_gig")));
    assert!(system.service("order").seen().is_empty());
}

#[tokio::test]
async fn review_takes_its_sides_from_the_order() {
    let system = System::start(&[]).await;
    let token = system.ada().await;
    let route = "GET /api/v1/order/o-1";
    system.service("order").answers(route, vec![(200, order("delivered")), (200, order("completed"))]);
    let review = json!({ "review": {
        "id": "r-1", "orderId": "o-1", "gigId": "g-1", "buyerId": "u-ada", "sellerId": "u-bob", "reviewed": "seller",
        "reviewerId": "u-ada", "reviewerUsername": "ada", "rating": 5, "text": "fine", "createdAt": "t" } });
    system.service("review").answers("POST /api/v1/review", vec![(201, review)]);
    let body = json!({ "orderId": "o-1", "rating": 5, "text": "fine" });
    let early = system.call(Method::POST, "/review", &token, Some(body.clone())).await;
    assert_eq!(early.json["code"], "order_not_completed");
    let answer = system.call(Method::POST, "/review", &token, Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(system.service("review").seen()[0].body["sellerId"], "u-bob");
}

#[tokio::test]
async fn only_sellers_offer_gigs() {
    let system = System::start(&[]).await;
    let token = system.ada().await;
    let absent = json!({ "status": 404, "code": "seller_not_found", "message": "no" });
    system.service("users").answers("GET /api/v1/seller/id/u-ada", vec![(404, absent)]);
    let body = json!({ "title": "A crest", "description": "d", "category": "c", "price": 5000, "deliveryDays": 3 });
    let answer = system.call(Method::POST, "/gig/create", &token, Some(body)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (403, &json!("seller_required")));
    assert!(system.service("gig").seen().is_empty());
}

#[tokio::test]
async fn clients_above_the_rate_are_told_when_to_come_back() {
    let system = System::start(&[("RATE_PER_SECOND", "1"), ("RATE_BURST", "2")]).await;
    system.service("review").answers("GET /api/v1/review/gig/g-1", vec![(200, json!({ "reviews": [] }))]);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(system.get("/review/gig/g-1", "").await);
    }
    assert_eq!(statuses[1].status, 200);
    assert_eq!((statuses[2].status.as_u16(), &statuses[2].json["code"]), (429, &json!("too_many_requests")));
    assert_eq!(statuses[2].headers["retry-after"], "1");
}

#[tokio::test]
async fn requests_beyond_the_limit_in_flight_are_shed() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let variables = [("REVIEW_URL", silent.as_str()), ("MAX_IN_FLIGHT", "1"), ("CALL_TIMEOUT_MS", "3000")];
    let system = System::start(&variables).await;
    let first = system.get("/review/gig/g-1", "");
    tokio::pin!(first);
    // The first request holds its place once it has connected.
    tokio::select! {
        _ = &mut first => panic!("a silent service cannot answer"),
        accepted = listener.accept() => drop(accepted.map(std::mem::forget)),
    }
    let second = system.get("/review/seller/u-bob", "").await;
    assert_eq!((second.status.as_u16(), &second.json["code"]), (503, &json!("overloaded")));
}

#[tokio::test]
async fn service_that_hangs_takes_only_its_own_share_of_the_room() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let variables = [("REVIEW_URL", silent.as_str()), ("CALLS_PER_SERVICE", "1"), ("CALL_TIMEOUT_MS", "3000")];
    let system = System::start(&variables).await;
    let token = system.ada().await;
    let first = system.get("/review/gig/g-1", "");
    tokio::pin!(first);
    tokio::select! {
        _ = &mut first => panic!("a silent service cannot answer"),
        accepted = listener.accept() => drop(accepted.map(std::mem::forget)),
    }
    let second = system.get("/review/seller/u-bob", "").await;
    assert_eq!((second.status.as_u16(), &second.json["code"]), (503, &json!("overloaded")));
    system.service("gig").answers("GET /api/v1/gig/g-1", vec![(200, json!({ "gig": {} }))]);
    let other = system.get("/gig/g-1", &token).await;
    assert_ne!(other.json["code"], json!("overloaded"), "{:?}", other.json);
    assert_eq!(system.service("gig").seen().len(), 1);
}

#[tokio::test]
async fn configuration_mistakes_are_reported_together() {
    let error = TestApp::start("gateway", &[("AUTH_URL", "nonsense")], gateway::app).await.unwrap_err().to_string();
    for name in ["JWT_SECRET", "AUTH_URL", "ORDER_URL"] {
        assert!(error.contains(name), "{error}");
    }
}
