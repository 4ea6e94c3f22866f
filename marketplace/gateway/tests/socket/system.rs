//! Gateways, the chat service behind them, and a stand-in for the users service.

use std::net::SocketAddr;

use axum::extract::Path;
use axum::http::Method;
use axum::routing::get;
use axum::{Json, Router};
use gateway::clients::auth::User;
use gateway::session::Sessions;
use gateway::socket::client::{ClientError, Handshake};
use platform::testing::{Answer, TestApp};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::browser::Browser;

pub(crate) const INTERNAL: &str = "internal secret of the tests, long enough";
pub(crate) const USERS: &str = "a user secret of at least 32 characters";

/// A service on a free port.
pub(crate) struct Served {
    pub(crate) app: TestApp,
    pub(crate) address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
}

impl Served {
    pub(crate) async fn new(app: TestApp) -> Self {
        let (address, server) = serve(app.router()).await;
        Self { app, address, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops it as SIGTERM would.
    pub(crate) async fn stop(self) {
        let Self { app, server, .. } = self;
        server.abort();
        app.stop().await;
    }
}

async fn serve(router: Router) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

/// The chat service, and what gateways need besides it.
pub(crate) struct System {
    pub(crate) chat: Served,
    users: SocketAddr,
}

impl System {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(variables: &[(&str, &str)]) -> Self {
        let contact = |Path(username): Path<String>| async move {
            Json(
                json!({ "id": format!("u-{username}"), "username": username, "email": format!("{username}@example.test") }),
            )
        };
        let (users, _) = serve(Router::new().route("/api/v1/buyer/contact/{username}", get(contact))).await;
        let chat = TestApp::start("chat", variables, chat::app).await.unwrap();
        Self { chat: Served::new(chat).await, users }
    }

    /// Another instance of the chat service, on the same database.
    pub(crate) async fn another_chat(&self) -> Served {
        let url = self.chat.app.database_url();
        Served::new(TestApp::start("chat", &[("DATABASE_URL", &url)], chat::app).await.unwrap()).await
    }

    /// What a gateway is told about the world.
    pub(crate) fn variables(&self, chat: &str) -> Vec<(&'static str, String)> {
        let users = format!("http://{}", self.users);
        let mut all = vec![
            ("JWT_SECRET", USERS.to_owned()),
            ("INTERNAL_TOKEN_SECRET", INTERNAL.to_owned()),
            ("CHAT_URL", chat.to_owned()),
        ];
        all.extend(["AUTH_URL", "USERS_URL", "GIG_URL", "ORDER_URL", "REVIEW_URL"].map(|name| (name, users.clone())));
        all
    }

    pub(crate) async fn gateway(&self) -> Served {
        self.gateway_to(&self.chat.url(), &[]).await
    }

    pub(crate) async fn gateway_to(&self, chat: &str, more: &[(&str, &str)]) -> Served {
        let variables = self.variables(chat);
        let mut variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.extend(more);
        Served::new(TestApp::start("gateway", &variables, gateway::app).await.unwrap()).await
    }
}

/// A session of `username` that lasts `hours`.
pub(crate) fn token(username: &str, hours: u32) -> String {
    let user = User {
        id: format!("u-{username}"),
        username: username.to_owned(),
        email: format!("{username}@example.test"),
        email_verified: true,
        created_at: String::new(),
    };
    Sessions::new(USERS, hours, false).issue(&user).unwrap()
}

impl Served {
    /// A socket of `username` that is linked through to the chat service.
    pub(crate) async fn browser(&self, username: &str) -> Browser {
        let browser = self.open(username).await.unwrap();
        browser
            .wait_until(&format!("`{username}` is online"), |told| {
                Browser::online(told).iter().any(|name| name == username)
            })
            .await;
        browser
    }

    /// A socket of `username`.
    pub(crate) async fn open(&self, username: &str) -> Result<Browser, ClientError> {
        Browser::connect(Handshake::new(&self.url()).auth(json!({ "token": token(username, 1) }))).await
    }

    /// A call of `username` to this gateway.
    pub(crate) async fn call(&self, method: Method, path: &str, username: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {}", token(username, 1));
        let path = format!("/api/v1/gateway{path}");
        self.app.call(method, &path, None, &[("authorization", &bearer)], body).await
    }

    /// Sends a message over HTTP; the message.
    pub(crate) async fn send(&self, from: &str, to: &str, text: &str) -> Value {
        let body = json!({ "receiverUsername": to, "body": text });
        let answer = self.call(Method::POST, "/message", from, Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json["message"].clone()
    }
}
