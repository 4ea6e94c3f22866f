//! Pacts and answers that are wrong, hostile or out of all proportion: named with file and place, and over in time.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use contracts::store::{load_dir, load_file};
use contracts::verify::{Options, verify};
use serde_json::{Value, json};

use crate::shop::{Shop, document, order, pact, paid, quick, reply, texts, write};

/// Why a pact with this interaction is refused, without the name of its file.
fn refusal(interaction: &Value) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "p.json", &document(json!([interaction])));
    let error = load_file(&path).unwrap_err().to_string();
    let start = format!("`{}` is not a usable pact: `interactions[0]` has, at ", path.display());
    error.strip_prefix(&start).unwrap_or_else(|| panic!("{error}")).to_owned()
}

/// The order with this in the place of something in it.
fn with(pointer: &str, value: Value) -> Value {
    let mut order = order();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    order.pointer_mut(parent).unwrap()[key] = value;
    order
}

fn rule(matcher: Value) -> Value {
    with("/response/matchingRules/body", json!({ "$.total": { "matchers": [matcher] } }))
}

#[test]
fn rules_that_the_engine_would_drop_or_misread_are_refused_by_place() {
    let at = "`response.matchingRules.body['$.total']";
    for (matcher, expected) in [
        (
            json!({ "match": "no-such" }),
            "the matcher `no-such`, which no version of the specification has: expected one of type,",
        ),
        (json!({ "match": 7 }), "the matcher `7`, which no version"),
        (json!({}), "a rule without `match`, expected the name of a matcher"),
        (json!("type"), "`\"type\"`, expected an object"),
        (json!({ "match": "type", "min": -1 }), "`min` of `-1`, expected a whole number of items"),
        (json!({ "match": "type", "max": 1.5 }), "`max` of `1.5`, expected a whole number of items"),
        (json!({ "match": "include" }), "the matcher `include` without `value`"),
        (json!({ "match": "regex" }), "the matcher `regex` without an expression"),
        (json!({ "match": "regex", "regex": "[a-" }), "the regular expression `[a-`, which is none: "),
        (json!({ "match": "regex", "regex": "*a" }), "the regular expression `*a`, which is none: "),
        (json!({ "match": "arrayContains" }), "the matcher `arrayContains` without a list of `variants`"),
    ] {
        let said = refusal(&rule(matcher.clone()));
        assert!(said.starts_with(&format!("{at}.matchers[0]`, {expected}")), "{matcher}: {said}");
    }
    let nested = json!({ "match": "eachValue", "rules": [{ "match": "type" }, { "match": "odd" }] });
    assert!(refusal(&rule(nested)).starts_with(&format!("{at}.matchers[0].rules[1]`, the matcher `odd`")));
    let variant = json!({ "index": 0, "rules": { "$.a": { "matchers": [{ "match": "odd" }] } } });
    let nested = json!({ "match": "arrayContains", "variants": [variant] });
    let said = refusal(&rule(nested));
    assert!(
        said.starts_with(&format!("{at}.matchers[0].variants[0].rules['$.a'].matchers[0]`, the matcher `odd`")),
        "{said}"
    );
}

#[test]
fn rules_in_the_wrong_place_are_refused_by_place() {
    for (rules, expected) in [
        (
            json!({ "bodies": { "$": { "matchers": [] } } }),
            "`response.matchingRules.bodies`, rules about nothing that is known",
        ),
        (json!({ "body": [] }), "`response.matchingRules.body`, `[]`, expected an object"),
        (
            json!({ "body": { "$.a": { "match": "type" } } }),
            "`response.matchingRules.body['$.a']`, no list of `matchers`",
        ),
        (
            json!({ "body": { "$.a[": { "matchers": [] } } }),
            "`response.matchingRules.body['$.a[']`, a path that is none",
        ),
        (
            json!({ "body": { "$.a": { "matchers": [], "combine": "XOR" } } }),
            "`response.matchingRules.body['$.a']`, rules that are combined by `\"XOR\"`, expected `AND` or `OR`",
        ),
        (json!({ "$.body.a": { "match": "odd" } }), "`response.matchingRules['$.body.a']`, the matcher `odd`"),
    ] {
        let said = refusal(&with("/response/matchingRules", rules.clone()));
        assert!(said.starts_with(expected), "{rules}: {said}");
    }
    let mut message = paid();
    message["matchingRules"]["metadata"]["$.id"]["matchers"] = json!([{ "match": "odd" }]);
    assert!(refusal(&message).starts_with("`matchingRules.metadata['$.id'].matchers[0]`, the matcher `odd`"));
}

