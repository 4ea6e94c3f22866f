//! Who may open a socket, and what those who may can do.

use axum::http::{HeaderValue, StatusCode};
use gateway::socket::client::{Client, ClientError, Handshake};
use platform::Caller;
use platform::token::{InternalTokens, Key};
use serde_json::json;

use crate::browser::{Browser, http};
use crate::system::{INTERNAL, Served, System, USERS, token};

async fn refused(handshake: Handshake) -> ClientError {
    match Browser::connect(handshake).await {
        Ok(_) => panic!("let in"),
        Err(error) => error,
    }
}

fn at(gateway: &Served) -> Handshake {
    Handshake::new(&gateway.url())
}

#[tokio::test]
async fn session_counts_wherever_it_is() {
    let system = System::start().await;
    let gateway = system.gateway().await;
    let session = token("ada", 1);
    let cookie = HeaderValue::from_str(&format!("marketplace_session={session}")).unwrap();
    for handshake in [
        at(&gateway).auth(json!({ "token": session })),
        at(&gateway).bearer(&session),
        at(&gateway).header("cookie", cookie),
    ] {
        Browser::connect(handshake).await.unwrap().wait_for_online(&["ada"]).await;
    }
}

#[tokio::test]
async fn nobody_connects_without_a_session() {
    let system = System::start().await;
    let gateway = system.gateway().await;
    let internal = InternalTokens::new(INTERNAL).sign("chat", &Caller::new("u-ada", "ada", "a@example.test")).unwrap();
    let expired =
        json!({ "aud": "marketplace", "iat": 1, "exp": 1000, "jti": "j", "sub": "u", "username": "u", "email": "e" });
    let expired = Key::new(USERS.as_bytes()).sign(&expired).unwrap();
    for (auth, reason) in [
        (json!(null), "sign_in_required"),
        (json!({}), "sign_in_required"),
        (json!("text"), "sign_in_required"),
        (json!({ "token": "nonsense" }), "invalid_session"),
        (json!({ "token": internal }), "invalid_session"),
        (json!({ "token": expired }), "session_expired"),
    ] {
        match refused(at(&gateway).auth(auth.clone())).await {
            ClientError::Refused(found) => assert_eq!(found, reason, "{auth}"),
            other => panic!("{auth}: {other}"),
        }
    }
}

#[tokio::test]
async fn socket_ends_with_its_session() {
    let system = System::start().await;
    let gateway = system.gateway().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({ "aud": "marketplace", "iat": now, "exp": now + 1, "jti": "j", "sub": "u-ada", "username": "ada",
                         "email": "ada@example.test" });
    let short = Key::new(USERS.as_bytes()).sign(&claims).unwrap();
    let ada = Browser::connect(at(&gateway).auth(json!({ "token": short }))).await.unwrap();
    ada.wait_until("the end", |told| told.last().is_some_and(|(event, _)| event == "ended")).await;
    assert_eq!(ada.told().last().unwrap().1, [json!("closed by the server")], "told so, not cut off");
}

#[tokio::test]
async fn foreign_sites_open_no_socket() {
    let system = System::start().await;
    let gateway = system.gateway_to(&system.chat.url(), &[("ALLOWED_ORIGINS", "https://shop.example")]).await;
    let from = |origin: &str| {
        let handshake = at(&gateway).auth(json!({ "token": token("ada", 1) }));
        handshake.header("origin", HeaderValue::from_str(origin).unwrap())
    };
    for origin in ["https://evil.example", "null"] {
        match refused(from(origin)).await {
            ClientError::Status(status) => assert_eq!(status, StatusCode::FORBIDDEN),
            other => panic!("{other}"),
        }
    }
    for origin in ["https://shop.example", &gateway.url()] {
        Browser::connect(from(origin)).await.unwrap();
    }
}

