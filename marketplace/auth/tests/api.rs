//! The auth service over its real routes, on a database of its own.

use backends::Pair;
use platform::testing::TestApp;
use platform::{Caller, outbox};
use serde_json::{Value, json};
use sqlx::Row;

const QUICK: &[(&str, &str)] = &[("ARGON2_MEMORY_KIB", "64"), ("ARGON2_ITERATIONS", "1")];

async fn auth(pair: Pair, variables: &[(&str, &str)]) -> TestApp {
    let database = pair.database().await;
    let all = [&[("DATABASE_URL", database.url())], QUICK, variables].concat();
    TestApp::start("auth", &all, auth::app).await.unwrap().holding(database)
}

async fn sign_up(auth: &TestApp, username: &str) -> Caller {
    let body = json!({ "username": username, "email": format!("{username}@example.test"), "password": "Secr3t-pass" });
    let answer = auth.post("/api/v1/auth/signup", &Caller::anonymous(), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let text = |name: &str| answer.json["user"][name].as_str().unwrap().to_owned();
    Caller::new(text("id"), text("username"), text("email"))
}

async fn sign_in(auth: &TestApp, username: &str, password: &str) -> u16 {
    let body = json!({ "username": username, "password": password });
    let answer = auth.post("/api/v1/auth/signin", &Caller::anonymous(), body).await;
    answer.status.as_u16()
}

/// The data of the newest event of a type in the outbox.
async fn event(auth: &TestApp, event_type: &str) -> Value {
    let row = sqlx::query("SELECT body FROM outbox WHERE type = $1 ORDER BY position DESC LIMIT 1")
        .bind(event_type)
        .fetch_one(auth.database().pool())
        .await
        .unwrap();
    serde_json::from_str(&row.try_get::<String, _>(0).unwrap()).unwrap()
}

async fn sign_up_creates_an_account_and_tells_the_others(pair: Pair) {
    let auth = auth(pair, &[]).await;
    let ada = sign_up(&auth, "Ada").await;
    assert_eq!((&*ada.username, &*ada.email), ("ada", "ada@example.test"));
    assert_eq!(outbox::pending(auth.database()).await.unwrap(), 2);
    let registered = event(&auth, "auth.user_registered.v1").await;
    assert_eq!(registered, json!({ "userId": ada.id, "username": "ada", "email": "ada@example.test" }));
    let stored: (String,) =
        sqlx::query_as("SELECT password_hash FROM accounts").fetch_one(auth.database().pool()).await.unwrap();
    assert!(stored.0.starts_with("$argon2id$"));
}

async fn taken_name_or_address_is_refused(pair: Pair) {
    let auth = auth(pair, &[]).await;
    sign_up(&auth, "ada").await;
    for (username, email) in [("ADA", "other@example.test"), ("other", "Ada@example.test")] {
        let body = json!({ "username": username, "email": email, "password": "Secr3t-pass" });
        let answer = auth.post("/api/v1/auth/signup", &Caller::anonymous(), body).await;
        assert_eq!(answer.status, 409, "{username} {email}");
        assert_eq!(answer.json["code"], "account_exists");
    }
}

async fn invalid_sign_up_says_what_was_expected(pair: Pair) {
    let auth = auth(pair, &[]).await;
    for (field, value, code) in [
        ("username", "x", "invalid_username"),
        ("email", "nowhere", "invalid_email"),
        ("password", "short", "invalid_password"),
    ] {
        let mut body = json!({ "username": "ada", "email": "ada@example.test", "password": "Secr3t-pass" });
        body[field] = value.into();
        let answer = auth.post("/api/v1/auth/signup", &Caller::anonymous(), body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json["code"], code);
        assert_eq!(answer.json["status"], 400);
    }
    assert_eq!(outbox::pending(auth.database()).await.unwrap(), 0);
}

async fn sign_in_takes_name_or_address_and_the_right_password(pair: Pair) {
    let auth = auth(pair, &[]).await;
    sign_up(&auth, "ada").await;
    assert_eq!(sign_in(&auth, "ADA", "Secr3t-pass").await, 200);
    assert_eq!(sign_in(&auth, "ada@example.test", "Secr3t-pass").await, 200);
    assert_eq!(sign_in(&auth, "ada", "wrong-pass").await, 401);
    assert_eq!(sign_in(&auth, "nobody", "Secr3t-pass").await, 401);
}

async fn verification_token_works_once(pair: Pair) {
    let auth = auth(pair, &[]).await;
    let ada = sign_up(&auth, "ada").await;
    let token = event(&auth, "auth.verification_requested.v1").await["token"].clone();
    let body = json!({ "token": token });
    let answer = auth.put("/api/v1/auth/verify-email", &Caller::anonymous(), body.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["user"]["emailVerified"], true);
    let again = auth.put("/api/v1/auth/verify-email", &Caller::anonymous(), body).await;
    assert_eq!((again.status.as_u16(), &again.json["code"]), (400, &json!("invalid_token")));
    let resend = auth.post("/api/v1/auth/resend-email", &ada, Value::Null).await;
    assert_eq!(resend.json["code"], "email_already_verified");
}

async fn resent_mail_makes_the_first_token_useless(pair: Pair) {
    let auth = auth(pair, &[]).await;
    let ada = sign_up(&auth, "ada").await;
    let first = event(&auth, "auth.verification_requested.v1").await["token"].clone();
    assert_eq!(auth.post("/api/v1/auth/resend-email", &ada, Value::Null).await.status, 200);
    let second = event(&auth, "auth.verification_requested.v1").await["token"].clone();
    assert_ne!(first, second);
    let verify = |token: Value| {
        let auth = &auth;
        async move {
            let path = "/api/v1/auth/verify-email";
            auth.put(path, &Caller::anonymous(), json!({ "token": token })).await.status
        }
    };
    assert_eq!(verify(first).await, 400);
    assert_eq!(verify(second).await, 200);
}

async fn expired_token_is_refused(pair: Pair) {
    let auth = auth(pair, &[]).await;
    sign_up(&auth, "ada").await;
    let token = event(&auth, "auth.verification_requested.v1").await["token"].clone();
    sqlx::query("UPDATE mail_tokens SET expires_at = '2020-01-01T00:00:00.000000Z'")
        .execute(auth.database().pool())
        .await
        .unwrap();
    let body = json!({ "token": token });
    let answer = auth.put("/api/v1/auth/verify-email", &Caller::anonymous(), body).await;
    assert_eq!(answer.json["code"], "invalid_token");
}

async fn forgotten_password_can_be_reset_by_mail(pair: Pair) {
    let auth = auth(pair, &[]).await;
    sign_up(&auth, "ada").await;
    let visitor = Caller::anonymous();
    let body = json!({ "email": "ada@example.test" });
    let known = auth.put("/api/v1/auth/forgot-password", &visitor, body).await;
    let body = json!({ "email": "nobody@example.test" });
    let unknown = auth.put("/api/v1/auth/forgot-password", &visitor, body).await;
    assert_eq!((known.status, &known.json), (unknown.status, &unknown.json));

    let token = event(&auth, "auth.password_reset_requested.v1").await["token"].clone();
    let path = format!("/api/v1/auth/reset-password/{}", token.as_str().unwrap());
    let differing = json!({ "password": "N3w-secret", "confirmPassword": "N3w-secrets" });
    assert_eq!(auth.put(&path, &visitor, differing).await.json["code"], "passwords_differ");
    let body = json!({ "password": "N3w-secret", "confirmPassword": "N3w-secret" });
    assert_eq!(auth.put(&path, &visitor, body.clone()).await.status, 200);
    assert_eq!(auth.put(&path, &visitor, body).await.json["code"], "invalid_token");
    assert_eq!(sign_in(&auth, "ada", "Secr3t-pass").await, 401);
    assert_eq!(sign_in(&auth, "ada", "N3w-secret").await, 200);
    assert_eq!(event(&auth, "auth.password_changed.v1").await["username"], "ada");
}

async fn password_changes_for_the_current_one_only(pair: Pair) {
    let auth = auth(pair, &[]).await;
    let ada = sign_up(&auth, "ada").await;
    let body = json!({ "currentPassword": "wrong-pass", "newPassword": "N3w-secret" });
    let refused = auth.put("/api/v1/auth/change-password", &ada, body).await;
    assert_eq!(refused.json["code"], "wrong_password");
    let body = json!({ "currentPassword": "Secr3t-pass", "newPassword": "N3w-secret" });
    let changed = auth.put("/api/v1/auth/change-password", &ada, body).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(sign_in(&auth, "ada", "N3w-secret").await, 200);
}

async fn visitors_and_strangers_are_kept_out(pair: Pair) {
    let auth = auth(pair, &[]).await;
    let visitor = Caller::anonymous();
    let answer = auth.get("/api/v1/auth/currentuser", &visitor).await;
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (401, &json!("sign_in_required")));
    let tokenless = auth.call(axum::http::Method::GET, "/api/v1/auth/currentuser", None, &[], None).await;
    assert_eq!(tokenless.status, 401);
    let ghost = Caller::new("gone", "gone", "gone@example.test");
    let answer = auth.get("/api/v1/auth/currentuser", &ghost).await;
    assert_eq!(answer.json["code"], "account_not_found");
    let seed = auth.put("/api/v1/auth/seed/3", &visitor, Value::Null).await;
    assert_eq!(seed.json["code"], "seeding_disabled");
}