#[test]
fn generators_that_cannot_be_obeyed_are_refused_by_place() {
    for (generators, expected) in [
        (
            json!({ "path": { "type": "Oracle" } }),
            "`request.generators.path`, the generator `Oracle`, which no version",
        ),
        (json!({ "paths": { "type": "Uuid" } }), "`request.generators.paths`, generators of nothing that is known"),
        (json!({ "header": { "a": {} } }), "`request.generators.header.a`, the generator ``, which no version"),
        (
            json!({ "body": { "$.a": { "type": "RandomInt", "min": 5, "max": 1 } } }),
            "`request.generators.body['$.a']`, the generator `RandomInt` whose `min` is above its `max`",
        ),
        (
            json!({ "path": { "type": "Regex", "regex": "((a{9000}){9000}){9000}" } }),
            "`request.generators.path`, an expression for up to 729000000000 bytes, expected at most 65536",
        ),
        (
            json!({ "path": { "type": "Regex", "regex": "(" } }),
            "`request.generators.path`, the generator `Regex` without",
        ),
    ] {
        let said = refusal(&with("/request/generators", generators.clone()));
        assert!(said.starts_with(expected), "{generators}: {said}");
    }
}

#[test]
fn what_is_no_file_or_too_large_or_too_deep_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path();
    let pipe = Command::new("mkfifo").arg(place.join("pipe.json")).status().unwrap();
    assert!(pipe.success());
    symlink("/dev/zero", place.join("endless.json")).unwrap();
    symlink("b.json", place.join("a.json")).unwrap();
    symlink("a.json", place.join("b.json")).unwrap();
    symlink(".", place.join("here")).unwrap();
    std::fs::File::create(place.join("large.json")).unwrap().set_len(1 << 40).unwrap();
    std::fs::write(place.join("nested.json"), format!("{}1{}", "[".repeat(9000), "]".repeat(9000))).unwrap();
    std::fs::write(place.join("text.json"), [0xff, 0xfe, b'{']).unwrap();
    let deep = place.join("d/".repeat(20));
    std::fs::create_dir_all(&deep).unwrap();
    write(&deep, "unseen.json", &document(json!([order()])));
    let start = Instant::now();
    let error = load_dir(place).unwrap_err().to_string().replace(&format!("{}/", place.display()), "");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let lines: Vec<&str> = error.lines().collect();
    for (line, expected) in lines.iter().zip([
        "`d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d` is not a usable pact: it lies deeper than 16 directories",
        "cannot read `a.json`: Too many levels of symbolic links",
        "cannot read `b.json`: Too many levels of symbolic links",
        "`endless.json` is not a usable pact: it is no regular file",
        "`large.json` is not a usable pact: it is larger than 16777216 bytes",
        "`nested.json` is not JSON: recursion limit exceeded at line 1 column 128",
        "`pipe.json` is not a usable pact: it is no regular file",
        "`text.json` is not JSON: ",
    ]) {
        assert!(line.starts_with(expected), "{line}\nexpected: {expected}");
    }
    assert_eq!(lines.len(), 8, "{error}");
}

#[test]
fn pact_as_large_as_may_be_is_read_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let interactions: Vec<Value> = (0..2000)
        .map(|index| {
            let mut order = order();
            order["description"] = json!(format!("order {index}"));
            order
        })
        .collect();
    let path = write(dir.path(), "large.json", &document(json!(interactions)));
    let start = Instant::now();
    assert_eq!(load_file(&path).unwrap().interactions.len(), 2000);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn version_of_the_specification_that_nobody_knows_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for version in [json!("5.0"), json!("soon"), json!(4), json!("")] {
        let mut pact = document(json!([order()]));
        pact["metadata"]["pactSpecification"]["version"] = version.clone();
        let error = load_file(&write(dir.path(), "p.json", &pact)).unwrap_err().to_string();
        let expected =
            format!("it is written in version `{}` of the specification", version.to_string().trim_matches('"'));
        assert!(error.contains(&expected), "{error}");
    }
}

/// The order in the words of an older version.
fn old(version: &str) -> Value {
    let rules = match version {
        "1.0.0" => json!(null),
        "2.0.0" => {
            json!({ "$.body.total": { "match": "type" }, "$.headers.x-page": { "match": "regex", "regex": "^\\d+$" } })
        }
        _ => json!({
            "body": { "$.total": { "combine": "AND", "matchers": [{ "match": "integer" }] } },
            "header": { "x-page": { "combine": "AND", "matchers": [{ "match": "regex", "regex": "^\\d+$" }] } },
        }),
    };
    let mut response = json!({
        "status": 200,
        "headers": { "Content-Type": "application/json; charset=utf-8", "x-page": "7" },
        "body": { "total": 1200 },
    });
    if !rules.is_null() {
        response["matchingRules"] = rules;
    }
    json!({
        "consumer": { "name": "mail" },
        "provider": { "name": "shop" },
        "interactions": [{
            "description": "the order",
            "providerState": "an order exists",
            "pending": true,
            "comments": { "text": ["to be removed"] },
            "request": { "method": "get", "path": "/orders/7", "query": "full=yes" },
            "response": response,
        }],
        "metadata": { "pactSpecification": { "version": version } },
    })
}

