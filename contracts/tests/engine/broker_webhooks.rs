//! Webhooks, with a real receiver.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use backends::{Database, Pair};
use contracts::broker::{
    Access, Courier, Credential, DeliveryState, Hosts, Pace, Publication, Rights, Store, Verification,
    router_with_webhooks,
};
use contracts::store::from_document;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::ServiceExt as _;

use crate::shop::{document, order, paid};

/// Far above what a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever is told, with what it answers next; 204 when nothing is left.
struct Receiver {
    address: String,
    heard: Arc<Heard>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Heard {
    requests: Mutex<Vec<(Method, String, HeaderMap, Bytes)>>,
    answers: Mutex<VecDeque<u16>>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    async fn start(answers: &[u16]) -> Self {
        let heard = Arc::new(Heard { answers: Mutex::new(answers.iter().copied().collect()), ..Heard::default() });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&heard));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, heard, server }
    }

    fn hosts(&self) -> Hosts {
        Hosts::new([self.address.as_str()]).unwrap()
    }

    fn requests(&self) -> Vec<(Method, String, HeaderMap, Bytes)> {
        self.heard.requests.lock().unwrap().clone()
    }

    /// Paths of what it heard, once there are as many.
    async fn paths(&self, count: usize) -> Vec<String> {
        until(|| async { (self.requests().len() >= count).then_some(()) }).await;
        self.requests().into_iter().map(|(_, path, ..)| path).collect()
    }
}

async fn receive(State(heard): State<Arc<Heard>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    heard.requests.lock().unwrap().push((parts.method, parts.uri.to_string(), parts.headers, body));
    let answer = heard.answers.lock().unwrap().pop_front().unwrap_or(204);
    match answer {
        // Whoever never answers.
        0 => std::future::pending().await,
        302 => (StatusCode::FOUND, [("location", "/redirected")]).into_response(),
        status => StatusCode::from_u16(status).unwrap().into_response(),
    }
}

