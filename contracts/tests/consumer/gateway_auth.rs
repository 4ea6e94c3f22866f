//! The gateway signs people up and in.

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use gateway::clients::auth::{ChangePassword, ForgotPassword, ResetPassword, SignIn, SignUp, VerifyEmail};
use gateway::clients::{AuthClient, CallError};
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Url;
use serde_json::json;

use super::calls::{caller, path, refusal, service, with_token};
use super::envelope::{NOON, TIME};

expectations!(
    signing_up,
    signing_in,
    signing_in_with_a_wrong_password,
    verifying_an_address,
    verifying_an_address_with_a_wrong_token,
    asking_for_a_new_password,
    resetting_a_password,
    changing_a_password,
    reading_the_current_user,
    asking_for_the_mail_again,
    making_accounts_up,
);

const PASSWORD: &str = "a long password";
/// The shape of a token from a mail.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn sentence() -> JsonPattern {
    json_pattern!({ "message": like!("what happened, for a person") })
}

fn client(base: &Url) -> AuthClient {
    AuthClient::new(service("auth", base))
}

fn user(email_verified: JsonPattern) -> JsonPattern {
    json_pattern!({
        "user": {
            "id": like!("contract-caller"),
            "username": like!("contract_caller"),
            "email": term!("^[^@ ]+@[^@ ]+$", "contract.caller@example.test"),
            "emailVerified": email_verified,
            "createdAt": term!(TIME, NOON),
        }
    })
}

