//! Who may do what at the broker, and where its links lead.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use contracts::broker::{Access, Credential, Rights, Store, router};
use contracts::store::from_document;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::shop::{document, order};

struct Broker {
    router: Router,
    store: Store,
    _dir: TempDir,
}

impl Broker {
    async fn start(access: Access) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/broker.db", dir.path().display())).await.unwrap();
        Self { router: router(store.clone(), access, None), store, _dir: dir }
    }

    async fn ask(&self, method: &Method, path: &str, shown: Option<&str>, body: Option<&Value>) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path).header("host", "broker.example:9292");
        if let Some(shown) = shown {
            request = request.header("authorization", shown);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }
}

fn basic(pair: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

fn publication(version: &str) -> Value {
    let pact = document(json!([order()])).to_string();
    json!({
        "pacticipantName": "mail",
        "pacticipantVersionNumber": version,
        "branch": "main",
        "contracts": [{
            "consumerName": "mail",
            "providerName": "shop",
            "specification": "pact",
            "contentType": "application/json",
            "content": BASE64_STANDARD.encode(pact),
        }],
    })
}

/// Every route: a request that is right, and what it answers to a writer.
fn routes(
    content: &str,
    interaction: &str,
    environment: &str,
    deployed: &str,
) -> Vec<(Method, String, Option<Value>, u16)> {
    let pact = format!("/pacts/provider/shop/consumer/mail/pact-version/{content}");
    let result = json!({
        "success": true, "providerApplicationVersion": "9", "testResults": [{ "interactionId": interaction, "success": true }],
    });
    let name = json!({ "name": "staging" });
    vec![
        (Method::GET, "/".into(), None, 200),
        (Method::GET, "/pacticipants".into(), None, 200),
        (Method::GET, "/pacticipants/mail".into(), None, 200),
        (Method::GET, "/pacticipants/mail/versions".into(), None, 200),
        (Method::GET, "/pacticipants/mail/versions/1".into(), None, 200),
        (Method::GET, "/pacts/latest".into(), None, 200),
        (Method::GET, "/pacts/provider/shop/latest".into(), None, 200),
        (Method::GET, "/pacts/provider/shop/for-verification".into(), None, 200),
        (Method::GET, "/pacts/provider/shop/consumer/mail/version/1".into(), None, 200),
        (Method::GET, pact.clone(), None, 200),
        (Method::GET, "/matrix?q%5B%5D%5Bpacticipant%5D=mail".into(), None, 200),
        (Method::GET, "/environments".into(), None, 200),
        (Method::GET, format!("/environments/{environment}"), None, 200),
        (Method::GET, format!("/environments/{environment}/deployed-versions/currently-deployed"), None, 200),
        (Method::GET, format!("/environments/{environment}/released-versions/currently-supported"), None, 200),
        (Method::GET, format!("/deployed-versions/{deployed}"), None, 200),
        (Method::POST, "/pacts/provider/shop/for-verification".into(), Some(json!({})), 200),
        (Method::POST, "/contracts/publish".into(), Some(publication("2")), 200),
        (Method::POST, "/pacticipants".into(), Some(json!({ "name": "web" })), 201),
        (Method::PATCH, "/pacticipants/mail".into(), Some(json!({ "mainBranch": "main" })), 200),
        (Method::PUT, "/pacticipants/mail".into(), Some(json!({ "mainBranch": "main" })), 200),
        (Method::PUT, "/pacticipants/mail/versions/3".into(), Some(json!({})), 200),
        (Method::PUT, "/pacticipants/mail/versions/1/tags/for-verification".into(), None, 201),
        (Method::PUT, "/pacticipants/mail/branches/main/versions/for-verification".into(), None, 201),
        (Method::POST, format!("{pact}/verification-results"), Some(result), 201),
        (Method::GET, format!("{pact}/verification-results/1"), None, 200),
        (Method::POST, "/environments".into(), Some(name), 201),
        (Method::PUT, format!("/environments/{environment}"), Some(json!({ "displayName": "Live" })), 200),
        (
            Method::POST,
            format!("/pacticipants/mail/versions/2/deployed-versions/environment/{environment}"),
            Some(json!({})),
            201,
        ),
        (Method::POST, format!("/pacticipants/mail/versions/2/released-versions/environment/{environment}"), None, 201),
        (Method::GET, "/matrix/provider/shop/consumer/mail".into(), None, 200),
        (Method::GET, "/webhooks".into(), None, 200),
        (Method::POST, "/webhooks".into(), Some(json!({})), 400),
        (Method::GET, "/webhooks/none/logs".into(), None, 404),
        (Method::DELETE, "/webhooks/none".into(), None, 404),
        (Method::GET, "/pacticipants/mail/versions/1/tags/for-verification".into(), None, 200),
        (Method::DELETE, "/pacticipants/mail/versions/1/tags/for-verification".into(), None, 204),
        (Method::PUT, "/pacticipants/mail/branches/feature/versions/3".into(), None, 201),
        (Method::GET, "/pacticipants/mail/branches/feature".into(), None, 200),
        (Method::DELETE, "/pacticipants/mail/branches/feature".into(), None, 204),
        (Method::DELETE, "/pacticipants/mail/branches/main".into(), None, 409),
        (Method::DELETE, "/pacticipants/mail/versions/3".into(), None, 204),
        (Method::DELETE, "/pacticipants/mail/versions/2".into(), None, 409),
        (Method::DELETE, "/pacts/provider/shop/consumer/mail/version/1".into(), None, 204),
        (Method::DELETE, "/environments/staging".into(), None, 204),
        (Method::DELETE, format!("/environments/{environment}"), None, 409),
        (Method::DELETE, "/pacticipants/web".into(), None, 204),
        (Method::DELETE, "/pacticipants/shop".into(), None, 409),
    ]
}

#[tokio::test]
async fn each_route_lets_in_whom_it_may() {
    let reader = Credential::Basic { user: "ada".into(), password: "reads".into() };
    let access = Access::nobody().with(&Credential::Bearer("writes".into()), Rights::Write).with(&reader, Rights::Read);
    let broker = Broker::start(access).await;
    let writer = Some("Bearer writes");
    let published = broker.ask(&Method::POST, "/contracts/publish", writer, Some(&publication("1"))).await;
    assert_eq!(published.0, 200, "{}", published.1);
    let content = broker.store.latest_pacts().await.unwrap()[0].content.clone();
    let environment = broker.store.create_environment("production", "Production", true).await.unwrap().id;
    let at = format!("/pacticipants/mail/versions/1/deployed-versions/environment/{environment}");
    let (_, deployed) = broker.ask(&Method::POST, &at, writer, None).await;
    let deployed = deployed["uuid"].as_str().unwrap();
    let document = document(json!([order()]));
    let interaction = from_document(&document, "a test".as_ref()).unwrap().interactions.remove(0).hash;
    for (method, path, body, right) in routes(&content, &interaction, &environment, deployed) {
        let asks = (method == Method::GET && !path.starts_with("/webhooks"))
            || (method == Method::POST && path.ends_with("/for-verification"));
        let (ada, wrong, swapped) = (basic("ada:reads"), basic("ada:writes"), "Bearer ada:reads".to_owned());
        for (shown, expected) in [
            (None, 401),
            (Some(wrong.as_str()), 401),
            (Some(swapped.as_str()), 401),
            (Some("Bearer reads"), 401),
            (Some("Basic ???"), 401),
            (Some(ada.as_str()), if asks { right } else { 403 }),
            (writer, right),
        ] {
            // What only comes to be through the writer is not there for the reader before.
            let (status, said) = broker.ask(&method, &path, shown, body.as_ref()).await;
            assert_eq!(status.as_u16(), expected, "{method} {path} as {shown:?}: {said}");
        }
    }
    let path = format!("/deployed-versions/{deployed}");
    for (shown, expected) in [(None, 401), (Some(basic("ada:reads")), 403)] {
        let ended = json!({ "currentlyDeployed": false });
        assert_eq!(broker.ask(&Method::PATCH, &path, shown.as_deref(), Some(&ended)).await.0, expected);
    }
}

#[tokio::test]
async fn whoever_reads_in_public_does_not_write() {
    let broker = Broker::start(Access::nobody().with_public_reading()).await;
    assert_eq!(broker.ask(&Method::GET, "/", None, None).await.0, 200);
    let put = "/pacticipants/shop/branches/main/versions/for-verification";
    assert_eq!(broker.ask(&Method::PUT, put, None, None).await.0, 403);
    assert_eq!(broker.store.pacticipants().await.unwrap(), []);
}

#[tokio::test]
async fn links_lead_back_to_what_they_name_whatever_it_is_called() {
    let broker = Broker::start(Access::everybody()).await;
    let odd = "käse/brot ?#%..";
    let made = json!({ "name": odd });
    let (status, made) = broker.ask(&Method::POST, "/pacticipants", None, Some(&made)).await;
    assert_eq!(status, 201, "{made}");
    let href = made["_links"]["self"]["href"].as_str().unwrap();
    let path = href.strip_prefix("http://broker.example:9292").expect(href);
    let (status, found) = broker.ask(&Method::GET, path, None, None).await;
    assert_eq!((status.as_u16(), &found["name"]), (200, &json!(odd)), "{path}");
}
