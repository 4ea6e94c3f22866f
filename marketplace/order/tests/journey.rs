//! A purchase through every service that keeps data: what each of them hears of the others by events, on both pairs.

use std::time::{Duration, Instant};

use axum::Router;
use backends::{Broker, Pair};
use platform::testing::TestApp;
use platform::{App, Caller, Consumer, Context, Event, EventType, HandlerError, Tx};
use serde::Deserialize;
use serde_json::{Value, json};

#[allow(dead_code, reason = "each test file uses its part of it")]
mod provider;
use provider::Provider;

const DEADLINE: Duration = Duration::from_secs(30);

async fn start<F, Fut>(pair: Pair, broker: &Broker, name: &'static str, variables: &[(&str, &str)], app: F) -> TestApp
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output = anyhow::Result<App>>,
{
    let database = pair.database().await;
    let all = [&[("DATABASE_URL", database.url())], variables].concat();
    TestApp::start_with_broker(name, &broker.url(), &all, app).await.unwrap().holding(database)
}

/// What only the notification service takes of an order.
#[derive(Deserialize)]
struct Delivered {}

impl EventType for Delivered {
    const TYPE: &'static str = "order.delivered.v1";
}

/// Stands in for the notification service, which keeps no data: an event that nobody takes holds up those behind it.
async fn listener(ctx: Context) -> anyhow::Result<App> {
    async fn hear(_: &mut Tx, _: Event, _: Delivered) -> Result<(), HandlerError> {
        Ok(())
    }
    let database = ctx.database(&[]).await?;
    let consumer = Consumer::new("notification").on::<Delivered>(hear);
    Ok(App::new(Router::new()).with_database(&database).with_consumer(consumer))
}

/// Asks until the fields at these JSON pointers have these values.
async fn wait_for(service: &TestApp, path: &str, caller: &Caller, expected: &[(&str, Value)]) {
    let end = Instant::now() + DEADLINE;
    loop {
        let answer = service.get(path, caller).await;
        if expected.iter().all(|(pointer, value)| answer.json.pointer(pointer) == Some(value)) {
            return;
        }
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {expected:?} in {}", answer.text);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn sign_up(auth: &TestApp, username: &str) -> Caller {
    let email = format!("{username}@example.test");
    let body = json!({ "username": username, "email": email, "password": "Secr3t-pass" });
    let answer = auth.post("/api/v1/auth/signup", &Caller::anonymous(), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    Caller::new(answer.json["user"]["id"].as_str().unwrap(), username, email)
}

async fn purchase_is_known_to_every_service(pair: Pair) {
    let broker = pair.broker().await;
    let provider = Provider::start(pair, &[]).await;
    let quick = [("ARGON2_MEMORY_KIB", "64"), ("ARGON2_ITERATIONS", "1")];
    let auth = start(pair, &broker, "auth", &quick, auth::app).await;
    let users = start(pair, &broker, "users", &[], users::app).await;
    let gigs = start(pair, &broker, "gig", &[], gig::app).await;
    let orders = start(pair, &broker, "order", &[("PAYMENTS_URL", &provider.url)], order::app).await;
    let reviews = start(pair, &broker, "review", &[], review::app).await;

    let _notification = start(pair, &broker, "notification", &[], listener).await;

    let (seller, buyer) = (sign_up(&auth, "grace").await, sign_up(&auth, "ada").await);
    wait_for(&users, "/api/v1/buyer/username", &buyer, &[("/buyer/id", json!(buyer.id))]).await;
    let profile = json!({ "fullName": "Grace Hopper", "country": "US", "skills": ["compilers"] });
    assert_eq!(users.post("/api/v1/seller/create", &seller, profile).await.status, 201);
    let offer = json!({
        "title": "I will write a compiler", "description": "One pass", "category": "Programming",
        "price": 4200, "currency": "USD", "deliveryDays": 3,
    });
    let gig = gigs.post("/api/v1/gig/create", &seller, offer).await.json["gig"]["id"].clone();
    let search = "/api/v1/gig/search/0/10/forward?query=compiler";
    wait_for(&gigs, search, &buyer, &[("/total", json!(1)), ("/gigs/0/sellerName", json!("Grace Hopper"))]).await;

    let wish = json!({ "gigId": gig, "sellerId": seller.id, "amount": 4200, "currency": "USD" });
    let intent = orders.post("/api/v1/order/create-payment-intent", &buyer, wish).await.json;
    let request = json!({
        "paymentIntentId": intent["paymentIntentId"], "gigTitle": "I will write a compiler",
        "sellerUsername": seller.username, "sellerEmail": seller.email,
    });
    let placed = orders.post("/api/v1/order", &buyer, request).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let order = placed.json["id"].as_str().unwrap();
    let profile = format!("/api/v1/seller/id/{}", seller.id);
    let counted = [("/seller/ongoingJobs", json!(1)), ("/seller/totalGigs", json!(1))];
    wait_for(&users, &profile, &seller, &counted).await;

    let deliver = format!("/api/v1/order/deliver-order/{order}");
    assert_eq!(orders.put(&deliver, &seller, json!({ "message": "done" })).await.status, 200);
    assert_eq!(orders.put(&format!("/api/v1/order/approve-order/{order}"), &buyer, json!({})).await.status, 200);
    let review = json!({
        "orderId": order, "gigId": gig, "buyerId": buyer.id, "sellerId": seller.id, "rating": 5, "text": "It compiles",
    });
    assert_eq!(reviews.post("/api/v1/review", &buyer, review).await.status, 201);

    let counted = [
        ("/seller/ongoingJobs", json!(0)),
        ("/seller/completedJobs", json!(1)),
        ("/seller/earnings/USD", json!(4200)),
        ("/seller/ratingSum", json!(5)),
    ];
    wait_for(&users, &profile, &seller, &counted).await;
    let gig = format!("/api/v1/gig/{}", gig.as_str().unwrap());
    wait_for(&gigs, &gig, &buyer, &[("/gig/ratingSum", json!(5)), ("/gig/sellerRatingCount", json!(1))]).await;
    wait_for(&orders, &format!("/api/v1/order/{order}"), &buyer, &[("/sellerReview/rating", json!(5))]).await;
}

backends::on_each_pair!(purchase_is_known_to_every_service);
