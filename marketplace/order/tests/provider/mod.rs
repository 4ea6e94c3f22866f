//! The payment provider on a socket of its own.

use backends::Pair;
use platform::{Context, Env};
use serde_json::Value;

/// What becomes of captures on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Captures {
    /// They reach the provider; its replies never come back.
    Unanswered,
    /// They never reach it.
    Swallowed,
}

/// A way to the provider at `target` on which captures get stuck; everything else passes.
pub(crate) async fn stuck(target: &str, captures: Captures) -> String {
    let target = target.to_owned();
    let forward = move |request: axum::extract::Request| {
        let target = target.clone();
        async move {
            let (parts, body) = request.into_parts();
            let stuck = parts.uri.path().ends_with("/capture");
            if stuck && captures == Captures::Swallowed {
                std::future::pending::<()>().await;
            }
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let mut headers = parts.headers.clone();
            headers.remove("host");
            let url = format!("{target}{}", parts.uri.path());
            let client = reqwest::Client::new();
            let answer = client.request(parts.method, url).headers(headers).body(body).send().await.unwrap();
            if stuck {
                std::future::pending::<()>().await;
            }
            (answer.status(), [("content-type", "application/json")], answer.bytes().await.unwrap())
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(forward)).await.unwrap() });
    url
}

/// A running provider; it ends with its test.
pub(crate) struct Provider {
    pub(crate) url: String,
    server: tokio::task::JoinHandle<()>,
    _database: backends::Database,
}

impl Provider {
    pub(crate) async fn start(pair: Pair, variables: &[(&str, &str)]) -> Self {
        let database = pair.database().await;
        let all = [&[("DATABASE_URL", database.url())], variables].concat();
        let app = payments_sim::app(Context::new("payments-sim", Env::from_pairs(&all))).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, app.router).await.unwrap() });
        Self { url, server, _database: database }
    }

    /// Kind, order and amount of each entry of the ledger.
    pub(crate) async fn entries(&self) -> Vec<(String, Value, i64)> {
        let ledger: Value = reqwest::get(format!("{}/ledger", self.url)).await.unwrap().json().await.unwrap();
        let entries = ledger["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| {
                let kind = entry["type"].as_str().unwrap().to_owned();
                (kind, entry["order_id"].clone(), entry["amount"].as_i64().unwrap())
            })
            .collect()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}
