//! What the gateway's document says about who needs a session is true.

use axum::http::Method;
use platform::testing::TestApp;
use serde_json::json;

use super::operations::operations;

/// Nothing listens there: a visitor's request ends with a failure, but not with a refusal.
const NOWHERE: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn operations_that_need_a_session_refuse_visitors_and_the_others_do_not() {
    let mut variables = vec![
        ("JWT_SECRET", "a user secret of at least 32 characters"),
        ("INTERNAL_TOKEN_SECRET", "internal secret of the tests, long enough"),
        ("CALL_ATTEMPTS", "1"),
    ];
    variables
        .extend(["AUTH_URL", "USERS_URL", "GIG_URL", "CHAT_URL", "ORDER_URL", "REVIEW_URL"].map(|it| (it, NOWHERE)));
    let app = TestApp::start("gateway", &variables, gateway::app).await.unwrap();
    let document = gateway::openapi();
    let mut lies = Vec::new();
    for operation in operations(&document).iter().filter(|operation| operation.path.starts_with("/api/")) {
        let path: Vec<_> =
            operation.path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect();
        let method: Method = operation.method.to_uppercase().parse().unwrap();
        let body = (method == Method::POST || method == Method::PUT).then(|| json!({}));
        let answer = app.call(method, &path.join("/"), None, &[], body).await;
        let needed = operation.is["security"].is_null();
        let served = answer.json["code"] != "unknown_route" && answer.json["code"] != "method_not_allowed";
        if !served
            || needed != (answer.status == 401)
            || needed != operation.is["responses"]["401"].is_object() && needed
        {
            lies.push(format!("{} {}: answered {}", operation.method, operation.path, answer.text));
        }
    }
    assert!(lies.is_empty(), "the document says otherwise:\n{}", lies.join("\n"));
}
