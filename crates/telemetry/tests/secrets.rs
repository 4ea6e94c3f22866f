//! No secret of a generated set leaves by any exporter: not in a log line, a span, a metric, or a scrape.
//!
//! Alone in its process: it takes the place of stdout's reader and of the collector.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{StatusCode, Uri};
use axum::routing::{any, post};
use opentelemetry::KeyValue;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use telemetry::http::{Client, server_layer};
use telemetry::span::Observe;
use telemetry::testing::{Capture, capture_with, emitted};

/// Sets of secrets that are sent.
const CASES: usize = 32;

/// How numbers of cards begin.
const ISSUERS: [[u8; 4]; 5] = [[4, 1, 1, 1], [4, 9, 2, 7], [5, 1, 0, 5], [5, 5, 3, 9], [2, 2, 2, 1]];

/// What must not be seen anywhere.
#[derive(Debug, Clone)]
struct Secrets {
    email: String,
    bearer: String,
    jwt: String,
    card: String,
    password: String,
}

impl Secrets {
    fn all(&self) -> [&String; 5] {
        [&self.email, &self.bearer, &self.jwt, &self.card, &self.password]
    }
}

/// Everything that came to the collector, signal by signal.
type Received = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

prop_compose! {
    fn secrets()(
        name in "[a-z]{6,12}",
        domain in "[a-z]{4,10}\\.(org|example|co\\.uk)",
        bearer in "[A-Za-z0-9._-]{16,40}",
        parts in ("[A-Za-z0-9_-]{8,24}", "[A-Za-z0-9_-]{8,24}"),
        issuer in prop::sample::select(&ISSUERS[..]),
        digits in prop::collection::vec(0u8..10, 11),
        grouped in prop::bool::ANY,
        password in "[A-Za-z0-9!*_]{12,20}",
    ) -> Secrets {
        Secrets {
            email: format!("{name}.{name}@{domain}"),
            bearer: format!("Zq{bearer}Zq"),
            jwt: format!("eyJ{}.eyJ{}.{name}", parts.0, parts.1),
            card: card(&[&issuer[..], &digits].concat(), grouped),
            password: format!("Pw{password}"),
        }
    }
}

/// Sixteen digits, the last of which makes the check sum right.
fn card(digits: &[u8], grouped: bool) -> String {
    let luhn = |digits: &[u8]| {
        let sum: u32 = digits
            .iter()
            .rev()
            .enumerate()
            .map(|(at, digit)| {
                let value = u32::from(*digit) << (at % 2);
                if value > 9 { value - 9 } else { value }
            })
            .sum();
        sum.is_multiple_of(10)
    };
    let check = (0..10).find(|check| luhn(&[digits, &[*check]].concat())).unwrap();
    let text: String = [digits, &[check]].concat().iter().map(|digit| char::from(digit + b'0')).collect();
    if grouped {
        text.as_bytes().chunks(4).map(|group| str::from_utf8(group).unwrap()).collect::<Vec<_>>().join(" ")
    } else {
        text
    }
}

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    support::serve(listener, app);
    base
}

/// A collector that keeps what it is sent.
async fn collector(received: Received) -> String {
    let take = async move |uri: Uri, body: Bytes| {
        received.lock().unwrap().push((uri.path().to_owned(), body.to_vec()));
        StatusCode::OK
    };
    serve(Router::new().fallback(post(take))).await
}