#[tokio::test]
async fn older_versions_are_verified_and_what_they_say_in_vain_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let same = || reply(200, &[("x-page", "7")], &json!({ "total": 1200 }));
    let like = || reply(200, &[("x-page", "88")], &json!({ "total": 5 }));
    let unlike = || reply(200, &[("x-page", "x")], &json!({ "total": "five" }));
    for (version, by_rule) in [("1.0.0", false), ("2.0.0", true), ("3.0.0", true)] {
        let pacts = [load_file(&write(dir.path(), "p.json", &old(version))).unwrap()];
        assert_eq!(
            pacts[0].lost,
            ["comments", "pending"].map(|name| format!(
                "`interactions[0].{name}` is not obeyed: version {} of the specification has no `{name}`, 4 has",
                &version[..1]
            ))
        );
        // So it is expected, although it says that it is pending.
        let held = |answer: fn() -> Response| {
            let pacts = pacts.clone();
            async move {
                let result = Shop::start(answer).await.verify(&pacts).await;
                assert_eq!(result.expected, 1);
                result.verified == 1
            }
        };
        assert!(held(same).await, "{version}");
        assert_eq!(held(like).await, by_rule, "{version}");
        assert!(!held(unlike).await, "{version}");
    }
    let shop = Shop::start(same).await;
    shop.verify(&[load_file(&write(dir.path(), "p.json", &old("1.0.0"))).unwrap()]).await;
    assert_eq!(shop.seen.states.lock().unwrap()[0]["state"], "an order exists");
    assert_eq!(shop.seen.requests.lock().unwrap()[0].0, "/orders/7?full=yes");
}

#[tokio::test]
async fn regular_expressions_that_take_for_ever_are_given_up() {
    // Exponential: the engine itself gives up. Not quite, but for each item of a long list: nobody but us does.
    for (items, length) in [(1, 64), (40_000, 30)] {
        let title = format!("{}!", "a".repeat(length));
        let answer = json!({ "total": 1, "currency": "EUR", "lines": vec![json!({ "title": title }); items] });
        let shop = Shop::start(move || reply(200, &[("x-page", "1")], &answer)).await;
        let mut order = order();
        order["response"]["matchingRules"]["body"]["$.lines[*].title"] =
            json!({ "matchers": [{ "match": "regex", "regex": "^(a|aa)+$" }] });
        // Long enough for the exchange on a busy machine.
        let options = Options { timeout: Duration::from_secs(3), ..quick() };
        let start = Instant::now();
        let result = verify(&shop.provider, &[pact(json!([order]))], &options, |_| {}).await;
        assert!(start.elapsed() < Duration::from_secs(20), "{items} items took {:?}", start.elapsed());
        let said = texts(&result.interactions[0]);
        let expected = if items == 1 { "look at its matching rules" } else { "the comparison did not end in time" };
        assert!(said[0].contains(expected), "{items} items: {:?}", said[0]);
    }
}

fn answer(content_type: &str, body: impl Into<Body>) -> Response {
    Response::builder().header("content-type", content_type).header("x-page", "1").body(body.into()).unwrap()
}

#[tokio::test]
async fn answers_out_of_all_proportion_are_mismatches() {
    let endless = || {
        let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 16]));
        answer("application/json", Body::from_stream(chunks))
    };
    let said = Shop::start(endless).await.mismatches(order()).await;
    assert!(
        said[0].contains("with more than 8388608 bytes, expected less") || said[0].contains("did not answer"),
        "{said:?}"
    );
    let nested = || answer("application/json", format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)));
    let said = Shop::start(nested).await.mismatches(order()).await;
    assert!(said.iter().any(|said| said.contains("recursion limit exceeded")), "{said:?}");
    let wrong = || {
        let lines = vec![json!({ "title": "x".repeat(30) }); 20_000];
        reply(200, &[("x-page", "1")], &json!({ "total": "x".repeat(1 << 20), "currency": "EUR", "lines": lines }))
    };
    let mut strict = order();
    strict["response"]["matchingRules"]["body"]["$.lines[*].*"]["matchers"] = json!([{ "match": "integer" }]);
    let options = Options { timeout: Duration::from_secs(60), ..quick() };
    let shop = Shop::start(wrong).await;
    let result = verify(&shop.provider, &[pact(json!([strict]))], &options, |_| {}).await;
    let said = texts(&result.interactions[0]);
    assert!(said.iter().map(String::len).sum::<usize>() < 300_000, "{} mismatches", said.len());
    assert_eq!((said.len(), said.last().unwrap().as_str()), (101, "and 19901 mismatches more"));
    let nothing_of_it = || answer("application/json", vec![0xff, 0xfe, 0x00]);
    assert!(!Shop::start(nothing_of_it).await.mismatches(order()).await.is_empty());
}

