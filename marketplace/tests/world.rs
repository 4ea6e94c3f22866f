//! People and things for the tables to talk about: `ada` buys, `bob` sells, `eve` has nothing to do with either.

use axum::http::Method;
use platform::testing::Answer;
use serde_json::{Value, json};

use crate::system::System;
use crate::wait::until;

/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) username: &'static str,
    pub(crate) email: String,
    pub(crate) token: String,
}

/// A running marketplace with a history.
pub(crate) struct World {
    pub(crate) system: System,
    pub(crate) ada: Person,
    pub(crate) bob: Person,
    pub(crate) eve: Person,
    /// A gig of bob's.
    pub(crate) gig: String,
}

/// What an offer of a gig looks like.
pub(crate) fn offer(title: &str) -> Value {
    json!({
        "title": title, "description": "Three drafts", "category": "Design", "tags": ["logo"],
        "price": 5000, "currency": "USD", "deliveryDays": 3,
    })
}

impl World {
    pub(crate) async fn new(system: System) -> Self {
        let ada = sign_up(&system, "ada").await;
        let bob = sign_up(&system, "bob").await;
        let eve = sign_up(&system, "eve").await;
        let profile = json!({ "fullName": "Bob Builder" });
        done(&system.call(Method::POST, "/seller/create", Some(&bob.token), Some(profile)).await);
        let mut world = Self { system, ada, bob, eve, gig: String::new() };
        world.gig = world.gig("I will design your logo").await;
        world
    }

    /// What somebody does, and must be able to do.
    pub(crate) async fn act(&self, who: &Person, method: Method, path: &str, body: Value) -> Value {
        let answer = self.system.call(method.clone(), path, Some(&who.token), Some(body)).await;
        assert!(answer.status.is_success(), "{method} {path} of {}: {} {}", who.username, answer.status, answer.text);
        answer.json
    }

    /// A new gig of bob's.
    pub(crate) async fn gig(&self, title: &str) -> String {
        text(&self.act(&self.bob, Method::POST, "/gig/create", offer(title)).await, "/gig/id")
    }

    /// A payment of ada's for bob's gig.
    pub(crate) async fn intent(&self) -> String {
        let body = json!({ "gigId": self.gig });
        text(&self.act(&self.ada, Method::POST, "/order/create-payment-intent", body).await, "/paymentIntentId")
    }

    /// An order of ada's with bob, in progress.
    pub(crate) async fn order(&self) -> String {
        let body = json!({ "gigId": self.gig, "paymentIntentId": self.intent().await });
        text(&self.act(&self.ada, Method::POST, "/order", body).await, "/order/id")
    }

    /// One that bob has delivered.
    pub(crate) async fn delivered(&self) -> String {
        let order = self.order().await;
        self.act(&self.bob, Method::PUT, &format!("/order/deliver-order/{order}"), json!({ "message": "here" })).await;
        order
    }

    /// One that ada has approved.
    pub(crate) async fn completed(&self) -> String {
        let order = self.delivered().await;
        self.act(&self.ada, Method::PUT, &format!("/order/approve-order/{order}"), json!({})).await;
        order
    }

    /// One for which bob has asked for more time.
    pub(crate) async fn stretched(&self) -> String {
        let order = self.order().await;
        self.act(&self.bob, Method::PUT, &format!("/order/extension/{order}"), json!({ "days": 2, "reason": "rain" }))
            .await;
        order
    }

    /// A message of bob's to ada, with an offer when there is one.
    pub(crate) async fn message(&self, offer: bool) -> Value {
        let offer =
            offer.then(|| json!({ "gigId": self.gig, "price": 4000, "description": "less", "deliveryInDays": 2 }));
        let body = json!({ "receiverUsername": "ada", "body": "hello", "offer": offer });
        self.act(&self.bob, Method::POST, "/message", body).await["message"].clone()
    }
}

async fn sign_up(system: &System, username: &'static str) -> Person {
    let email = format!("{username}@example.test");
    let body = json!({ "username": username, "email": email, "password": PASSWORD });
    let answer = done(&system.call(Method::POST, "/auth/signup", None, Some(body)).await);
    let token = text(&answer, "/token");
    until(&format!("`{username}` is a buyer"), || async {
        (system.call(Method::GET, "/buyer/username", Some(&token), None).await.status == 200).then_some(())
    })
    .await;
    Person { id: text(&answer, "/user/id"), username, email, token }
}

fn done(answer: &Answer) -> Value {
    assert!(answer.status.is_success(), "{} {}", answer.status, answer.text);
    answer.json.clone()
}

/// The text at a place of an answer.
pub(crate) fn text(answer: &Value, pointer: &str) -> String {
    let text = answer.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_else(|| panic!("no text at `{pointer}`: {answer}")).to_owned()
}
