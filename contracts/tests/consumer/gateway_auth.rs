//! The gateway signs people up and in.

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use gateway::clients::auth::{SignIn, SignUp};
use gateway::clients::{AuthClient, CallError};
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};
use reqwest::Url;

use super::calls::{caller, refusal, service, with_token};
use super::envelope::{NOON, TIME};

expectations!(signing_up, reading_the_current_user, signing_in_with_a_wrong_password);

fn client(base: &Url) -> AuthClient {
    AuthClient::new(service("auth", base))
}

fn user(email_verified: JsonPattern) -> JsonPattern {
    json_pattern!({
        "user": {
            "id": like!("contract-caller"),
            "username": "contract_caller",
            "email": "contract.caller@example.test",
            "emailVerified": email_verified,
            "createdAt": term!(TIME, NOON),
        }
    })
}

async fn signing_up(recorder: &Recorder) -> Result<(), Error> {
    let person = caller();
    let body = SignUp { username: person.username, email: person.email, password: "a long password".into() };
    HttpPact::new("gateway", "auth")
        .interaction("signing up", |i| {
            i.given("no account exists");
            with_token(i);
            i.request.post().path("/api/v1/auth/signup").json_body(json_pattern!({
                "username": "contract_caller",
                "email": "contract.caller@example.test",
                "password": "a long password",
            }));
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
            i.given("no account exists");
            with_token(i);
            i.request.post().path("/api/v1/auth/signin");
            i.request.json_body(json_pattern!({ "username": "contract_caller", "password": "not the password" }));
            refusal(i, 401, "invalid_credentials");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).sign_in(&body).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(401), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}
