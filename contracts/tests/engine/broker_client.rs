//! Our commands' side of the broker: the same answers from its database and over HTTP, and none from what is no broker.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use contracts::broker::{
    Access, Broker, BrokerError, Client, Credential, ForVerification, PlacementKind, Publication, Rights, Selector,
    Store, findings, router,
};
use contracts::gate::Version;
use contracts::store::{Pact, from_document};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::shop::{Shop, document, order, reply};

fn right() -> Response {
    reply(200, &[("x-page", "7")], &json!({ "total": 1, "currency": "CHF", "lines": [{ "title": "card" }] }))
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}/broker.db", dir.path().display())).await.unwrap();
    (dir, store)
}

fn publication(version: &str) -> Publication {
    Publication {
        consumer: "mail".into(),
        version: version.into(),
        branch: Some("main".into()),
        tags: vec!["green".into()],
        build_url: Some("https://ci.example/1".into()),
        pacts: vec![document(json!([order()])).to_string().into_bytes()],
    }
}

fn asked() -> ForVerification {
    ForVerification {
        provider_version_branch: Some("main".into()),
        consumer_version_selectors: vec![Selector { main_branch: Some(true), ..Selector::default() }],
        include_pending_status: true,
        include_wip_pacts_since: Some("2026-01-01".into()),
        ..ForVerification::default()
    }
}

async fn given(broker: &Broker, provider: &str) -> Vec<(Pact, bool)> {
    let given = broker.for_verification(provider, &asked()).await.unwrap();
    given.iter().map(|each| (from_document(&each.document, "given".as_ref()).unwrap(), each.pending)).collect()
}

/// Everything that a pipeline does, and what it hears.
async fn pipeline(broker: &Broker) -> Vec<String> {
    let mut heard = Vec::new();
    let (consumer, provider) = (Version::new("mail", "1"), Version::new("shop", "9"));
    for version in ["1", "1", "2"] {
        heard.push(format!("{:?}", broker.publish(&publication(version)).await.unwrap()));
    }
    let pacts = given(broker, "shop").await;
    heard.push(format!("{:?}", pacts.iter().map(|(pact, pending)| (&pact.hash, pending)).collect::<Vec<_>>()));
    assert!(given(broker, "nobody").await.is_empty());
    let pact = pacts[0].0.clone();
    broker.knows("shop", "mail", &pact.hash).await.unwrap();
    let missing = broker.knows("shop", "mail", "0123").await.unwrap_err();
    assert!(matches!(missing, BrokerError::NotFound(_)), "{missing}");
    let nowhere = broker.can_i_deploy(&consumer, "live", &[]).await.unwrap_err();
    heard.push(nowhere.to_string());
    let elsewhere = Selector { environment: Some("prodution".into()), ..Selector::default() };
    let elsewhere = ForVerification { consumer_version_selectors: vec![elsewhere], ..asked() };
    heard.push(broker.for_verification("shop", &elsewhere).await.unwrap_err().to_string());
    broker.ensure_environment("live").await.unwrap();
    broker.ensure_environment("live").await.unwrap();
    for ignored in [vec![], vec!["shop".to_owned()]] {
        let answer = broker.can_i_deploy(&consumer, "live", &ignored).await.unwrap();
        heard.push(format!("{answer} {:?}", answer.rows));
    }

    let shop = Shop::start(right).await;
    let (found, _) = findings(std::slice::from_ref(&pact), &shop.verify(std::slice::from_ref(&pact)).await).unwrap();
    let results = [(found[0].consumer.clone(), pact.hash.clone(), found[0].verification("9", None))];
    broker.record_verifications(&provider, Some("main"), &results).await.unwrap();
    heard.push(format!("{:?}", given(broker, "shop").await.iter().map(|(_, pending)| pending).collect::<Vec<_>>()));
    for (version, environment) in [(&provider, "production"), (&Version::new("shop", "8"), "live")] {
        let refused = broker.record_placement(PlacementKind::Deployed, version, environment, None).await.unwrap_err();
        assert!(matches!(refused, BrokerError::NotFound(_)), "{refused}");
        heard.push(refused.to_string());
    }
    let kinds = [(PlacementKind::Deployed, Some("eu")), (PlacementKind::Released, None)];
    for (kind, target) in kinds {
        let placed = broker.record_placement(kind, &provider, "live", target).await.unwrap();
        heard.push(format!("{:?} {} {} {:?}", placed.kind, placed.version, placed.environment, placed.target));
        assert!(!placed.id.is_empty() && !placed.created_at.is_empty());
    }
    let answer = broker.can_i_deploy(&consumer, "live", &[]).await.unwrap();
    heard.push(format!("{answer} {:?}", answer.rows));

    let mut other = order();
    other["response"]["status"] = json!(201);
    let other = Publication { pacts: vec![document(json!([other])).to_string().into_bytes()], ..publication("1") };
    let refused = broker.publish(&other).await.unwrap_err();
    assert!(matches!(refused, BrokerError::Conflict(_)), "{refused}");
    heard.push(refused.to_string());
    let (success, tests) = (true, json!([]));
    let hollow = contracts::broker::Verification {
        success,
        results: json!({ "success": success, "providerApplicationVersion": "9", "testResults": tests }),
        ..found[0].verification("9", None)
    };
    let refused = broker.record_verifications(&provider, None, &[("mail".into(), pact.hash, hollow)]).await;
    heard.push(refused.unwrap_err().to_string());
    heard
}