#[tokio::test]
async fn documents_in_xml_out_of_all_proportion_are_mismatches() {
    let mut list = order();
    list["response"] = json!({
        "status": 200,
        "body": { "contentType": "application/xml", "content": "<a><a>1</a></a>" },
    });
    let nested = || answer("application/xml", format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000)));
    let said = Shop::start(nested).await.mismatches(list.clone()).await;
    assert!(!said.is_empty());
    let both = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    list["response"]["body"]["content"] = json!(both);
    let said = Shop::start(move || answer("application/xml", both.clone())).await.mismatches(list.clone()).await;
    assert!(said[0].contains("nested deeper than"), "{:?}", &said[0][..said[0].len().min(300)]);
    // Ten thousand million letters, for who expands what a document says of itself.
    let entities: String =
        (1..10).map(|level| format!("<!ENTITY e{level} \"{}\">", format!("&e{};", level - 1).repeat(10))).collect();
    let bomb = format!("<!DOCTYPE a [<!ENTITY e0 \"bbbbbbbbbb\">{entities}]><a>&e9;</a>");
    list["response"]["body"]["content"] = json!("<a>bbbb</a>");
    let said = Shop::start(move || answer("application/xml", bomb.clone())).await.mismatches(list).await;
    assert!(said.len() == 1 && said[0].len() < 2_000, "{} differences: {:.300}", said.len(), said[0]);
}

#[tokio::test]
async fn rules_of_metadata_are_obeyed_however_their_path_is_written() {
    let shop = |id: &'static str| {
        Shop::start(move || {
            use base64::Engine as _;
            let metadata = json!({ "type": "shop.order-paid.v1", "id": id }).to_string();
            let metadata = base64::engine::general_purpose::STANDARD.encode(metadata);
            reply(200, &[("Pact-Message-Metadata", &metadata)], &json!({ "order": "o", "total": 1 }))
        })
    };
    let (right, wrong) = (shop("99").await, shop("x").await);
    for path in ["id", "$.id", "$['id']"] {
        let mut message = paid();
        let rule = json!({ "combine": "AND", "matchers": [{ "match": "regex", "regex": "^[0-9]+$" }] });
        message["matchingRules"]["metadata"] = json!({ path: rule });
        assert_eq!(right.mismatches(message.clone()).await, Vec::<String>::new(), "{path}");
        assert_eq!(wrong.mismatches(message).await.len(), 1, "{path}");
    }
}

/// A server that does this with each connection, for as long as the test lasts.
async fn server(talk: &'static [u8], endless: bool) -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut talks = tokio::task::JoinSet::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            talks.spawn(async move {
                while tokio::io::AsyncWriteExt::write_all(&mut socket, talk).await.is_ok() && endless {}
                std::future::pending::<()>().await;
                drop(socket);
            });
        }
    });
    (format!("postgres://somebody:secret@{address}/broker"), task)
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_the_broker_that_is_none_is_given_up_by_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("noise.db"), [0xa5; 8192]).unwrap();
    let silent = server(b"", false).await;
    let page = server(b"HTTP/1.1 500 Internal Server Error\r\n\r\n", false).await;
    let garbage = server(b"\xff\0\0\0\x04", false).await;
    // Each is a well-formed message of PostgreSQL that says that a password is not needed.
    let endless = server(b"R\0\0\0\x08\0\0\0\0", true).await;
    for (url, expected) in [
        (format!("sqlite://{}/noise.db", dir.path().display()), "file is not a database"),
        (silent.0, "nothing that can be understood came within 5s"),
        (page.0, "nothing that can be understood came within 5s"),
        (garbage.0, "unknown message type"),
        (endless.0, "nothing that can be understood came within 5s"),
    ] {
        let start = Instant::now();
        let error = contracts::broker::Store::open(&url).await.unwrap_err().to_string();
        assert!(start.elapsed() < Duration::from_secs(30), "{url}: {:?}", start.elapsed());
        assert!(error.contains(expected), "{url}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
    for task in [silent.1, page.1, garbage.1, endless.1] {
        task.abort();
    }
}
