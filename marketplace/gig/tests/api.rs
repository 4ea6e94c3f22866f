//! The gig service over its real routes, on a database of its own.

use backends::Pair;
use gig::consumer;
use gig::events::{GigRating, Rating, SellerFacts, SellerUpdated};
use platform::testing::TestApp;
use platform::{Caller, Event, outbox};
use serde_json::{Value, json};

async fn gigs(pair: Pair) -> TestApp {
    let database = pair.database().await;
    let variables = [("DATABASE_URL", database.url())];
    TestApp::start("gig", &variables, gig::app).await.unwrap().holding(database)
}

fn ada() -> Caller {
    Caller::new("u-ada", "ada", "ada@example.test")
}

fn bob() -> Caller {
    Caller::new("u-bob", "bob", "bob@example.test")
}

fn offer(title: &str) -> Value {
    json!({
        "title": title, "description": "Three drafts", "category": "Graphics", "tags": ["logo"],
        "price": 5000, "currency": "USD", "deliveryDays": 3,
    })
}

async fn create(gigs: &TestApp, title: &str) -> String {
    let answer = gigs.post("/api/v1/gig/create", &ada(), offer(title)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json["gig"]["id"].as_str().unwrap().to_owned()
}

async fn search(gigs: &TestApp, page: &str) -> Value {
    let answer = gigs.get(&format!("/api/v1/gig/search/{page}"), &Caller::anonymous()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

fn titles(page: &Value) -> Vec<&str> {
    let gigs = page["gigs"].as_array().unwrap();
    gigs.iter().map(|gig| gig["title"].as_str().unwrap()).collect()
}

async fn created_gig_is_read_and_found_at_once(pair: Pair) {
    let gigs = gigs(pair).await;
    let id = create(&gigs, "I will design a crest").await;
    let one = gigs.get(&format!("/api/v1/gig/{id}"), &Caller::anonymous()).await;
    assert_eq!(one.json["gig"]["sellerId"], "u-ada");
    assert_eq!(one.json["gig"]["price"], 5000);
    let page = search(&gigs, "0/10/forward?query=CREST+desi").await;
    assert_eq!(titles(&page), ["I will design a crest"]);
    assert_eq!((&page["total"], &page["next"]), (&json!(1), &Value::Null));
    assert_eq!(outbox::pending(gigs.database()).await.unwrap(), 1);
}

async fn search_filters_by_price_time_and_words(pair: Pair) {
    let gigs = gigs(pair).await;
    create(&gigs, "I will design a crest").await;
    for (query, found) in [
        ("query=crest", 1),
        ("query=crest+parser", 0),
        ("minPrice=5000&maxPrice=5000", 1),
        ("minPrice=5001", 0),
        ("deliveryDays=2", 0),
        ("category=Graphics", 1),
        ("query=%22%27%28%29+OR", 0),
        ("query=%22", 1),
    ] {
        let page = search(&gigs, &format!("0/10/forward?{query}")).await;
        assert_eq!(page["total"], found, "{query}");
    }
}

async fn pages_walk_there_and_back(pair: Pair) {
    let gigs = gigs(pair).await;
    for number in 1..=5 {
        create(&gigs, &format!("Offer number {number}")).await;
    }
    let first = search(&gigs, "0/2/forward").await;
    assert_eq!(titles(&first), ["Offer number 5", "Offer number 4"]);
    assert_eq!((&first["total"], &first["previous"]), (&json!(5), &Value::Null));
    let next = first["next"].as_str().unwrap();
    let second = search(&gigs, &format!("{next}/2/forward")).await;
    assert_eq!(titles(&second), ["Offer number 3", "Offer number 2"]);
    let next = second["next"].as_str().unwrap();
    let last = search(&gigs, &format!("{next}/2/forward")).await;
    assert_eq!(titles(&last), ["Offer number 1"]);
    assert_eq!(last["next"], Value::Null);
    let previous = last["previous"].as_str().unwrap();
    let back = search(&gigs, &format!("{previous}/2/backward")).await;
    assert_eq!(titles(&back), titles(&second));
    let previous = back["previous"].as_str().unwrap();
    let start = search(&gigs, &format!("{previous}/2/backward")).await;
    assert_eq!(titles(&start), titles(&first));
    assert_eq!(start["previous"], Value::Null);
}

async fn malformed_pages_are_refused(pair: Pair) {
    let gigs = gigs(pair).await;
    for page in ["0/0/forward", "0/101/forward", "0/x/forward", "0/10/sideways", "0/10/forward?minPrice=x"] {
        let answer = gigs.get(&format!("/api/v1/gig/search/{page}"), &bob()).await;
        assert_eq!(answer.status, 400, "{page}");
        assert_eq!(answer.json["status"], 400, "{page}");
    }
}

async fn gig_is_changed_by_its_seller_only(pair: Pair) {
    let gigs = gigs(pair).await;
    let id = create(&gigs, "I will design a crest").await;
    let path = format!("/api/v1/gig/{id}");
    assert_eq!(gigs.put(&path, &bob(), offer("Stolen gig")).await.status, 403);
    assert_eq!(gigs.put(&path, &ada(), offer("Pens and ink")).await.status, 200);
    assert_eq!(search(&gigs, "0/10/forward?query=crest").await["total"], 0);
    assert_eq!(search(&gigs, "0/10/forward?query=ink").await["total"], 1);
    let active = format!("/api/v1/gig/active/{id}");
    assert_eq!(gigs.put(&active, &bob(), json!({ "active": false })).await.status, 403);
    let remove = format!("/api/v1/gig/{id}/u-ada");
    assert_eq!(gigs.delete(&remove, &bob()).await.status, 403);
    assert_eq!(gigs.delete(&remove, &ada()).await.status, 204);
    assert_eq!(gigs.delete(&remove, &ada()).await.status, 404);
    assert_eq!(search(&gigs, "0/10/forward?query=ink").await["total"], 0);
    assert_eq!(outbox::pending(gigs.database()).await.unwrap(), 2);
}

async fn paused_gig_is_its_sellers_business(pair: Pair) {
    let gigs = gigs(pair).await;
    let id = create(&gigs, "I will design a crest").await;
    gigs.put(&format!("/api/v1/gig/active/{id}"), &ada(), json!({ "active": false })).await;
    let path = format!("/api/v1/gig/{id}");
    assert_eq!(gigs.get(&path, &bob()).await.status, 404);
    assert_eq!(gigs.get(&path, &ada()).await.status, 200);
    assert_eq!(search(&gigs, "0/10/forward").await["total"], 0);
    let paused = gigs.get("/api/v1/gig/seller/pause/u-ada", &ada()).await;
    assert_eq!(paused.json["gigs"].as_array().map(Vec::len), Some(1));
    assert_eq!(gigs.get("/api/v1/gig/seller/pause/u-ada", &bob()).await.status, 403);
    let active = gigs.get("/api/v1/gig/seller/u-ada", &bob()).await;
    assert_eq!(active.json["gigs"], json!([]));
}

async fn invalid_offers_and_strangers_are_refused(pair: Pair) {
    let gigs = gigs(pair).await;
    let mut free = offer("I will design a crest");
    free["price"] = json!(0);
    let answer = gigs.post("/api/v1/gig/create", &ada(), free).await;
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (400, &json!("invalid_gig")));
    let visitor = gigs.post("/api/v1/gig/create", &Caller::anonymous(), offer("A crest")).await;
    assert_eq!(visitor.json["code"], "sign_in_required");
    let get = axum::http::Method::GET;
    let tokenless = gigs.call(get, "/api/v1/gig/search/0/10/forward", None, &[], None).await;
    assert_eq!(tokenless.status, 401);
}

async fn hear(gigs: &TestApp, revision: i64, sum: i64, count: i64, gig_id: &str) {
    let rating = Rating { sum, count };
    let data = SellerUpdated(SellerFacts {
        seller_id: "u-ada".into(),
        username: "ada".into(),
        full_name: "Ada Lovelace".into(),
        profile_picture: String::new(),
        country: "UK".into(),
        rating,
        gig_rating: Some(GigRating { gig_id: gig_id.into(), rating }),
        revision,
    });
    let event = Event::new("u-ada", &data).unwrap();
    let mut tx = gigs.database().begin().await.unwrap();
    consumer::seller_updated(&mut tx, event, data).await.unwrap();
    tx.commit().await.unwrap();
}

async fn seller_and_rating_follow_events_and_old_ones_change_nothing(pair: Pair) {
    let gigs = gigs(pair).await;
    let id = create(&gigs, "I will design a crest").await;
    hear(&gigs, 3, 9, 2, &id).await;
    hear(&gigs, 2, 5, 1, &id).await;
    hear(&gigs, 3, 9, 2, &id).await;
    let gig = gigs.get(&format!("/api/v1/gig/{id}"), &bob()).await.json["gig"].clone();
    let facts = ["sellerName", "ratingSum", "ratingCount", "sellerRatingSum", "sellerRatingCount"];
    assert_eq!(facts.map(|name| gig[name].clone()), [json!("Ada Lovelace"), json!(9), json!(2), json!(9), json!(2)]);
    let top = gigs.get("/api/v1/gig/top/bob", &bob()).await;
    assert_eq!(top.json["gigs"][0]["id"], json!(id));
}

async fn last_chosen_category_is_remembered(pair: Pair) {
    let gigs = gigs(pair).await;
    create(&gigs, "I will design a crest").await;
    let count = |answer: platform::testing::Answer| answer.json["gigs"].as_array().map(Vec::len);
    let chosen = gigs.get("/api/v1/gig/category/bob?category=Music", &bob()).await;
    assert_eq!(count(chosen), Some(0));
    assert_eq!(count(gigs.get("/api/v1/gig/category/bob", &bob()).await), Some(0));
    gigs.get("/api/v1/gig/category/bob?category=Graphics", &bob()).await;
    assert_eq!(count(gigs.get("/api/v1/gig/category/bob", &bob()).await), Some(1));
    assert_eq!(gigs.get("/api/v1/gig/category/bob", &ada()).await.status, 403);
}

async fn similar_gigs_share_words_or_the_category(pair: Pair) {
    let gigs = gigs(pair).await;
    let id = create(&gigs, "I will design a crest").await;
    create(&gigs, "Another crest entirely").await;
    create(&gigs, "Pens and ink").await;
    let answer = gigs.get(&format!("/api/v1/gig/similar/{id}"), &bob()).await;
    let mut found = titles(&answer.json);
    found.sort_unstable();
    assert_eq!(found, ["Another crest entirely", "Pens and ink"]);
    assert_eq!(gigs.get("/api/v1/gig/similar/nothing", &bob()).await.status, 404);
}

async fn search_knows_no_case_and_no_accents(pair: Pair) {
    let gigs = gigs(pair).await;
    create(&gigs, "Cr\u{e8}me br\u{fb}l\u{e9}e, it's for 2 @ x-1.5").await;
    for (query, found) in [
        ("creme", 1),
        ("BRULEE", 1),
        ("cr%C3%A8me+br%C3%BBl%C3%A9e", 1),
        ("creme+brul", 1),
        ("brul+creme", 0),
        ("it's", 1),
        ("2+x", 1),
        ("1.5", 1),
        ("%26+%7C+%21+%3A*", 1),
    ] {
        let page = search(&gigs, &format!("0/10/forward?query={query}")).await;
        assert_eq!(page["total"], found, "{query}");
    }
}

async fn changes_of_one_gig_at_once_leave_what_the_last_one_said(pair: Pair) {
    let gigs = gigs(pair).await;
    let id = create(&gigs, "I will design a crest").await;
    let path = format!("/api/v1/gig/{id}");
    let ada = ada();
    let change = |title| gigs.put(&path, &ada, offer(title));
    let remove = format!("/api/v1/gig/{id}/u-ada");
    let (one, other) = tokio::join!(change("Pens and ink"), change("Quills and sand"));
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (200, 200));
    let found = [search(&gigs, "0/9/forward?query=ink").await, search(&gigs, "0/9/forward?query=sand").await];
    assert_eq!(found.map(|page| page["total"].as_i64().unwrap()).iter().sum::<i64>(), 1);
    let (changed, removed, again) =
        tokio::join!(change("Pens and ink"), gigs.delete(&remove, &ada), gigs.delete(&remove, &ada));
    assert!([200, 404].contains(&changed.status.as_u16()), "{}", changed.text);
    let mut statuses = [removed.status.as_u16(), again.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404]);
    assert_eq!(search(&gigs, "0/9/forward?query=ink").await["total"], 0);
    assert_eq!(outbox::pending(gigs.database()).await.unwrap(), 2);
}

backends::on_each_pair!(
    created_gig_is_read_and_found_at_once,
    search_filters_by_price_time_and_words,
    pages_walk_there_and_back,
    malformed_pages_are_refused,
    gig_is_changed_by_its_seller_only,
    paused_gig_is_its_sellers_business,
    invalid_offers_and_strangers_are_refused,
    seller_and_rating_follow_events_and_old_ones_change_nothing,
    last_chosen_category_is_remembered,
    similar_gigs_share_words_or_the_category,
    search_knows_no_case_and_no_accents,
    changes_of_one_gig_at_once_leave_what_the_last_one_said,
);
