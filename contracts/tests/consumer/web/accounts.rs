//! Signing up, signing in, and one's own account.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::builders::InteractionBuilder;
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::super::calls::body;
use super::{Browser, Failure, at, page, refusal, signed_in};

expectations!(
    signing_up,
    signing_in,
    signing_in_with_a_wrong_password,
    signing_out,
    verifying_an_address,
    verifying_an_address_with_a_wrong_token,
    asking_for_a_new_password,
    resetting_a_password,
    changing_a_password,
    showing_who_is_signed_in,
    showing_a_visitor_who_is_signed_in,
    asking_for_the_mail_again,
    making_accounts_up,
);

const PASSWORD: &str = "a long password";
/// The shape of a token from a mail.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Somebody's own account, as the front-end shows it.
#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    username: String,
    email: String,
    email_verified: bool,
}

#[derive(Debug, Deserialize)]
struct Answer {
    user: User,
}

#[derive(Debug, Deserialize)]
struct Session {
    user: User,
    token: String,
}

#[derive(Debug, Deserialize)]
struct Sentence {
    message: String,
}

#[derive(Debug, Deserialize)]
struct MadeUp {
    created: u32,
    usernames: Vec<String>,
}

fn user(email_verified: JsonPattern) -> JsonPattern {
    json_pattern!({
        "id": like!("web-user"),
        "username": like!("web_user"),
        "email": term!("^[^@ ]+@[^@ ]+$", "web.user@example.test"),
        "emailVerified": email_verified,
    })
}

fn sentence() -> JsonPattern {
    json_pattern!({ "message": like!("what happened, for a person") })
}

/// A session in the body and in a cookie that scripts cannot read.
fn session(i: &mut InteractionBuilder, status: u16, email_verified: JsonPattern) {
    let cookie =
        term!(r"^marketplace_session=[\w-]+\.[\w-]+\.[\w-]+;.*HttpOnly.*$", "marketplace_session=a.b.c; HttpOnly");
    i.response.status(status).header("set-cookie", cookie).json_body(json_pattern!({
        "user": user(email_verified),
        "token": term!(r"^[\w-]+\.[\w-]+\.[\w-]+$", super::SESSION),
    }));
}

async fn signing_up(recorder: &Recorder) -> Result<(), Error> {
    let form = json!({ "username": "web_user", "email": "web.user@example.test", "password": PASSWORD });
    page("signing up", |i| {
        i.given("no account exists");
        at(i, "/auth/signup", &[]);
        i.request.post();
        body(i, &form, &[("username", "newUsername"), ("email", "newEmail")]);
        session(i, 201, json_pattern!(false));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let session: Session = browser.post("/auth/signup", &form).await?;
        assert!(!session.user.email_verified && !session.token.is_empty(), "{session:?}");
        Ok::<(), Failure>(())
    })
    .await
}

async fn signing_in(recorder: &Recorder) -> Result<(), Error> {
    let form = json!({ "username": "web_user", "password": PASSWORD });
    page("signing in", |i| {
        i.given_with_params("an account exists", &json!({ "password": PASSWORD }));
        at(i, "/auth/signin", &[]);
        i.request.post().json_body(form.clone());
        session(i, 200, like!(true).into());
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let session: Session = browser.post("/auth/signin", &form).await?;
        assert_eq!(session.user.username, "web_user");
        Ok::<(), Failure>(())
    })
    .await
}

async fn signing_in_with_a_wrong_password(recorder: &Recorder) -> Result<(), Error> {
    let form = json!({ "username": "web_user", "password": "not the password" });
    page("signing in with a wrong password", |i| {
        i.given_with_params("an account exists", &json!({ "password": PASSWORD }));
        at(i, "/auth/signin", &[]);
        i.request.post().json_body(form.clone());
        refusal(i, 401, "invalid_credentials");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let refused = browser.post::<Session>("/auth/signin", &form).await.unwrap_err();
        assert_eq!(refused.code(), "invalid_credentials");
        Ok::<(), Failure>(())
    })
    .await
}

async fn signing_out(recorder: &Recorder) -> Result<(), Error> {
    page("signing out", |i| {
        at(i, "/auth/signout", &[]);
        i.request.post();
        i.response
            .no_content()
            .header("set-cookie", term!("^marketplace_session=;.*$", "marketplace_session=; Max-Age=0"));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        browser.bare(Method::POST, "/auth/signout").await?;
        Ok::<(), Failure>(())
    })
    .await
}

