//! The users service over its real routes, on a database of its own.

use backends::Pair;
use platform::testing::TestApp;
use platform::{Caller, outbox};
use serde_json::json;
use users::{consumer, store};

async fn users(pair: Pair) -> TestApp {
    let database = pair.database().await;
    let variables = [("DATABASE_URL", database.url())];
    TestApp::start("users", &variables, users::app).await.unwrap().holding(database)
}

fn ada() -> Caller {
    Caller::new("u-ada", "ada", "ada@example.test")
}

fn bob() -> Caller {
    Caller::new("u-bob", "bob", "bob@example.test")
}

fn profile() -> serde_json::Value {
    json!({ "fullName": "Ada Lovelace", "country": "UK", "skills": ["analysis"] })
}

async fn account_becomes_a_seller_once(pair: Pair) {
    let users = users(pair).await;
    let created = users.post("/api/v1/seller/create", &ada(), profile()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.json["seller"]["id"], "u-ada");
    assert_eq!(created.json["seller"]["rating"], 0.0);
    assert_eq!(outbox::pending(users.database()).await.unwrap(), 1);
    let again = users.post("/api/v1/seller/create", &ada(), profile()).await;
    assert_eq!((again.status.as_u16(), &again.json["code"]), (409, &json!("seller_exists")));
    assert_eq!(outbox::pending(users.database()).await.unwrap(), 1);
}

async fn profile_is_changed_by_its_seller_only(pair: Pair) {
    let users = users(pair).await;
    users.post("/api/v1/seller/create", &ada(), profile()).await;
    let body = json!({ "fullName": "Countess Lovelace" });
    let stranger = users.put("/api/v1/seller/u-ada", &bob(), body.clone()).await;
    assert_eq!(stranger.status, 403);
    let own = users.put("/api/v1/seller/u-ada", &ada(), body.clone()).await;
    assert_eq!(own.json["seller"]["fullName"], "Countess Lovelace");
    let absent = users.put("/api/v1/seller/u-bob", &bob(), body).await;
    assert_eq!(absent.status, 404);
    let empty = users.put("/api/v1/seller/u-ada", &ada(), json!({ "fullName": "" })).await;
    assert_eq!(empty.json["code"], "invalid_profile");
}

async fn address_and_earnings_are_shown_to_their_owner_only(pair: Pair) {
    let users = users(pair).await;
    users.post("/api/v1/seller/create", &ada(), profile()).await;
    let own = users.get("/api/v1/seller/id/u-ada", &ada()).await;
    assert_eq!(own.json["seller"]["email"], "ada@example.test");
    for caller in [bob(), Caller::anonymous()] {
        let other = users.get("/api/v1/seller/username/Ada", &caller).await;
        assert_eq!(other.status, 200);
        assert_eq!(other.json["seller"].get("email"), None);
    }
    let contact = users.get("/api/v1/seller/contact/u-ada", &bob()).await;
    assert_eq!(contact.json["email"], "ada@example.test");
}

async fn requests_without_an_internal_token_are_refused(pair: Pair) {
    let users = users(pair).await;
    let get = axum::http::Method::GET;
    let answer = users.call(get, "/api/v1/seller/random/3", None, &[], None).await;
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (401, &json!("token_missing")));
    let visitor = users.get("/api/v1/buyer/email", &Caller::anonymous()).await;
    assert_eq!(visitor.json["code"], "sign_in_required");
}

async fn random_sellers_are_bounded(pair: Pair) {
    let users = users(pair).await;
    users.post("/api/v1/seller/create", &ada(), profile()).await;
    let some = users.get("/api/v1/seller/random/5", &bob()).await;
    assert_eq!(some.json["sellers"].as_array().map(Vec::len), Some(1));
    for count in ["0", "51", "many"] {
        let answer = users.get(&format!("/api/v1/seller/random/{count}"), &bob()).await;
        assert_eq!(answer.status, 400, "{count}");
    }
}

/// Each block is one transaction, as the consumer runtime makes it.
macro_rules! handle {
    ($users:expr, $handler:path, $data:expr) => {{
        let data = $data;
        let event = platform::Event::new("subject", &data).unwrap();
        let mut tx = $users.database().begin().await.unwrap();
        $handler(&mut tx, event, data).await.unwrap();
        tx.commit().await.unwrap();
    }};
}

async fn registered_user_becomes_a_buyer(pair: Pair) {
    let users = users(pair).await;
    handle!(
        users,
        consumer::user_registered,
        consumer::UserRegistered { user_id: "u-bob".into(), username: "bob".into(), email: "bob@example.test".into() }
    );
    for path in ["/api/v1/buyer/email", "/api/v1/buyer/username", "/api/v1/buyer/bob"] {
        let answer = users.get(path, &bob()).await;
        assert_eq!(answer.json["buyer"]["id"], "u-bob", "{path}");
        assert_eq!(answer.json["buyer"]["isSeller"], false);
    }
    let other = users.get("/api/v1/buyer/bob", &ada()).await;
    assert_eq!(other.json["buyer"].get("email"), None);
    assert_eq!(users.get("/api/v1/buyer/nobody", &ada()).await.status, 404);
}

