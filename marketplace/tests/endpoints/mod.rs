//! Every endpoint of the marketplace: a table that says what each is for, and a test that asks for all of it.

mod auth;
mod chat;
mod documented;
mod gig;
mod order;
mod review;
mod row;
mod served;
mod users;
mod walk;

use std::collections::BTreeSet;

use axum::http::Method;
use backends::Pair;
use serde_json::json;

use crate::system::System;
use crate::world::{World, text};
use documented::Documented;
use row::Row;

/// Endpoints of the specification: auth, users, gig, chat, order and review.
const SPECIFIED: usize = 11 + 9 + 12 + 8 + 12 + 3;
/// Endpoints beyond it: signing out, and the timeline of an order.
const BEYOND: usize = 2;

/// What the rows are about; each thing is for one row that changes it, or for those that only look.
struct Things {
    /// Gigs of bob's: one that is paused by its row, one that is deleted.
    paused_gig: String,
    deleted_gig: String,
    /// Orders of ada's with bob.
    order: String,
    cancelled_order: String,
    extended_order: String,
    decided_order: String,
    delivered_order: String,
    approved_order: String,
    completed_order: String,
    /// A payment of ada's that has no order yet.
    intent: String,
    /// What bob was told.
    notification: String,
    /// Messages of bob's to ada: two to read, one with an offer.
    message: String,
    offer: String,
    conversation: String,
    /// The tokens of ada's mails.
    verification: String,
    reset: String,
}

impl Things {
    async fn new(world: &World) -> Self {
        let notifications = async {
            let answer = world.act(&world.bob, Method::GET, "/order/notification/bob", json!({})).await;
            text(&answer, "/notifications/0/id")
        };
        let order = world.order().await;
        let message = world.message(false).await;
        let forgotten = json!({ "email": world.ada.email });
        world.act(&world.ada, Method::PUT, "/auth/forgot-password", forgotten).await;
        let of_ada = |data: &serde_json::Value| data["username"] == "ada";
        let verification = world.system.tap.event("auth.verification_requested.v1", of_ada).await;
        let reset = world.system.tap.event("auth.password_reset_requested.v1", of_ada).await;
        Self {
            paused_gig: world.gig("I will pause for a while").await,
            deleted_gig: world.gig("I will be gone soon").await,
            order,
            cancelled_order: world.order().await,
            extended_order: world.order().await,
            decided_order: world.stretched().await,
            delivered_order: world.order().await,
            approved_order: world.delivered().await,
            completed_order: world.completed().await,
            intent: world.intent().await,
            notification: notifications.await,
            message: text(&message, "/id"),
            conversation: text(&message, "/conversationId"),
            offer: text(&world.message(true).await, "/id"),
            verification: verification.text("token").to_owned(),
            reset: reset.text("token").to_owned(),
        }
    }
}

fn table(world: &World, things: &Things) -> Vec<Row> {
    let mut rows = auth::rows(world, things);
    rows.extend(users::rows(world));
    rows.extend(gig::rows(world, things));
    rows.extend(chat::rows(world, things));
    rows.extend(order::rows(world, things));
    rows.extend(review::rows(world, things));
    rows
}

async fn every_endpoint_serves_whom_it_should_and_refuses_everybody_else(pair: Pair) {
    let world = World::new(System::start(pair).await).await;
    let things = Things::new(&world).await;
    let table = table(&world, &things);
    let documented = Documented::new();
    let mut differences = Vec::new();
    for row in &table {
        differences.extend(walk::walk(&world, row, &documented).await);
    }
    assert!(differences.is_empty(), "{} of the table's answers differ:\n{}", differences.len(), differences.join("\n"));

    let listed: BTreeSet<String> = table.iter().map(|row| format!("{} {}", row.method, row.route)).collect();
    assert_eq!(listed, served::routes(&world.system).await, "each route has its row");
    assert_eq!(listed, documented.operations(), "each row has its operation in the document");
    assert_eq!(table.len(), listed.len(), "each row has its route");
    assert_eq!(table.len(), SPECIFIED + BEYOND, "nothing of the specification is missing");
}

backends::on_each_pair!(
    (flavor = "multi_thread", worker_threads = 2) every_endpoint_serves_whom_it_should_and_refuses_everybody_else
);