async fn until<T, F: Future<Output = Option<T>>>(mut found: impl FnMut() -> F) -> T {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < end, "it does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

struct Broker {
    store: Store,
    router: Router,
    hosts: Hosts,
    courier: Mutex<Option<oneshot::Sender<()>>>,
    _database: Database,
}

impl Broker {
    async fn start(pair: Pair, hosts: Hosts) -> Self {
        let database = pair.database().await;
        let store = Store::open(database.url()).await.unwrap();
        let reader = Credential::Bearer("reads".into());
        let writer = Credential::Bearer("writes".into());
        let access = Access::nobody().with(&reader, Rights::Read).with(&writer, Rights::Write);
        let router = router_with_webhooks(store.clone(), access, Some("https://broker.example"), hosts.clone());
        Self { store, router, hosts, courier: Mutex::default(), _database: database }
    }

    /// Delivers from now on, at a pace for tests, until this is dropped.
    fn deliver(&self) {
        let pace = Pace {
            timeout: Duration::from_millis(300),
            attempts: 3,
            backoff: Duration::from_millis(20),
            look: Duration::from_millis(20),
        };
        let (stop, stopped) = oneshot::channel();
        let courier = Courier::new(self.store.clone(), self.hosts.clone(), "https://broker.example", pace).unwrap();
        tokio::spawn(courier.run(async move { drop(stopped.await) }, |error| panic!("{error}")));
        *self.courier.lock().unwrap() = Some(stop);
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Makes a webhook and returns its id.
    async fn hook(&self, webhook: Value) -> String {
        let (status, made) = self.ask(Method::POST, "/webhooks", "writes", webhook).await;
        assert_eq!(status, 201, "{made}");
        made["uuid"].as_str().unwrap().to_owned()
    }

    async fn publish(&self, version: &str, interactions: Value) -> String {
        let publication = Publication {
            consumer: "mail".into(),
            version: version.into(),
            branch: Some("main".into()),
            pacts: vec![document(interactions).to_string().into_bytes()],
            ..Publication::default()
        };
        self.store.publish(&publication).await.unwrap().remove(0).content
    }

    async fn verify(&self, content: &str, success: bool) {
        let document = self.store.content(content).await.unwrap();
        let interactions = from_document(&document, "a test".as_ref()).unwrap().interactions;
        let tests: Vec<Value> =
            interactions.iter().map(|each| json!({ "interactionId": each.hash, "success": success })).collect();
        let result = Verification {
            provider_version: "9".into(),
            success,
            results: json!({ "testResults": tests }),
            build_url: None,
            verified_by: None,
        };
        self.store.record_verification("shop", "mail", content, &result).await.unwrap();
    }

    /// Outcomes of the attempts of a webhook's last delivery, once it is done with.
    async fn outcomes(&self, hook: &str) -> (DeliveryState, Vec<String>) {
        until(|| async {
            let (delivery, attempts) = self.store.deliveries(hook).await.unwrap().into_iter().next()?;
            let done = delivery.state != DeliveryState::Waiting;
            done.then(|| (delivery.state, attempts.into_iter().map(|(outcome, _)| outcome).collect()))
        })
        .await
    }
}

fn hook(receiver: &Receiver, path: &str, events: &[&str]) -> Value {
    let events: Vec<Value> = events.iter().map(|name| json!({ "name": name })).collect();
    json!({ "events": events, "request": { "method": "POST", "url": format!("http://{}{path}", receiver.address) } })
}

async fn receiver_is_told_what_happened_with_names_filled_in(pair: Pair) {
    let receiver = Receiver::start(&[]).await;
    let broker = Broker::start(pair, receiver.hosts()).await;
    broker.deliver();
    let mut webhook = hook(&receiver, "/hook?c=${pactbroker.consumerName}&t=s3cret", &["contract_published"]);
    webhook["description"] = json!("tells the CI");
    webhook["request"]["headers"] = json!({ "X-Token": "s3cret", "Content-Type": "application/json" });
    webhook["request"]["body"] = json!({
        "event": "${pactbroker.eventName}",
        "of": ["${pactbroker.consumerVersionNumber} on ${pactbroker.consumerVersionBranch} with ${pactbroker.providerName}"],
        "pact": "${pactbroker.pactUrl}",
        "password": "s3cret",
    });
    (webhook["request"]["username"], webhook["request"]["password"]) = (json!("ada"), json!("s3cret"));
    let id = broker.hook(webhook).await;
    broker.publish("1", json!([order()])).await;
    receiver.paths(1).await;
    let (method, path, headers, body) = receiver.requests().remove(0);
    assert_eq!((method, path.as_str()), (Method::POST, "/hook?c=mail&t=s3cret"));
    assert_eq!(
        (&headers["x-token"], &headers["authorization"]),
        (&"s3cret".parse().unwrap(), &"Basic YWRhOnMzY3JldA==".parse().unwrap())
    );
    let body: Value = serde_json::from_slice(&body).unwrap();
    let expected = json!({
        "event": "contract_published",
        "of": ["1 on main with shop"],
        "pact": "https://broker.example/pacts/provider/shop/consumer/mail/version/1",
        "password": "s3cret",
    });
    assert_eq!(body, expected);
    assert_eq!(broker.outcomes(&id).await, (DeliveryState::Succeeded, vec!["answered 204".to_owned()]));

    // Whoever looks sees how it went, and no secret; whoever only reads does not see it at all.
    for path in ["/webhooks".to_owned(), format!("/webhooks/{id}"), format!("/webhooks/{id}/logs")] {
        let (status, shown) = broker.ask(Method::GET, &path, "writes", json!({})).await;
        assert_eq!(status, 200, "{path}: {shown}");
        assert!(!shown.to_string().contains("s3cret"), "{path}: {shown}");
        assert_eq!(broker.ask(Method::GET, &path, "reads", json!({})).await.0, 403, "{path}");
    }
    let (_, logs) = broker.ask(Method::GET, &format!("/webhooks/{id}/logs"), "writes", json!({})).await;
    let told = &logs["deliveries"][0];
    assert_eq!(
        (&told["state"], &told["event"], &told["consumer"]),
        (&json!("succeeded"), &json!("contract_published"), &json!("mail (1)"))
    );
    assert_eq!(told["attempts"][0]["outcome"], "answered 204");

    // What was shown, sent back, keeps the secrets.
    let (_, shown) = broker.ask(Method::GET, &format!("/webhooks/{id}"), "writes", json!({})).await;
    let (status, _) = broker.ask(Method::PUT, &format!("/webhooks/{id}"), "writes", shown).await;
    assert_eq!(status, 200);
    broker.publish("2", json!([order()])).await;
    assert_eq!(receiver.paths(2).await[1], "/hook?c=mail&t=s3cret");
    assert_eq!(receiver.requests()[1].2["x-token"], "s3cret");

    assert_eq!(broker.ask(Method::DELETE, &format!("/webhooks/{id}"), "writes", json!({})).await.0, 204);
    assert_eq!(broker.ask(Method::DELETE, &format!("/webhooks/{id}"), "writes", json!({})).await.0, 404);
}

async fn each_event_reaches_whom_it_concerns_once(pair: Pair) {
    let receiver = Receiver::start(&[]).await;
    let broker = Broker::start(pair, receiver.hosts()).await;
    for (path, events) in [
        ("/changed", &["contract_content_changed"][..]),
        ("/published", &["contract_published"]),
        ("/both", &["contract_published", "contract_content_changed"]),
        ("/verified", &["provider_verification_published"]),
        ("/good", &["provider_verification_succeeded"]),
        ("/bad", &["provider_verification_failed"]),
    ] {
        broker.hook(hook(&receiver, &format!("{path}/${{pactbroker.eventName}}"), events)).await;
    }
    for other in [
        json!({ "provider": { "name": "users" } }),
        json!({ "consumer": { "name": "web" } }),
        json!({ "enabled": false }),
    ] {
        let mut webhook = hook(&receiver, "/never", &["contract_published", "provider_verification_published"]);
        for (key, value) in other.as_object().unwrap() {
            webhook[key] = value.clone();
        }
        broker.hook(webhook).await;
    }
    let content = broker.publish("1", json!([order()])).await;
    broker.publish("1", json!([order()])).await;
    broker.publish("2", json!([order()])).await;
    broker.verify(&content, true).await;
    broker.verify(&content, false).await;
    broker.deliver();
    let mut told = receiver.paths(9).await;
    told.sort_unstable();
    let expected = [
        "/bad/provider_verification_failed",
        "/both/contract_content_changed",
        "/both/contract_published",
        "/changed/contract_content_changed",
        "/good/provider_verification_succeeded",
        "/published/contract_published",
        "/published/contract_published",
        "/verified/provider_verification_published",
        "/verified/provider_verification_published",
    ];
    // One more, which is told last, so that nothing else was to be told.
    let content = broker.publish("3", json!([paid()])).await;
    assert_eq!(content.len(), 64);
    let all = receiver.paths(expected.len() + 3).await;
    assert_eq!(all.iter().filter(|path| path.starts_with("/never")).count(), 0);
    assert_eq!(told, expected, "{all:?}");
}

async fn failing_receiver_is_told_again_until_it_is_given_up(pair: Pair) {
    let receiver = Receiver::start(&[500, 404, 503]).await;
    let broker = Broker::start(pair, receiver.hosts()).await;
    let id = broker.hook(hook(&receiver, "/hook", &["contract_published"])).await;
    broker.publish("1", json!([order()])).await;
    broker.deliver();
    let outcomes = ["answered 500", "answered 404", "answered 503; given up"].map(str::to_owned).to_vec();
    assert_eq!(broker.outcomes(&id).await, (DeliveryState::Failed, outcomes));
    broker.publish("2", json!([order()])).await;
    assert_eq!(broker.outcomes(&id).await.0, DeliveryState::Succeeded);
    assert_eq!(receiver.requests().len(), 4);
}

async fn hanging_receiver_is_left_and_the_others_are_told(pair: Pair) {
    let (hanging, other) = (Receiver::start(&[0, 0, 204]).await, Receiver::start(&[]).await);
    let hosts = Hosts::new([hanging.address.as_str(), other.address.as_str()]).unwrap();
    let broker = Broker::start(pair, hosts).await;
    let id = broker.hook(hook(&hanging, "/hook", &["contract_published"])).await;
    broker.hook(hook(&other, "/hook", &["contract_published"])).await;
    broker.publish("1", json!([order()])).await;
    broker.deliver();
    other.paths(1).await;
    let (state, outcomes) = broker.outcomes(&id).await;
    assert_eq!((state, outcomes[0].as_str()), (DeliveryState::Succeeded, "did not answer within 300ms"));
    assert_eq!(outcomes[2], "answered 204");
}

async fn redirects_are_not_followed(pair: Pair) {
    let receiver = Receiver::start(&[302, 302, 302]).await;
    let broker = Broker::start(pair, receiver.hosts()).await;
    let id = broker.hook(hook(&receiver, "/hook", &["contract_published"])).await;
    broker.publish("1", json!([order()])).await;
    broker.deliver();
    let (state, outcomes) = broker.outcomes(&id).await;
    assert_eq!((state, outcomes[0].as_str()), (DeliveryState::Failed, "answered 302, and redirects are not followed"));
    assert_eq!(receiver.paths(3).await, ["/hook", "/hook", "/hook"]);
}

async fn nobody_is_reached_whom_the_operator_did_not_name(pair: Pair) {
    let receiver = Receiver::start(&[]).await;
    let broker = Broker::start(pair, Hosts::default()).await;
    let webhook = hook(&receiver, "/hook", &["contract_published"]);
    let (status, said) = broker.ask(Method::POST, "/webhooks", "writes", webhook.clone()).await;
    assert_eq!(
        (status, said["errors"][0].as_str().unwrap().contains("webhooks may reach nobody here")),
        (400, true),
        "{said}"
    );
    // One that was made when it was still allowed.
    let open = router_with_webhooks(broker.store.clone(), Access::everybody(), None, receiver.hosts());
    let before = Broker {
        router: open,
        store: broker.store.clone(),
        hosts: Hosts::default(),
        courier: Mutex::default(),
        _database: Pair::Embedded.database().await,
    };
    let id = before.hook(webhook).await;
    broker.publish("1", json!([order()])).await;
    broker.deliver();
    let (state, outcomes) = broker.outcomes(&id).await;
    assert!(state == DeliveryState::Failed && outcomes[0].contains("is not allowed"), "{outcomes:?}");
    assert_eq!(receiver.requests().len(), 0);
}

async fn webhook_that_cannot_be_meant_is_refused(pair: Pair) {
    let receiver = Receiver::start(&[]).await;
    let broker = Broker::start(pair, receiver.hosts()).await;
    for (change, reason) in [
        (json!({ "events": [] }), "no event"),
        (json!({ "events": [{ "name": "contract_publised" }] }), "is no event"),
        (json!({ "consumer": { "label": "mine" } }), "label"),
        (json!({ "request": { "method": "POST", "url": "x" } }), "the address"),
    ] {
        let mut webhook = hook(&receiver, "/hook", &["contract_published"]);
        for (key, value) in change.as_object().unwrap() {
            webhook[key] = value.clone();
        }
        let (status, said) = broker.ask(Method::POST, "/webhooks", "writes", webhook).await;
        assert!((400..500).contains(&status) && said.to_string().contains(reason), "{status} {said}");
    }
    assert_eq!(broker.store.webhooks().await.unwrap(), []);
}

async fn webhook_can_be_tried_at_once_and_made_under_an_id(pair: Pair) {
    let receiver = Receiver::start(&[204, 500]).await;
    let broker = Broker::start(pair, receiver.hosts()).await;
    let webhook = hook(&receiver, "/${pactbroker.githubVerificationStatus}", &["provider_verification_published"]);
    let (status, made) = broker.ask(Method::PUT, "/webhooks/mine", "writes", webhook).await;
    assert_eq!((status, &made["uuid"]), (201, &json!("mine")), "{made}");
    let execute = "/webhooks/mine/execute";
    assert_eq!(broker.ask(Method::POST, execute, "writes", json!({})).await.0, 404);
    broker.publish("1", json!([order()])).await;
    let (status, tried) = broker.ask(Method::POST, execute, "writes", json!({})).await;
    assert_eq!((status, &tried["success"], &tried["outcome"]), (200, &json!(true), &json!("answered 204")));
    let (_, tried) = broker.ask(Method::POST, execute, "writes", json!({})).await;
    assert_eq!((&tried["success"], &tried["outcome"]), (&json!(false), &json!("answered 500")));
    assert_eq!(receiver.paths(2).await, ["/pending", "/pending"]);
    assert_eq!(broker.ask(Method::POST, execute, "reads", json!({})).await.0, 403);
}

backends::on_each_pair!(
    receiver_is_told_what_happened_with_names_filled_in,
    each_event_reaches_whom_it_concerns_once,
    failing_receiver_is_told_again_until_it_is_given_up,
    hanging_receiver_is_left_and_the_others_are_told,
    redirects_are_not_followed,
    nobody_is_reached_whom_the_operator_did_not_name,
    webhook_that_cannot_be_meant_is_refused,
    webhook_can_be_tried_at_once_and_made_under_an_id,
);