async fn counters_follow_orders_even_before_the_profiles_exist(pair: Pair) {
    let users = users(pair).await;
    let (buyer_id, seller_id) = ("u-bob".to_owned(), "u-ada".to_owned());
    for _ in 0..3 {
        let (buyer_id, seller_id) = (buyer_id.clone(), seller_id.clone());
        handle!(users, consumer::order_placed, consumer::OrderPlaced { buyer_id, seller_id });
    }
    handle!(
        users,
        consumer::order_completed,
        consumer::OrderCompleted {
            buyer_id: buyer_id.clone(),
            seller_id: seller_id.clone(),
            amount: 4_200,
            currency: "USD".into(),
        }
    );
    handle!(users, consumer::order_cancelled, consumer::OrderCancelled { buyer_id, seller_id });
    users.post("/api/v1/seller/create", &ada(), profile()).await;
    let seller = users.get("/api/v1/seller/id/u-ada", &ada()).await.json["seller"].clone();
    let jobs = ["ongoingJobs", "completedJobs", "cancelledJobs"].map(|name| seller[name].clone());
    assert_eq!(jobs, [1, 1, 1].map(|count| json!(count)));
    assert_eq!(seller["earnings"], json!({ "USD": 4_200 }));
}

async fn review_of_a_seller_reaches_gig_as_absolute_facts(pair: Pair) {
    let users = users(pair).await;
    users.post("/api/v1/seller/create", &ada(), profile()).await;
    for rating in [5, 4] {
        handle!(
            users,
            consumer::review_submitted,
            consumer::ReviewSubmitted {
                gig_id: "g-1".into(),
                buyer_id: "u-bob".into(),
                seller_id: "u-ada".into(),
                reviewed: consumer::Reviewed::Seller,
                rating,
            }
        );
    }
    let seller = users.get("/api/v1/seller/id/u-ada", &bob()).await.json["seller"].clone();
    assert_eq!((&seller["ratingSum"], &seller["ratingCount"], &seller["rating"]), (&json!(9), &json!(2), &json!(4.5)));
    let mut db = users.database().pool().acquire().await.unwrap();
    let facts = store::facts(&mut db, "u-ada", None).await.unwrap().unwrap();
    assert_eq!((facts.rating.sum, facts.rating.count, facts.revision), (9, 2, 3));
    let (body,): (String,) =
        sqlx::query_as("SELECT body FROM outbox WHERE type = 'users.seller_updated.v1' ORDER BY position DESC LIMIT 1")
            .fetch_one(users.database().pool())
            .await
            .unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["gigRating"], json!({ "gigId": "g-1", "rating": { "sum": 9, "count": 2 } }));
}

async fn gig_count_follows_gigs(pair: Pair) {
    let users = users(pair).await;
    users.post("/api/v1/seller/create", &ada(), profile()).await;
    for _ in 0..2 {
        let seller_id = "u-ada".to_owned();
        handle!(users, consumer::gig_created, consumer::GigCreated { seller_id });
    }
    let seller_id = "u-ada".to_owned();
    handle!(users, consumer::gig_deleted, consumer::GigDeleted { seller_id });
    let seller = users.get("/api/v1/seller/id/u-ada", &ada()).await;
    assert_eq!(seller.json["seller"]["totalGigs"], 1);
}

async fn review_and_seller_at_once_are_told_together(pair: Pair) {
    let users = users(pair).await;
    for number in 0..5 {
        // A review may come before its seller: then what is told with the seller holds it.
        let id = format!("u-{number}");
        let seller = Caller::new(&id, &id, "seller@example.test");
        let create = users.post("/api/v1/seller/create", &seller, profile());
        let review = async {
            handle!(
                users,
                consumer::review_submitted,
                consumer::ReviewSubmitted {
                    gig_id: "g-1".into(),
                    buyer_id: "u-bob".into(),
                    seller_id: id.clone(),
                    reviewed: consumer::Reviewed::Seller,
                    rating: 5,
                }
            );
        };
        tokio::join!(review, create);
        let (body,): (String,) =
            sqlx::query_as("SELECT body FROM outbox WHERE subject = $1 ORDER BY position DESC LIMIT 1")
                .bind(&id)
                .fetch_one(users.database().pool())
                .await
                .unwrap();
        let facts: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(facts["rating"], json!({ "sum": 5, "count": 1 }), "{facts:?}");
    }
}

backends::on_each_pair!(
    account_becomes_a_seller_once,
    profile_is_changed_by_its_seller_only,
    address_and_earnings_are_shown_to_their_owner_only,
    requests_without_an_internal_token_are_refused,
    random_sellers_are_bounded,
    registered_user_becomes_a_buyer,
    counters_follow_orders_even_before_the_profiles_exist,
    review_of_a_seller_reaches_gig_as_absolute_facts,
    gig_count_follows_gigs,
    review_and_seller_at_once_are_told_together,
);
