//! Virtual hosts in a RabbitMQ server, by its management API.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::servers::aside;

/// How long the management API may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A virtual host that goes, with its queues and connections, when this is dropped.
#[derive(Debug)]
pub(crate) struct Vhost {
    api: String,
    name: String,
}

impl Vhost {
    pub(crate) async fn create(api: &str) -> anyhow::Result<Self> {
        let name = format!("test-{}", Uuid::now_v7().simple());
        let user = Url::parse(api).context("URL of RabbitMQ's management API")?.username().to_owned();
        let vhost = Self { api: api.to_owned(), name };
        send(request(api, Method::PUT, &["vhosts", &vhost.name])?.json(&json!({}))).await?;
        let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        send(request(api, Method::PUT, &["permissions", &vhost.name, &user])?.json(&all)).await?;
        Ok(vhost)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        let (api, name) = (std::mem::take(&mut self.api), std::mem::take(&mut self.name));
        // What cannot be removed goes with the server.
        _ = aside(async move { send(request(&api, Method::DELETE, &["vhosts", &name])?).await.map(drop) });
    }
}

/// Name and version of the server, such as `RabbitMQ 3.10.8`; fails as long as it does not serve its API.
pub(crate) async fn version(api: &str) -> anyhow::Result<String> {
    let overview = send(request(api, Method::GET, &["overview"])?).await?;
    let version = overview["rabbitmq_version"].as_str().context("an overview without `rabbitmq_version`")?;
    Ok(format!("RabbitMQ {version}"))
}

fn request(api: &str, method: Method, path: &[&str]) -> anyhow::Result<RequestBuilder> {
    let mut url = Url::parse(api).context("URL of RabbitMQ's management API")?;
    let (user, password) = (url.username().to_owned(), url.password().map(str::to_owned));
    // Without a login nothing can be refused of it.
    _ = url.set_username("");
    _ = url.set_password(None);
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push("api").extend(path);
    }
    let client = Client::builder().timeout(TIMEOUT).no_proxy().build()?;
    Ok(client.request(method, url).basic_auth(user, password))
}

async fn send(request: RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await.context("RabbitMQ's management API does not answer")?.error_for_status()?;
    let body = answer.bytes().await?;
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}