async fn seeding_makes_up_accounts_where_it_is_wanted(pair: Pair) {
    let auth = auth(pair, &[("ALLOW_SEED", "1")]).await;
    let visitor = Caller::anonymous();
    let answer = auth.put("/api/v1/auth/seed/3", &visitor, Value::Null).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json["created"], 3);
    assert_eq!(outbox::pending(auth.database()).await.unwrap(), 3);
    let many = auth.put("/api/v1/auth/seed/101", &visitor, Value::Null).await;
    assert_eq!(many.json["code"], "invalid_count");
}

async fn token_used_by_two_at_once_works_for_one(pair: Pair) {
    let auth = auth(pair, &[]).await;
    sign_up(&auth, "ada").await;
    let body = json!({ "token": event(&auth, "auth.verification_requested.v1").await["token"] });
    let visitor = Caller::anonymous();
    let verify = || auth.put("/api/v1/auth/verify-email", &visitor, body.clone());
    let (one, other) = tokio::join!(verify(), verify());
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
}

async fn mails_asked_for_at_once_leave_one_token(pair: Pair) {
    let auth = auth(pair, &[]).await;
    let ada = sign_up(&auth, "ada").await;
    let resend = || auth.post("/api/v1/auth/resend-email", &ada, Value::Null);
    let answers: [_; 4] = tokio::join!(resend(), resend(), resend(), resend()).into();
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let (tokens,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM mail_tokens").fetch_one(auth.database().pool()).await.unwrap();
    assert_eq!(tokens, 1);
}

async fn name_taken_by_two_at_once_is_given_to_one(pair: Pair) {
    let auth = auth(pair, &[]).await;
    let visitor = Caller::anonymous();
    let body = json!({ "username": "ada", "email": "ada@example.test", "password": "Secr3t-pass" });
    let sign_up = || auth.post("/api/v1/auth/signup", &visitor, body.clone());
    let (one, other) = tokio::join!(sign_up(), sign_up());
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(outbox::pending(auth.database()).await.unwrap(), 2);
}

backends::on_each_pair!(
    sign_up_creates_an_account_and_tells_the_others,
    taken_name_or_address_is_refused,
    invalid_sign_up_says_what_was_expected,
    sign_in_takes_name_or_address_and_the_right_password,
    verification_token_works_once,
    resent_mail_makes_the_first_token_useless,
    expired_token_is_refused,
    forgotten_password_can_be_reset_by_mail,
    password_changes_for_the_current_one_only,
    visitors_and_strangers_are_kept_out,
    seeding_makes_up_accounts_where_it_is_wanted,
    token_used_by_two_at_once_works_for_one,
    mails_asked_for_at_once_leave_one_token,
    name_taken_by_two_at_once_is_given_to_one,
);
