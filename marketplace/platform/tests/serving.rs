//! What every service answers, whatever its routes are.

use axum::Router;
use axum::http::Method;
use axum::routing::{get, post};
use platform::testing::TestApp;
use platform::{ApiError, App, Caller, Context, ContractHooks, Event, EventType, Json, Path, Query};
use serde_json::{Value, json};

#[derive(serde::Serialize, serde::Deserialize)]
struct LampLit {
    room: String,
}

impl EventType for LampLit {
    const TYPE: &'static str = "house.lamp_lit.v1";
}

#[derive(serde::Deserialize)]
struct Page {
    #[serde(rename = "from")]
    _from: u32,
}

async fn app(_: Context) -> anyhow::Result<App> {
    let router = Router::new()
        .route("/me", get(|caller: Caller| async move { Json(caller) }))
        .route("/echo", post(|Json(body): Json<LampLit>| async { Json(body) }))
        .route("/page", get(|_: Query<Page>| async {}))
        .route("/room/{name}", get(|Path(name): Path<String>| async { name }))
        .route("/broken", get(broken))
        .route("/panic", get(panicking));
    let hooks = ContractHooks::new()
        .state("a lamp exists", |params| async move { Ok(json!({ "room": params["room"] })) })
        .message("a lamp was lit", |_| async { Ok(Event::new("lamp-1", &LampLit { room: "hall".into() })?) });
    Ok(App::new(router).with_contract(hooks))
}

async fn broken() -> Result<(), ApiError> {
    Err(std::io::Error::other("secret words"))?
}

async fn panicking() {
    panic!("secret words")
}

fn ada() -> Caller {
    Caller::new("u-1", "ada", "ada@example.test")
}

#[tokio::test]
async fn errors_have_one_shape_and_keep_internals_inside() {
    let service = TestApp::start("house", &[], app).await.unwrap();
    let put = service.put("/me", &ada(), json!({})).await;
    let cases = [
        (service.get("/nowhere", &ada()).await, 404, "unknown_route"),
        (put, 405, "method_not_allowed"),
        (service.get("/broken", &ada()).await, 500, "internal"),
        (service.get("/panic", &ada()).await, 500, "internal"),
        (service.get("/page?from=x", &ada()).await, 400, "invalid_query"),
        (service.post("/echo", &ada(), json!({ "room": 1 })).await, 422, "invalid_body"),
        (service.post("/echo", &ada(), json!({ "room": "x".repeat(2_000_000) })).await, 413, "body_too_large"),
        (service.post("/echo", &ada(), json!({ "room": "a\u{0}" })).await, 400, "invalid_body"),
        (service.get("/page?from=%00", &ada()).await, 400, "invalid_query"),
        (service.get("/room/a%00", &ada()).await, 400, "invalid_path"),
        (service.call(Method::POST, "/echo", Some(&ada()), &[], None).await, 415, "json_expected"),
        (service.call(Method::GET, "/me", None, &[], None).await, 401, "token_missing"),
        (
            service.call(Method::GET, "/me", None, &[("authorization", "Bearer a.b.c")], None).await,
            401,
            "token_invalid",
        ),
    ];
    for (answer, status, code) in cases {
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (status, &json!(code)), "{}", answer.text);
        assert_eq!(answer.json["status"], status);
        assert!(answer.json["message"].is_string() && answer.json["correlationId"].is_string(), "{}", answer.text);
        assert!(!answer.text.contains("secret words"), "{}", answer.text);
    }
}

#[tokio::test]
async fn correlation_id_of_the_request_is_in_the_error() {
    let service = TestApp::start("house", &[], app).await.unwrap();
    let headers = [("x-correlation-id", "flow-42")];
    let answer = service.call(Method::GET, "/nowhere", Some(&ada()), &headers, None).await;
    assert_eq!(answer.json["correlationId"], "flow-42");
}

#[tokio::test]
async fn health_needs_no_token_and_names_its_dependencies() {
    let service = TestApp::start("house", &[], app).await.unwrap();
    let live = service.call(Method::GET, "/health/live", None, &[], None).await;
    let ready = service.call(Method::GET, "/health/ready", None, &[], None).await;
    assert_eq!((live.status.as_u16(), &live.json["status"]), (200, &json!("up")));
    assert_eq!((ready.status.as_u16(), &ready.json["checks"]), (200, &json!({})));
}

#[tokio::test]
async fn contract_hooks_are_served_only_when_asked_for() {
    let service = TestApp::start("house", &[], app).await.unwrap();
    let state = json!({ "action": "setup", "state": "a lamp exists", "params": { "room": "hall" } });
    assert_eq!(service.post("/_contract/states", &ada(), state.clone()).await.status, 404);

    let service = TestApp::start("house", &[("CONTRACT_HOOKS", "1")], app).await.unwrap();
    let call = |path: &'static str, body: Value| {
        let service = &service;
        async move { service.call(Method::POST, path, None, &[], Some(body)).await }
    };
    let values = call("/_contract/states", state).await;
    assert_eq!(values.json["room"], "hall", "{}", values.text);
    let token = format!("Bearer {}", values.json["internalToken"].as_str().unwrap());
    let me = service.call(Method::GET, "/me", None, &[("authorization", &token)], None).await;
    assert_eq!((me.status.as_u16(), &me.json["id"]), (200, &json!("contract-caller")));

    let unknown = call("/_contract/states", json!({ "state": "the moon is full" })).await;
    assert_eq!((unknown.status.as_u16(), &unknown.json["code"]), (404, &json!("unknown_state")));
    let message = call("/_contract/messages", json!({ "description": "a lamp was lit" })).await;
    assert_eq!((message.status.as_u16(), &message.json), (200, &json!({ "room": "hall" })));
    assert!(message.headers.contains_key("pact-message-metadata"));
}

#[tokio::test]
async fn every_mistake_of_the_environment_is_reported_at_once() {
    async fn demanding(ctx: Context) -> anyhow::Result<App> {
        let _ = ctx.env().url("PAYMENTS_URL");
        let database = ctx.database(&[]).await?;
        Ok(App::new(Router::new()).with_database(&database))
    }
    let variables = [("PAYMENTS_URL", "nonsense"), ("DATABASE_URL", "mysql://x"), ("INTERNAL_TOKEN_SECRET", "")];
    let error = TestApp::start("house", &variables, demanding).await.unwrap_err();
    assert!(error.downcast_ref::<platform::ConfigError>().is_some());
    let text = error.to_string();
    for name in ["PAYMENTS_URL", "DATABASE_URL", "INTERNAL_TOKEN_SECRET"] {
        assert!(text.contains(name), "{text}");
    }
}
