//! The payment provider on a socket of its own.

use platform::{Context, Env};
use serde_json::Value;

/// A running provider; it ends with its test.
pub(crate) struct Provider {
    pub(crate) url: String,
    server: tokio::task::JoinHandle<()>,
    directory: std::path::PathBuf,
}

impl Provider {
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let directory = std::env::temp_dir().join(format!("payments-{}", platform::new_id()));
        std::fs::create_dir_all(&directory).unwrap();
        let database = format!("sqlite://{}", directory.join("payments.db").display());
        let mut all = vec![("DATABASE_URL", database.as_str())];
        all.extend(variables);
        let app = payments_sim::app(Context::new("payments-sim", Env::from_pairs(&all))).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, app.router).await.unwrap() });
        Self { url, server, directory }
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
        _ = std::fs::remove_dir_all(&self.directory);
    }
}