#[tokio::test]
async fn too_many_sockets_are_refused_and_make_room_when_they_go() {
    let system = System::start().await;
    let limits = [("SOCKETS_PER_USER", "1"), ("MAX_SOCKETS", "2")];
    let gateway = system.gateway_to(&system.chat.url(), &limits).await;
    let ada = gateway.browser("ada").await;
    match gateway.open("ada").await.map(|_| ()) {
        Err(ClientError::Refused(reason)) => assert_eq!(reason, "too_many_sockets"),
        other => panic!("{other:?}"),
    }
    let bob = loop {
        // The refused socket holds its place until the gateway has seen that it is gone.
        match gateway.open("bob").await {
            Ok(bob) => break bob,
            Err(ClientError::Status(StatusCode::SERVICE_UNAVAILABLE)) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    };
    match gateway.open("eve").await.map(|_| ()) {
        Err(ClientError::Status(status)) => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE),
        other => panic!("{other:?}"),
    }
    bob.wait_for_online(&["ada", "bob"]).await;
    drop(ada);
    bob.wait_for_online(&["bob"]).await;
    gateway.browser("ada").await;
}

#[tokio::test]
async fn oversized_packets_end_the_connection() {
    let system = System::start().await;
    let gateway = system.gateway().await;
    let ada = gateway.browser("ada").await;
    ada.say("small", json!("x".repeat(1000)));
    ada.wait_until("an answer", |told| told.iter().any(|(event, _)| event == "answer")).await;
    ada.say("large", json!("x".repeat(20_000)));
    ada.wait_until("the end", |told| told.last().is_some_and(|(event, _)| event == "ended")).await;
}

#[tokio::test]
async fn sockets_that_send_without_end_are_cut() {
    let system = System::start().await;
    let gateway = system.gateway_to(&system.chat.url(), &[("SOCKET_EVENTS_PER_SECOND", "3")]).await;
    let ada = gateway.browser("ada").await;
    for _ in 0..10 {
        ada.say("hello", json!("?"));
    }
    ada.wait_until("the end", |told| told.last().is_some_and(|(event, _)| event == "ended")).await;
    let answers: Vec<_> = ada.told().into_iter().filter(|(event, _)| event == "answer").collect();
    assert!(answers.len() <= 3, "{answers:?}");
    assert!(answers.iter().all(|(_, arguments)| arguments[0]["error"] == "unknown_event"));
}

#[tokio::test]
async fn only_websockets_of_this_version_are_served() {
    let system = System::start().await;
    let gateway = system.gateway().await;
    for path in [
        "/socket.io/",
        "/socket.io/?EIO=4&transport=polling",
        "/socket.io/?EIO=3&transport=websocket",
        "/socket.io/?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAA",
    ] {
        let answer = gateway.app.call(axum::http::Method::GET, path, None, &[], None).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (400, &json!("unsupported_transport")), "{path}");
    }
    let path = "/socket.io/?EIO=4&transport=websocket";
    let answer = gateway.app.call(axum::http::Method::GET, path, None, &[], None).await;
    assert_eq!(answer.json["code"], "websocket_expected");
}

#[tokio::test]
async fn chat_service_is_linked_to_gateways_only() {
    let system = System::start().await;
    let url = system.chat.url();
    let link = || Handshake::new(&url).namespace("/gateway");
    let expect_401 = |error| match error {
        ClientError::Status(status) => assert_eq!(status, StatusCode::UNAUTHORIZED),
        other => panic!("{other}"),
    };
    expect_401(refused(link()).await);
    expect_401(refused(link().bearer(&token("ada", 1))).await);
    let other = InternalTokens::new(INTERNAL).sign("order", &Caller::anonymous()).unwrap();
    expect_401(refused(link().bearer(&other)).await);
    let right = InternalTokens::new(INTERNAL).sign("chat", &Caller::anonymous()).unwrap();
    // Let in, and shown out as soon as it says what no gateway says.
    let mut client = Client::connect(&http(), &link().bearer(&right)).await.unwrap();
    client.emit("presence", json!({ "online": ["ada"], "offline": [] })).await.unwrap();
    let end = tokio::time::timeout(crate::browser::DEADLINE, client.next()).await.unwrap();
    assert!(matches!(end, Err(ClientError::Closed)), "{end:?}");
}