async fn verifying_an_address(recorder: &Recorder) -> Result<(), Error> {
    let form = json!({ "token": TOKEN });
    page("verifying an address", |i| {
        i.given("an account with an open verification exists");
        at(i, "/auth/verify-email", &[]);
        i.request.put();
        body(i, &form, &[("token", "verificationToken")]);
        i.response.ok().json_body(json_pattern!({ "user": user(json_pattern!(true)) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let answer: Answer = browser.put("/auth/verify-email", &form).await?;
        assert!(answer.user.email_verified, "{answer:?}");
        Ok::<(), Failure>(())
    })
    .await
}

async fn verifying_an_address_with_a_wrong_token(recorder: &Recorder) -> Result<(), Error> {
    let form = json!({ "token": "no token of ours" });
    page("verifying an address with a wrong token", |i| {
        at(i, "/auth/verify-email", &[]);
        i.request.put().json_body(form.clone());
        refusal(i, 400, "invalid_token");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let refused = browser.put::<Answer>("/auth/verify-email", &form).await.unwrap_err();
        assert_eq!(refused.code(), "invalid_token");
        Ok::<(), Failure>(())
    })
    .await
}

async fn asking_for_a_new_password(recorder: &Recorder) -> Result<(), Error> {
    let form = json!({ "email": "web.user@example.test" });
    page("asking for a new password", |i| {
        i.given("an account exists");
        at(i, "/auth/forgot-password", &[]);
        i.request.put().json_body(form.clone());
        i.response.ok().json_body(sentence());
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let said: Sentence = browser.put("/auth/forgot-password", &form).await?;
        assert!(!said.message.is_empty());
        Ok::<(), Failure>(())
    })
    .await
}

async fn resetting_a_password(recorder: &Recorder) -> Result<(), Error> {
    let form = json!({ "password": "another password", "confirmPassword": "another password" });
    page("resetting a password", |i| {
        i.given("an account with an open password reset exists");
        at(i, "/auth/reset-password/${resetToken}", &[("resetToken", TOKEN)]);
        i.request.put().json_body(form.clone());
        i.response.ok().json_body(sentence());
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let said: Sentence = browser.put(&format!("/auth/reset-password/{TOKEN}"), &form).await?;
        assert!(!said.message.is_empty());
        Ok::<(), Failure>(())
    })
    .await
}

async fn changing_a_password(recorder: &Recorder) -> Result<(), Error> {
    let form = json!({ "currentPassword": PASSWORD, "newPassword": "another password" });
    page("changing a password", |i| {
        signed_in(i);
        i.given_with_params("an account exists", &json!({ "password": PASSWORD }));
        at(i, "/auth/change-password", &[]);
        i.request.put().json_body(form.clone());
        i.response.ok().json_body(sentence());
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let said: Sentence = browser.put("/auth/change-password", &form).await?;
        assert!(!said.message.is_empty());
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_who_is_signed_in(recorder: &Recorder) -> Result<(), Error> {
    page("showing who is signed in", |i| {
        signed_in(i);
        i.given("an account exists");
        at(i, "/auth/currentuser", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "user": user(like!(true).into()) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: Answer = browser.get("/auth/currentuser").await?;
        assert_eq!(answer.user.username, "web_user");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_a_visitor_who_is_signed_in(recorder: &Recorder) -> Result<(), Error> {
    page("showing a visitor who is signed in", |i| {
        at(i, "/auth/currentuser", &[]);
        i.request.get();
        refusal(i, 401, "sign_in_required");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let refused = browser.get::<Answer>("/auth/currentuser").await.unwrap_err();
        assert_eq!(refused.code(), "sign_in_required");
        Ok::<(), Failure>(())
    })
    .await
}

async fn asking_for_the_mail_again(recorder: &Recorder) -> Result<(), Error> {
    page("asking for the mail again", |i| {
        signed_in(i);
        i.given("an account with an open verification exists");
        at(i, "/auth/resend-email", &[]);
        i.request.post();
        i.response.ok().json_body(sentence());
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let said: Sentence = browser.bare(Method::POST, "/auth/resend-email").await?.json().await?;
        assert!(!said.message.is_empty());
        Ok::<(), Failure>(())
    })
    .await
}

async fn making_accounts_up(recorder: &Recorder) -> Result<(), Error> {
    page("making accounts up", |i| {
        at(i, "/auth/seed/1", &[]);
        i.request.put();
        i.response
            .created()
            .json_body(json_pattern!({ "created": 1, "usernames": each_like!(like!("seed-0123456789ab")) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let made: MadeUp = browser.bare(Method::PUT, "/auth/seed/1").await?.json().await?;
        assert_eq!((made.created, made.usernames.len()), (1, 1));
        Ok::<(), Failure>(())
    })
    .await
}
