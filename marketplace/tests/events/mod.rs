//! Every event of the marketplace: a table that says who hears of it and what they do about it, and a test that it is
//! done once, however often the event comes.

mod documented;
mod effect;
mod table;

use axum::http::Method;
use backends::Pair;
use serde_json::json;

use crate::system::System;
use crate::tap::Heard;
use crate::wait::until;
use crate::world::World;
use documented::Documented;
use effect::Effect;
use table::{Row, TABLE};

const ENTERED: &str = "SELECT COUNT(*) FROM inbox WHERE event_id = $1";

/// Everything that can happen, done by the people whom it happens to.
async fn everything_happens(world: &World) {
    let World { ada, bob, .. } = world;
    let new_password = json!({ "currentPassword": crate::world::PASSWORD, "newPassword": "another horse battery" });
    world.act(ada, Method::PUT, "/auth/forgot-password", json!({ "email": ada.email })).await;
    world.act(ada, Method::PUT, "/auth/change-password", new_password).await;
    let profile = json!({ "fullName": "Bob the Builder" });
    world.act(bob, Method::PUT, &format!("/seller/{}", bob.id), profile).await;
    let gig = world.gig("I will be gone soon").await;
    let gone = world.system.call(Method::DELETE, &format!("/gig/{gig}/{}", bob.id), Some(&bob.token), None).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    world.message(true).await;
    let stretched = world.stretched().await;
    world.act(ada, Method::PUT, &format!("/order/gig/approve/{stretched}"), json!({})).await;
    let cancelled = world.order().await;
    world.act(ada, Method::PUT, &format!("/order/cancel/{cancelled}"), json!({ "reason": "no more" })).await;
    let order = world.completed().await;
    for (who, rating) in [(ada, 5), (bob, 4)] {
        world.act(who, Method::POST, "/review", json!({ "orderId": order, "rating": rating, "text": "well" })).await;
    }
}

/// Waits until a consumer has entered an event into its inbox, which it does with the event's effect.
async fn entered(system: &System, consumer: &str, event: &Heard) {
    until(&format!("`{}` reaches `{consumer}`", event.event_type), || async {
        (system.number(consumer, ENTERED, &event.id).await > 0).then_some(())
    })
    .await;
}

async fn every_event_reaches_its_consumers_and_has_its_effect_once(pair: Pair) {
    let world = World::new(System::start(pair).await).await;
    let system = &world.system;
    everything_happens(&world).await;
    for row in TABLE {
        system.tap.event(row.event_type, row.fits).await;
    }
    let documented = Documented::new();
    // At rest: whatever was said has been heard by all who are to hear it, and is what the producer promises.
    for event in system.tap.heard() {
        let row = TABLE.iter().find(|row| row.event_type == event.event_type);
        let row = row.unwrap_or_else(|| panic!("`{}` has no row in the table", event.event_type));
        assert_eq!(documented.misfit(&event), None, "`{}`: {}", event.event_type, event.data);
        for (consumer, _) in row.consumers {
            entered(system, consumer, &event).await;
        }
    }
    for row in TABLE {
        has_its_effect_once(system, row).await;
    }
}

/// An event that comes again changes nothing; the same fact in another event does, where effects add up.
async fn has_its_effect_once(system: &System, row: &Row) {
    let event = system.tap.event(row.event_type, row.fits).await;
    let mut before = Vec::new();
    for (consumer, effect) in row.consumers {
        let measure = effect.measure(system, consumer, &event).await;
        assert!(effect.is_there(measure), "`{}` had no effect on `{consumer}`: {measure}", row.event_type);
        before.push(measure);
    }
    // Events of one aggregate stay in order: when the sibling is through, so is what came before it.
    let sibling = event.sibling();
    system.tap.say(&event).await;
    system.tap.say(&sibling).await;
    for ((consumer, effect), before) in row.consumers.iter().zip(before) {
        entered(system, consumer, &sibling).await;
        assert_eq!(system.number(consumer, ENTERED, &event.id).await, 1);
        let after = effect.measure(system, consumer, &event).await;
        let more = i64::from(matches!(effect, Effect::Counts { .. }));
        assert_eq!(after - before, more, "`{}` came twice, and a sibling once, to `{consumer}`", row.event_type);
        if let Effect::Mails(_) = effect {
            assert!(effect.is_there(effect.measure(system, consumer, &sibling).await), "{}", row.event_type);
        }
    }
}

backends::on_each_pair!(
    (flavor = "multi_thread", worker_threads = 2) every_event_reaches_its_consumers_and_has_its_effect_once
);