#[tokio::test]
async fn pipeline_hears_the_same_from_the_database_and_over_http() {
    let (_dir, database) = store().await;
    let from_database = pipeline(&Broker::Database(database)).await;
    let (_dir, served) = store().await;
    let writer = Credential::Bearer("w".into());
    let access = Access::nobody().with(&writer, Rights::Write);
    let address = serve(router(served, access, None)).await;
    let from_http = pipeline(&Broker::open(&address, Some(writer)).await.unwrap()).await;
    assert_eq!(from_database, from_http);
    assert!(from_http[0].contains("new: Some(true)") && from_http[2].contains("new: Some(false)"), "{from_http:?}");
    assert!(from_http.iter().any(|each| each.starts_with("yes\n")), "{from_http:?}");
}

#[tokio::test]
async fn broker_below_a_path_is_found_by_its_links() {
    let (_dir, served) = store().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/pact/broker", listener.local_addr().unwrap());
    let inner = router(served, Access::everybody(), Some(&address));
    tokio::spawn(async move { axum::serve(listener, Router::new().nest("/pact/broker", inner)).await.unwrap() });
    let broker = Broker::open(&address, None).await.unwrap();
    broker.publish(&publication("1")).await.unwrap();
    broker.ensure_environment("live").await.unwrap();
    let answer = broker.can_i_deploy(&Version::new("mail", "1"), "live", &[]).await.unwrap();
    assert!(!answer.decision.is_yes(), "{answer}");
}

#[tokio::test]
async fn address_is_asked_for_as_it_was_given() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let answer = move |request: Request| {
        kept.lock().unwrap().push(request.uri().path().to_owned());
        std::future::ready(reply(404, &[], &json!({})))
    };
    let address = serve(Router::new().fallback(answer)).await;
    for path in ["", "/", "/broker", "/broker/"] {
        let broker = Broker::open(&format!("{address}{path}"), None).await.unwrap();
        broker.ensure_environment("live").await.unwrap_err();
        broker.can_i_deploy(&Version::new("mail", "1"), "live", &[]).await.unwrap_err();
    }
    let expected = ["/", "/matrix", "/", "/matrix", "/broker", "/broker/matrix", "/broker/", "/broker/matrix"];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn who_may_not_is_told_what_is_missing() {
    let (_dir, served) = store().await;
    let reader = Credential::Basic { user: "ada".into(), password: "s3cret".into() };
    let address = serve(router(served, Access::nobody().with(&reader, Rights::Read), None)).await;
    let unknown = Broker::open(&address, None).await.unwrap().publish(&publication("1")).await.unwrap_err();
    assert!(unknown.to_string().contains("--broker-token"), "{unknown}");
    let reader = Broker::open(&address, Some(reader)).await.unwrap();
    let refused = reader.publish(&publication("1")).await.unwrap_err().to_string();
    assert!(refused.contains("who may do this") && !refused.contains("s3cret"), "{refused}");
    assert!(given(&reader, "shop").await.is_empty(), "published");
}