#[derive(Debug, thiserror::Error)]
#[error("cannot write to {0}")]
struct MailError(String, #[source] std::io::Error);

/// Sends the secrets through everything that is observed.
async fn leak(capture: &Capture, base: &str, secrets: &Secrets) {
    let Secrets { email, bearer, jwt, card, password } = secrets;
    let (client, foreign) = (Client::new(reqwest::Client::new()), Client::new(reqwest::Client::new()).external());
    let calls = async {
        let with_userinfo = base.replace("http://", &format!("http://eve:{password}@"));
        let get = |url: String| client.get(url).bearer_auth(bearer).header("cookie", format!("session={jwt}"));
        let get = |url: String| {
            get(url).header("baggage", format!("user={email},tenant={email}")).header("x-api-key", password)
        };
        get(format!("{base}/users/{email}")).send().await.unwrap();
        get(format!("{base}/verify/{password}")).route("/verify/{token}").send().await.unwrap();
        get(format!("{base}/search?password={password}&q={email}&access_token={bearer}&page=2")).send().await.unwrap();
        get(format!("{base}/cards/{}", card.replace(' ', "-"))).header("user-agent", jwt).send().await.unwrap();
        get(format!("{with_userinfo}/search?jwt={jwt}")).send().await.unwrap();
        // Inside of another URL, where they are encoded.
        let pairs = format!("jwt%3D{jwt}%26password%3D{password}%26q%3Da%20{}", card.replace(' ', ""));
        get(format!("{base}/search?redirect=%2Fcb%3F{pairs}%20{jwt}")).send().await.unwrap();
        foreign.get(format!("{base}/search?token={bearer}")).send().await.unwrap();
        // What reqwest says of a call that fails holds the URL.
        let error = client.get(format!("http://eve:{password}@127.0.0.1:1/?token={bearer}")).send().await.unwrap_err();
        tracing::error!(error = %error, "call failed");

        let span = tracing::info_span!("checkout", card_number = %card, user.email = %email);
        span.in_scope(|| {
            tracing::info!(token = %bearer, password = %password, "paid with {card}, receipt to {email}");
            tracing::warn!(header = format!("Authorization: Bearer {bearer}"), claims = %jwt, "refused");
            tracing::info!(url = format!("postgres://localhost/shop?password={password}"), "connecting");
            let error = MailError(email.clone(), std::io::Error::other(format!("token={bearer}")));
            tracing::error!(error = &error as &dyn std::error::Error, debug = ?error, "mail not sent");
            if let Ok(number) = card.replace(' ', "").parse::<u64>() {
                tracing::info!(number, as_float = 0.5, "a card as a number");
            }
        });
        let step =
            Observe::client(format!("mail {email}")).attribute("to_email", email.clone()).attribute("jwt", jwt.clone());
        let step = step.attribute("note", format!("card {card}")).attribute("header", format!("Bearer {bearer}"));
        let _ = step.run(async { Err::<(), _>(format!("refused {email}: password={password}")) }).await;

        let mut headers = lapin::types::FieldTable::default();
        headers.insert("authorization".into(), lapin::types::AMQPValue::LongString(format!("Bearer {bearer}").into()));
        headers.insert("baggage".into(), lapin::types::AMQPValue::LongString(format!("user={email}").into()));
        let mut delivery = support::delivery("events", email, headers, false);
        delivery.properties =
            delivery.properties.with_message_id(email.as_str().into()).with_type(card.as_str().into());
        let failed =
            telemetry::messaging::process(&delivery, "mail", async { Err::<(), _>(format!("no card {card}")) });
        assert!(failed.await.is_err());

        let counter = telemetry::metrics::meter().u64_counter("app.secrets.sent").build();
        counter.add(1, &[KeyValue::new("email", email.clone()), KeyValue::new("note", format!("Bearer {bearer}"))]);
    };
    capture.run(calls).await;
}

/// The secrets that `bytes` show, in plain or as a URL would write them.
fn found<'a>(secrets: &'a [Secrets], bytes: &[u8]) -> BTreeSet<&'a String> {
    let text = String::from_utf8_lossy(bytes);
    secrets
        .iter()
        .flat_map(Secrets::all)
        .filter(|secret| {
            text.contains(secret.as_str()) || ["-", ""].iter().any(|gap| text.contains(&secret.replace(' ', gap)))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_by_any_exporter() {
    let received = Received::default();
    let endpoint = collector(Arc::clone(&received)).await;
    let capture = capture_with(|config| {
        let config = config.otlp_endpoint(&endpoint).allow_baggage(["tenant"]);
        config.span_delay(Duration::from_millis(20)).metric_interval(Duration::from_millis(100))
    });
    let app = Router::new()
        .route("/users/{id}", any(async |Path(id): Path<String>| tracing::info!(id, "a user")))
        .route("/verify/{token}", any(async |Path(token): Path<String>| tracing::info!(token, "verified")))
        .route("/cards/{number}", any(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/search", any(async |uri: Uri| tracing::info!(%uri, "searching")))
        .layer(server_layer().slow(Duration::ZERO));
    let base = serve(app).await;

    let mut runner = TestRunner::deterministic();
    let sets: Vec<Secrets> = (0..CASES).map(|_| secrets().new_tree(&mut runner).unwrap().current()).collect();
    for set in &sets {
        leak(&capture, &base, set).await;
    }

    // The last span, line and a point of the last measurement have come: so has all that was made before.
    capture.run(Observe::internal("the last span").run(async { tracing::info!("the last line") })).await;
    telemetry::metrics::meter().u64_counter("app.secrets.last").build().add(1, &[]);
    let deadline = Instant::now() + Duration::from_secs(20);
    let came = |path: &str, what: &str| {
        let received = received.lock().unwrap();
        received.iter().any(|(to, body)| to == path && String::from_utf8_lossy(body).contains(what))
    };
    let last = [("/v1/traces", "the last span"), ("/v1/metrics", "app.secrets.last"), ("/v1/logs", "the last line")];
    while !last.iter().all(|(path, what)| came(path, what)) {
        assert!(Instant::now() < deadline, "the collector did not get everything");
        tokio::task::yield_now().await;
    }

    let emitted = emitted();
    let scrape = telemetry::metrics::prometheus();
    let mut leaks = BTreeMap::<String, Vec<String>>::new();
    let mut search = |channel: &str, bytes: &[u8], shown: &str| {
        let found = found(&sets, bytes).into_iter().map(|secret| format!("{secret} in {shown}"));
        leaks.entry(channel.to_owned()).or_default().extend(found);
    };
    for (path, body) in received.lock().unwrap().iter() {
        search(path, body, "protobuf");
    }
    scrape.lines().for_each(|line| search("/metrics", line.as_bytes(), line));
    emitted.logs.iter().for_each(|line| search("log lines", line.raw().as_bytes(), line.raw()));
    leaks.retain(|_, leaks| !leaks.is_empty());
    for (channel, leaks) in &leaks {
        let examples: Vec<_> = leaks.iter().take(5).map(String::as_str).collect();
        eprintln!("{} leaks by {channel}, such as\n{}", leaks.len(), examples.join("\n"));
    }
    assert!(leaks.is_empty(), "{:?} leak", leaks.keys());

    // Whoever looks for nothing finds nothing.
    assert!(emitted.logs.len() > CASES * 15, "{} lines", emitted.logs.len());
    assert!(emitted.spans.len() > CASES * 15, "{} spans", emitted.spans.len());
    assert!(scrape.contains("app_secrets_sent_total"));
    let planted = format!("mail {}", sets[0].email);
    assert_eq!(found(&sets, planted.as_bytes()).len(), 1);
}
