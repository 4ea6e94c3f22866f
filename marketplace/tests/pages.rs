//! Lists are read page by page: each entry once, newest first.

use axum::http::Method;
use backends::Pair;
use serde_json::{Value, json};

use crate::system::System;
use crate::world::{Person, World, text};

/// The ids of a list, whole and then one by one, until a page is empty.
async fn reads_the_same_in_pages(world: &World, who: &Person, path: &str, list: &str) -> usize {
    let page = async |query: &str| -> Vec<String> {
        let answer = world.act(who, Method::GET, &format!("{path}?{query}"), json!({})).await;
        let entries = answer[list].as_array().cloned().unwrap_or_else(|| panic!("no `{list}`: {answer}"));
        entries.iter().map(|entry: &Value| text(entry, "/id")).collect()
    };
    let whole = page("size=200").await;
    let mut read: Vec<String> = Vec::new();
    while read.len() <= whole.len() {
        let before = read.last().map(|last| format!("&before={last}")).unwrap_or_default();
        let next = page(&format!("size=1{before}")).await;
        if next.is_empty() {
            break;
        }
        read.extend(next);
    }
    assert_eq!(read, whole, "{path}");
    whole.len()
}

async fn every_list_reads_the_same_in_pages(pair: Pair) {
    let world = World::new(System::start(pair).await).await;
    let World { ada, bob, gig, .. } = &world;
    world.gig("I will paint a picture").await;
    for rating in [5, 4, 3] {
        let order = world.completed().await;
        world.act(ada, Method::POST, "/review", json!({ "orderId": order, "rating": rating, "text": "well" })).await;
        world.message(false).await;
    }
    let lists = [
        (ada, format!("/order/buyer/{}", ada.id), "orders", 3),
        (bob, format!("/order/seller/{}", bob.id), "orders", 3),
        (bob, "/order/notification/bob".to_owned(), "notifications", 3),
        (ada, format!("/review/gig/{gig}"), "reviews", 3),
        (ada, format!("/review/seller/{}", bob.id), "reviews", 3),
        (ada, format!("/gig/seller/{}", bob.id), "gigs", 2),
    ];
    for (who, path, list, least) in lists {
        let found = reads_the_same_in_pages(&world, who, &path, list).await;
        assert!(found >= least, "{path}: {found}");
    }
}

backends::on_each_pair!((flavor = "multi_thread", worker_threads = 2) every_list_reads_the_same_in_pages);
