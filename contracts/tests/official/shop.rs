//! A provider that is verified, and the pact of its consumer.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Serves on a free port until the test ends.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// `GET /orders/7` is answered with a total, and no currency.
pub(crate) async fn shop() -> SocketAddr {
    let order = || async { axum::Json(json!({ "total": 1200 })) };
    serve(Router::new().route("/orders/7", get(order)).route("/states", post(|| async { "{}" }))).await
}

/// What `web` expects of `shop`: an order with these fields.
pub(crate) fn expects(fields: Value) -> String {
    json!({
        "consumer": { "name": "web" },
        "provider": { "name": "shop" },
        "interactions": [{
            "type": "Synchronous/HTTP",
            "description": "the order",
            "request": { "method": "GET", "path": "/orders/7" },
            "response": {
                "status": 200,
                "body": { "contentType": "application/json", "content": fields },
                "matchingRules": { "body": { "$": { "combine": "AND", "matchers": [{ "match": "type" }] } } },
            },
        }],
        "metadata": { "pactSpecification": { "version": "4.0" } },
    })
    .to_string()
}