async fn signing_up(recorder: &Recorder) -> Result<(), Error> {
    let person = caller();
    let body = SignUp { username: person.username, email: person.email, password: PASSWORD.into() };
    HttpPact::new("gateway", "auth")
        .interaction("signing up", |i| {
            i.given("no account exists");
            with_token(i);
            i.request.post().path("/api/v1/auth/signup");
            super::calls::body(i, &body, &[("username", "newUsername"), ("email", "newEmail")]);
            i.response.created().json_body(user(json_pattern!(false)));
        })
        .exercise(recorder, |base| async move {
            let user = client(&base).sign_up(&body).await?;
            assert!(!user.email_verified, "{user:?}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_the_current_user(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "auth")
        .interaction("reading the current user", |i| {
            i.given("an account exists");
            with_token(i);
            i.request.get().path("/api/v1/auth/currentuser");
            i.response.ok().json_body(user(like!(true).into()));
        })
        .exercise(recorder, |base| async move {
            let user = client(&base).current_user(&caller()).await?;
            assert_eq!(user.username, caller().username);
            Ok::<(), CallError>(())
        })
        .await
}

async fn signing_in_with_a_wrong_password(recorder: &Recorder) -> Result<(), Error> {
    let body = SignIn { username: caller().username, password: "not the password".into() };
    HttpPact::new("gateway", "auth")
        .interaction("signing in with a wrong password", |i| {
            i.given_with_params("an account exists", &json!({ "password": PASSWORD }));
            with_token(i);
            i.request.post().path("/api/v1/auth/signin").json_body(json!(body));
            refusal(i, 401, "invalid_credentials");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).sign_in(&body).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(401), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn signing_in(recorder: &Recorder) -> Result<(), Error> {
    let body = SignIn { username: caller().username, password: PASSWORD.into() };
    HttpPact::new("gateway", "auth")
        .interaction("signing in", |i| {
            i.given_with_params("an account exists", &json!({ "password": PASSWORD }));
            with_token(i);
            i.request.post().path("/api/v1/auth/signin").json_body(json!(body));
            i.response.ok().json_body(user(like!(true).into()));
        })
        .exercise(recorder, |base| async move {
            let user = client(&base).sign_in(&body).await?;
            assert_eq!(user.username, caller().username);
            Ok::<(), CallError>(())
        })
        .await
}

async fn verifying_an_address(recorder: &Recorder) -> Result<(), Error> {
    let body = VerifyEmail { token: TOKEN.into() };
    HttpPact::new("gateway", "auth")
        .interaction("verifying an address", |i| {
            i.given("an account with an open verification exists");
            with_token(i);
            i.request.put().path("/api/v1/auth/verify-email");
            super::calls::body(i, &body, &[("token", "verificationToken")]);
            i.response.ok().json_body(user(json_pattern!(true)));
        })
        .exercise(recorder, |base| async move {
            let user = client(&base).verify_email(&body).await?;
            assert!(user.email_verified, "{user:?}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn verifying_an_address_with_a_wrong_token(recorder: &Recorder) -> Result<(), Error> {
    let body = VerifyEmail { token: "no token of ours".into() };
    HttpPact::new("gateway", "auth")
        .interaction("verifying an address with a wrong token", |i| {
            with_token(i);
            i.request.put().path("/api/v1/auth/verify-email").json_body(json!(body));
            refusal(i, 400, "invalid_token");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).verify_email(&body).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(400), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn asking_for_a_new_password(recorder: &Recorder) -> Result<(), Error> {
    let body = ForgotPassword { email: caller().email };
    HttpPact::new("gateway", "auth")
        .interaction("asking for a new password", |i| {
            i.given("an account exists");
            with_token(i);
            i.request.put().path("/api/v1/auth/forgot-password").json_body(json!(body));
            i.response.ok().json_body(sentence());
        })
        .exercise(recorder, |base| async move {
            let answer = client(&base).forgot_password(&body).await?;
            assert!(!answer.message.is_empty());
            Ok::<(), CallError>(())
        })
        .await
}

async fn resetting_a_password(recorder: &Recorder) -> Result<(), Error> {
    let body = ResetPassword { password: "another password".into(), confirm_password: "another password".into() };
    HttpPact::new("gateway", "auth")
        .interaction("resetting a password", |i| {
            i.given("an account with an open password reset exists");
            with_token(i);
            path(i, "/api/v1/auth/reset-password/${resetToken}", &[("resetToken", TOKEN)]);
            i.request.put().json_body(json!(body));
            i.response.ok().json_body(sentence());
        })
        .exercise(recorder, |base| async move {
            let answer = client(&base).reset_password(TOKEN, &body).await?;
            assert!(!answer.message.is_empty());
            Ok::<(), CallError>(())
        })
        .await
}

async fn changing_a_password(recorder: &Recorder) -> Result<(), Error> {
    let body = ChangePassword { current_password: PASSWORD.into(), new_password: "another password".into() };
    HttpPact::new("gateway", "auth")
        .interaction("changing a password", |i| {
            i.given_with_params("an account exists", &json!({ "password": PASSWORD }));
            with_token(i);
            i.request.put().path("/api/v1/auth/change-password").json_body(json!(body));
            i.response.ok().json_body(sentence());
        })
        .exercise(recorder, |base| async move {
            let answer = client(&base).change_password(&body, &caller()).await?;
            assert!(!answer.message.is_empty());
            Ok::<(), CallError>(())
        })
        .await
}

async fn asking_for_the_mail_again(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "auth")
        .interaction("asking for the mail again", |i| {
            i.given("an account with an open verification exists");
            with_token(i);
            i.request.post().path("/api/v1/auth/resend-email");
            i.response.ok().json_body(sentence());
        })
        .exercise(recorder, |base| async move {
            let answer = client(&base).resend_email(&caller()).await?;
            assert!(!answer.message.is_empty());
            Ok::<(), CallError>(())
        })
        .await
}

async fn making_accounts_up(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "auth")
        .interaction("making accounts up", |i| {
            with_token(i);
            i.request.put().path("/api/v1/auth/seed/1");
            i.response.created().json_body(json_pattern!({
                "created": 1,
                "usernames": each_like!(like!("seed-0123456789ab")),
            }));
        })
        .exercise(recorder, |base| async move {
            let seeded = client(&base).seed("1", &caller()).await?;
            assert_eq!(seeded.usernames.len(), 1);
            Ok::<(), CallError>(())
        })
        .await
}
