//! A whole service: `cargo run -p telemetry --example hello`, then `curl -i http://127.0.0.1:8080/hello/world`.
use std::time::Duration;

use axum::{Router, extract::Path, routing::get};
use telemetry::{Admin, Config, http::server_layer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = telemetry::init(Config::from_env("hello").version(env!("CARGO_PKG_VERSION")))?;
    let admin = Admin::new().check("greetings", async || Ok::<(), String>(())).serve("127.0.0.1:9090").await?;

    let greetings = telemetry::metrics::meter().u64_counter("app.hello.greetings").build();
    let hello = async move |Path(name): Path<String>| {
        greetings.add(1, &[]);
        tracing::info!(name, "greeting");
        format!("hello, {name}\n")
    };
    let app = Router::new().route("/hello/{name}", get(hello)).layer(server_layer());

    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;

    admin.shutdown().await;
    let report = telemetry.shutdown_async(Duration::from_secs(5)).await;
    if report.is_complete() { Ok(()) } else { Err(format!("telemetry was lost: {report:?}").into()) }
}