#[tokio::test]
async fn address_that_is_none_is_refused_without_a_secret_in_the_sentence() {
    for (odd, why) in [
        ("http://ada:s3cret@broker.example", "has a name or a password"),
        ("https://broker.example/?token=s3cret", "has a query"),
        ("http://", "is none"),
        ("s3cret", "leads to no database"),
    ] {
        let refused = Broker::open(odd, None).await.unwrap_err().to_string();
        assert!(refused.contains(why) && (odd == "s3cret" || !refused.contains("s3cret")), "{odd}: {refused}");
    }
    let token = || Some(Credential::Bearer("s3cret".into()));
    let refused = Broker::open("sqlite://never-made.db", token()).await.unwrap_err().to_string();
    assert!(refused.contains("takes no credentials") && !std::path::Path::new("never-made.db").exists(), "{refused}");
    assert!(!format!("{:?}", Broker::open("https://broker.example", token()).await.unwrap()).contains("s3cret"));
}

/// What each operation says to a broker that answers like this.
async fn refusals(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Vec<String> {
    let address = serve(Router::new().fallback(move || std::future::ready(answer()))).await;
    refusals_of(Client::new(&address, None).unwrap().within(Duration::from_secs(20))).await
}

async fn refusals_of(client: Client) -> Vec<String> {
    let broker = Broker::Http(client);
    let version = Version::new("mail", "1");
    let told = [
        broker.publish(&publication("1")).await.map(drop),
        broker.for_verification("shop", &asked()).await.map(drop),
        broker.knows("shop", "mail", "0123").await,
        broker.can_i_deploy(&version, "live", &[]).await.map(drop),
        broker.ensure_environment("live").await,
        broker.record_placement(PlacementKind::Deployed, &version, "live", None).await.map(drop),
    ];
    told.into_iter().map(|each| each.expect_err("it was taken for a broker").to_string()).collect()
}

#[tokio::test]
async fn what_is_no_broker_is_named_with_its_address() {
    let answered = |status: u16, kind: &'static str, body: &'static str| {
        move || Response::builder().status(status).header("content-type", kind).body(Body::from(body)).unwrap()
    };
    let cases = [
        (answered(500, "text/html", "<h1>boom</h1>\n\n"), "status 500, `<h1>boom</h1>`"),
        (answered(503, "application/json", r#"{"errors": ["no database"]}"#), "no database (status 503)"),
        (answered(502, "application/json", r#"{"error": {"message": "no\nupstream"}}"#), "no upstream (status 502)"),
        (answered(200, "text/html", "<html>welcome</html>"), "expected a HAL document of a contract broker"),
        (answered(200, "application/hal+json", r#"{"_links": {"#), "expected a HAL document of a contract broker"),
        (answered(200, "application/hal+json", "[]"), "expected a HAL document of a contract broker"),
        (answered(200, "application/hal+json", ""), "expected a HAL document of a contract broker"),
        (answered(200, "application/hal+json", "{}"), "the answer is without"),
        (answered(200, "application/hal+json", r#"{"_links": 7, "summary": {"deployable": "yes"}}"#), "is without"),
    ];
    for (answer, expected) in cases {
        for said in refusals(answer).await {
            assert!(said.contains("http://127.0.0.1:") && said.contains(expected), "{expected}: {said}");
            assert!(said.len() < 1000 && !said.contains('\n'), "{said}");
        }
    }
}

#[tokio::test]
async fn credentials_go_to_nobody_else() {
    let visits: Arc<Mutex<u32>> = Arc::default();
    let counted = Arc::clone(&visits);
    let stranger = Router::new().fallback(move || {
        *counted.lock().unwrap() += 1;
        std::future::ready(reply(200, &[], &json!({})))
    });
    let stranger = serve(stranger).await;
    let links = |to: &str| {
        let relations = ["pb:publish-contracts", "pb:provider-pacts-for-verification", "pb:environments"].into_iter();
        let relations = relations.chain(["pb:pacticipant-version", "pb:publish-verification-results"]);
        let links: Value = relations.map(|relation| (relation.to_owned(), json!({ "href": to }))).collect();
        json!({ "_links": links, "summary": { "deployable": 1 } })
    };
    let client = |address: &str| Client::new(address, Some(Credential::Bearer("s3cret".into()))).unwrap();
    for to in [format!("{stranger}/x"), stranger.replace("http:", ""), "https://evil.example/x".to_owned()] {
        let document = links(&to);
        let answer = move || std::future::ready(reply(200, &[], &document));
        let said = refusals_of(client(&serve(Router::new().fallback(answer)).await)).await;
        assert_eq!(said.iter().filter(|said| said.contains("leads away from")).count(), 5, "{said:?}");
    }
    let to = stranger.clone();
    let redirect = move || {
        let answer = Response::builder().status(307).header("location", &to).body(Body::empty());
        std::future::ready(answer.unwrap())
    };
    for said in refusals_of(client(&serve(Router::new().fallback(redirect)).await)).await {
        assert!(said.contains(&format!("leads to `{stranger}`, expected the address of the broker")), "{said}");
    }
    assert_eq!(*visits.lock().unwrap(), 0);
}

#[tokio::test]
async fn broker_that_hangs_or_never_ends_or_hangs_up_is_waited_for_no_longer_than_allowed() {
    let address = serve(Router::new().fallback(std::future::pending::<Response>)).await;
    let client = Client::new(&address, None).unwrap().within(Duration::from_millis(50));
    for said in refusals_of(client).await {
        assert!(said.contains("no answer within 50ms"), "{said}");
    }
    let endless = || {
        let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
        Response::new(Body::from_stream(chunks))
    };
    let address = serve(Router::new().fallback(move || std::future::ready(endless()))).await;
    let client = Client::new(&address, None).unwrap();
    let said = client.knows("shop", "mail", "0123").await.unwrap_err().to_string();
    assert!(said.contains("more than 67108864 bytes"), "{said}");
    // Whoever connects is hung up on.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(drop));
    for said in refusals_of(Client::new(&address, None).unwrap()).await {
        assert!(said.contains(&address), "{said}");
    }
}

/// A broker with other names for contents and interactions than ours, which only links lead to, as the official one.
#[derive(Clone, Default)]
struct Foreign {
    seen: Arc<Mutex<Vec<(Method, String, Value)>>>,
    /// What it says to results, if it keeps them.
    forgetful: bool,
}

impl Foreign {
    async fn serve(&self) -> Broker {
        let foreign = self.clone();
        let answer = move |request: Request| {
            let foreign = foreign.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
                let content = foreign.answer(parts.uri.path(), &sent);
                foreign.seen.lock().unwrap().push((parts.method, parts.uri.path().to_owned(), sent));
                reply(if content.is_null() { 404 } else { 200 }, &[], &content)
            }
        };
        Broker::open(&serve(Router::new().fallback(answer)).await, None).await.unwrap()
    }

    fn answer(&self, path: &str, sent: &Value) -> Value {
        let pact = |sha: &str| format!("/pacts/provider/shop/consumer/mail/pact-version/{sha}/metadata/abc");
        let listed = |sha: &str, pending: Option<bool>| {
            json!({
                "verificationProperties": { "notices": [], "pending": pending },
                "_links": { "self": { "href": pact(sha) } },
            })
        };
        match path {
            "/" => json!({ "_links": {
                "pb:provider-pacts-for-verification": { "href": "/pacts/provider/{provider}/for-verification" },
                "pb:pacticipant": { "href": "/pacticipants/{pacticipant}" },
                "pb:publish-contracts": { "href": "/contracts/publish" },
                "pb:pacticipant-branch-version":
                    { "href": "/pacticipants/{pacticipant}/branches/{branch}/versions/{version}" },
            } }),
            "/pacts/provider/shop/for-verification" => {
                json!({ "_embedded": { "pacts": [listed("0ff1c1a1", None), listed("0ff1c1a2", Some(true))] } })
            }
            "/pacticipants/known" => json!({ "name": "known" }),
            path if path.ends_with("verification-results") && !self.forgetful => json!({ "success": sent["success"] }),
            path if [pact("0ff1c1a1"), pact("0ff1c1a2")].iter().any(|pact| pact == path) => {
                let mut interaction = order();
                interaction["_id"] = json!(format!("{}-own", path.split('/').nth(7).unwrap()));
                let mut document = document(json!([interaction]));
                document["createdAt"] = json!("2026-01-01T00:00:00+00:00");
                document["_links"] =
                    json!({ "pb:publish-verification-results": { "href": format!("{path}/verification-results") } });
                document
            }
            path if path.ends_with("for-verification") || path.starts_with("/pacticipants/nobody") => Value::Null,
            _ => json!({}),
        }
    }
}

#[tokio::test]
async fn results_go_where_the_broker_wants_them_under_its_own_names() {
    let foreign = Foreign::default();
    let broker = foreign.serve().await;
    let pacts = given(&broker, "shop").await;
    assert_eq!(pacts.iter().map(|(_, pending)| *pending).collect::<Vec<_>>(), [false, true]);
    let pact = pacts[0].0.clone();
    assert_eq!(pact.hash, crate::shop::pact(json!([order()])).hash);
    broker.knows("shop", "mail", &pact.hash).await.unwrap();
    let shop = Shop::start(right).await;
    let (found, _) = findings(std::slice::from_ref(&pact), &shop.verify(std::slice::from_ref(&pact)).await).unwrap();
    let results = [("mail".to_owned(), pact.hash, found[0].verification("9", Some("https://ci.example/2")))];
    broker.record_verifications(&Version::new("shop", "9"), Some("fix/a b"), &results).await.unwrap();
    let seen = foreign.seen.lock().unwrap();
    let sent = seen.iter().find(|(_, path, _)| path.ends_with("for-verification")).unwrap();
    assert_eq!(
        sent.2,
        json!({
            "providerVersionBranch": "main",
            "providerVersionTags": [],
            "consumerVersionSelectors": [{ "mainBranch": true }],
            "includePendingStatus": true,
            "includeWipPactsSince": "2026-01-01",
        })
    );
    // Both that it tells apart, although they say the same.
    let [.., (put, branch, _), (_, first, one), (_, second, other)] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((put, branch.as_str()), (&Method::PUT, "/pacticipants/shop/branches/fix%2Fa%20b/versions/9"));
    for (to, result, sha) in [(first, one, "0ff1c1a1"), (second, other, "0ff1c1a2")] {
        assert!(to.contains(sha) && to.ends_with("/verification-results"), "{to}");
        assert_eq!(result["testResults"][0]["interactionId"], format!("{sha}-own"));
        assert_eq!((&result["success"], &result["providerApplicationVersion"]), (&json!(true), &json!("9")));
    }
}

#[tokio::test]
async fn what_was_not_kept_is_not_published() {
    let broker = Foreign { forgetful: true, ..Foreign::default() }.serve().await;
    let hollow = broker.publish(&publication("1")).await.unwrap_err().to_string();
    assert!(hollow.contains("/contracts/publish") && hollow.contains("without"), "{hollow}");
    let pact = given(&broker, "shop").await[0].0.clone();
    for results in [json!({ "testResults": [] }), json!([]), json!({ "testResults": ["odd"] })] {
        let verification = contracts::broker::Verification {
            provider_version: "9".into(),
            success: true,
            results,
            build_url: None,
            verified_by: None,
        };
        let results = [("mail".to_owned(), pact.hash.clone(), verification)];
        let hollow = broker.record_verifications(&Version::new("shop", "9"), None, &results).await.unwrap_err();
        assert!(hollow.to_string().contains("without the result that was published"), "{hollow}");
    }
}

#[tokio::test]
async fn provider_that_nobody_has_named_has_no_pacts_and_a_refusal_is_none_of_that() {
    let broker = Foreign::default().serve().await;
    assert!(broker.for_verification("nobody", &asked()).await.unwrap().is_empty());
    let refused = broker.for_verification("known", &asked()).await.unwrap_err();
    assert!(refused.to_string().contains("status 404"), "{refused}");
}

/// What the client makes of this answer to "can I deploy?", and what it had asked.
async fn judged(answer: Value, ignored: &[String]) -> (Result<contracts::broker::Answer, String>, String) {
    let asked: Arc<Mutex<String>> = Arc::default();
    let kept = Arc::clone(&asked);
    let answer = move |request: Request| {
        *kept.lock().unwrap() = request.uri().query().unwrap_or_default().to_owned();
        std::future::ready(reply(200, &[], &answer))
    };
    let broker = Broker::open(&serve(Router::new().fallback(answer)).await, None).await.unwrap();
    let answer = broker.can_i_deploy(&Version::new("mail", "1"), "live", ignored).await;
    let asked = asked.lock().unwrap().clone();
    (answer.map_err(|error| error.to_string()), asked)
}

fn line(provider_version: &str, success: Option<bool>, ignored: bool) -> Value {
    json!({
        "consumer": { "name": "mail", "version": { "number": "1" } },
        "provider": { "name": "shop", "version": { "number": provider_version } },
        "pact": { "_links": { "self": { "href": "http://b/pacts/provider/shop/consumer/mail/pact-version/c0/metadata/m" } } },
        "verificationResult": success.map(|success| json!({
            "success": success,
            "_links": { "self": { "href": "http://b/pacts/x/pact-version/c0/verification-results/7" } },
        })),
        "ignored": ignored,
    })
}

#[tokio::test]
async fn yes_is_one_only_with_every_row_that_it_rests_on() {
    let yes =
        |lines: Vec<Value>| json!({ "summary": { "deployable": true, "reason": "All\nis well" }, "matrix": lines });
    let (answer, asked) = judged(yes(vec![line("9", Some(true), false), line("8", Some(false), true)]), &[]).await;
    let answer = answer.unwrap();
    assert!(answer.decision.is_yes());
    assert_eq!((answer.reasons, answer.rows.len()), (vec!["All".to_owned(), "is well".to_owned()], 1));
    let row = &answer.rows[0];
    assert_eq!((row.content.as_str(), row.verification, row.provider_version.as_deref()), ("c0", Some(7), Some("9")));
    for expected in ["latestby=cvpv", "limit=10000", "environment=live", "q%5B%5D%5Bversion%5D=1"] {
        assert!(asked.contains(expected), "{asked}");
    }
    for success in [Some(false), None] {
        let (answer, _) = judged(yes(vec![line("9", Some(true), false), line("10", success, false)]), &[]).await;
        assert!(answer.unwrap_err().contains("says yes, but has no success of shop"));
    }
    let (answer, _) = judged(yes(vec![line("9", Some(true), false); 10_000]), &[]).await;
    assert!(answer.unwrap_err().contains("may have been cut off"));
    let (answer, _) = judged(yes(vec![json!({ "provider": 7 })]), &[]).await;
    assert!(answer.unwrap_err().contains("is without"));
    let (answer, asked) = judged(yes(vec![]), &[" ".to_owned()]).await;
    assert!(answer.unwrap_err().contains("an empty name") && asked.is_empty());
}

#[tokio::test]
async fn words_of_a_broker_are_told_in_one_line_each() {
    let notices = vec![json!({ "type": "error", "text": "no\n::stop-commands::x\u{1b}[2J" }); 300];
    let (answer, _) = judged(json!({ "summary": { "deployable": null }, "notices": notices, "matrix": [] }), &[]).await;
    let answer = answer.unwrap();
    assert_eq!((answer.reasons.len(), answer.reasons[0].as_str()), (200, "no ::stop-commands::x [2J"));
    assert!(!answer.decision.is_yes());
}
