//! Reviews through the service's HTTP interface.

use axum::http::Method;
use backends::Pair;
use platform::testing::TestApp;
use platform::{Caller, outbox};
use serde_json::{Value, json};

fn buyer() -> Caller {
    Caller::new("u-buyer", "ada", "ada@example.test")
}

fn seller() -> Caller {
    Caller::new("u-seller", "grace", "grace@example.test")
}

async fn service(pair: Pair) -> TestApp {
    let database = pair.database().await;
    let variables = [("DATABASE_URL", database.url())];
    TestApp::start("review", &variables, review::app).await.unwrap().holding(database)
}

fn body(order: &str, rating: i64) -> Value {
    json!({
        "orderId": order, "gigId": "gig-1", "buyerId": "u-buyer", "sellerId": "u-seller", "rating": rating, "text": "fine",
    })
}

async fn both_sides_review_each_other_once(pair: Pair) {
    let service = service(pair).await;
    let by_buyer = service.post("/api/v1/review", &buyer(), body("o-1", 5)).await;
    assert_eq!((by_buyer.status.as_u16(), &by_buyer.json["review"]["reviewed"]), (201, &json!("seller")));
    let by_seller = service.post("/api/v1/review", &seller(), body("o-1", 4)).await;
    assert_eq!(by_seller.json["review"]["reviewed"], "buyer", "{}", by_seller.text);
    let again = service.post("/api/v1/review", &buyer(), body("o-1", 1)).await;
    assert_eq!((again.status.as_u16(), &again.json["code"]), (409, &json!("already_reviewed")));
    assert_eq!(outbox::pending(service.database()).await.unwrap(), 2);
}

async fn listings_show_what_buyers_wrote(pair: Pair) {
    let service = service(pair).await;
    service.post("/api/v1/review", &buyer(), body("o-1", 5)).await;
    service.post("/api/v1/review", &seller(), body("o-1", 4)).await;
    for path in ["/api/v1/review/gig/gig-1", "/api/v1/review/seller/u-seller"] {
        let answer = service.get(path, &Caller::anonymous()).await;
        let reviews = answer.json["reviews"].as_array().unwrap();
        assert_eq!((reviews.len(), &reviews[0]["reviewerUsername"]), (1, &json!("ada")), "{path}");
    }
}

async fn repeated_request_under_one_key_gets_the_first_answer(pair: Pair) {
    let service = service(pair).await;
    let key = [("idempotency-key", "k-1")];
    let call = || service.call(Method::POST, "/api/v1/review", None, &[], None);
    assert_eq!(call().await.status, 401);
    let mut texts = Vec::new();
    for _ in 0..2 {
        let answer = service.call(Method::POST, "/api/v1/review", Some(&buyer()), &key, Some(body("o-1", 5))).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        texts.push(answer.text);
    }
    assert_eq!(texts[0], texts[1]);
    let other = service.call(Method::POST, "/api/v1/review", Some(&buyer()), &key, Some(body("o-2", 5))).await;
    assert_eq!(other.json["code"], "idempotency_key_reused");
}

async fn invalid_reviews_are_refused(pair: Pair) {
    let service = service(pair).await;
    let cases = [(buyer(), 0, "invalid_rating"), (buyer(), 6, "invalid_rating")];
    for (author, rating, code) in cases {
        assert_eq!(service.post("/api/v1/review", &author, body("o-1", rating)).await.json["code"], code);
    }
    let stranger = Caller::new("u-other", "eve", "eve@example.test");
    assert_eq!(service.post("/api/v1/review", &stranger, body("o-1", 3)).await.json["code"], "not_your_order");
    let visitor = service.post("/api/v1/review", &Caller::anonymous(), body("o-1", 3)).await;
    assert_eq!(visitor.json["code"], "sign_in_required");
}

backends::on_each_pair!(
    both_sides_review_each_other_once,
    listings_show_what_buyers_wrote,
    repeated_request_under_one_key_gets_the_first_answer,
    invalid_reviews_are_refused,
);
