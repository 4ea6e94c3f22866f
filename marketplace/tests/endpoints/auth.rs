//! Accounts and sessions, and the search that visitors may use.

use axum::http::Method;
use serde_json::json;

use super::Things;
use super::row::{Row, endpoint, to};
use crate::world::{PASSWORD, World};

const NEW: &str = "another horse battery";

pub(super) fn rows(world: &World, things: &Things) -> Vec<Row> {
    let World { ada, bob, eve, gig, .. } = world;
    let search = "/auth/search/gig/0/10/forward?query=logo";
    let sign_up = |name: &str, email: &str| {
        to("/auth/signup").with(json!({ "username": name, "email": email, "password": PASSWORD }))
    };
    let sign_in =
        |name: &str, password: &str| to("/auth/signin").with(json!({ "username": name, "password": password }));
    let verify = |token: &str| to("/auth/verify-email").with(json!({ "token": token }));
    let forgot = |email: &str| to("/auth/forgot-password").with(json!({ "email": email }));
    let reset = |token: &str, password: &str, again: &str| {
        to(format!("/auth/reset-password/{token}")).with(json!({ "password": password, "confirmPassword": again }))
    };
    let change = |current: &str, new: &str| {
        to("/auth/change-password").with(json!({ "currentPassword": current, "newPassword": new }))
    };
    vec![
        endpoint("Sign up", Method::POST, "/auth/signup")
            .right_for_visitors(sign_up("grace", "grace@example.test"), 201, &["/user/id", "/token"])
            .wrong(sign_up("ada", "other@example.test"), 409, "account_exists")
            .wrong(sign_up("other", "ada@example.test"), 409, "account_exists")
            .wrong(sign_up("x", "x@example.test"), 400, "invalid_username")
            .wrong(sign_up("other", "nowhere"), 400, "invalid_email")
            .once(409, "account_exists")
            .nobodys(),
        endpoint("Sign in", Method::POST, "/auth/signin")
            .right_for_visitors(sign_in("bob", PASSWORD), 200, &["/user/id", "/token"])
            .wrong(sign_in("bob", "not his password"), 401, "invalid_credentials")
            .wrong(sign_in("nobody", PASSWORD), 401, "invalid_credentials")
            .nobodys(),
        endpoint("Sign out", Method::POST, "/auth/signout").right_for_visitors(to("/auth/signout"), 204, &[]).nobodys(),
        endpoint("Verify e-mail", Method::PUT, "/auth/verify-email")
            .right_for_visitors(verify(&things.verification), 200, &["/user/emailVerified"])
            .wrong(verify("made up"), 400, "invalid_token")
            .wrong(verify(&things.reset), 400, "invalid_token")
            .once(400, "invalid_token")
            .nobodys(),
        endpoint("Resend verification e-mail", Method::POST, "/auth/resend-email")
            .right(bob, to("/auth/resend-email"), 200, &["/message"])
            .wrong_for(ada, to("/auth/resend-email"), 409, "email_already_verified")
            .nobodys(),
        endpoint("Forgot password", Method::PUT, "/auth/forgot-password")
            .right_for_visitors(forgot(&eve.email), 200, &["/message"])
            .wrong(forgot("nowhere"), 400, "invalid_email")
            .nobodys(),
        endpoint("Reset password", Method::PUT, "/auth/reset-password/{token}")
            .right_for_visitors(reset(&things.reset, PASSWORD, PASSWORD), 200, &["/message"])
            .wrong(reset("made-up", PASSWORD, PASSWORD), 400, "invalid_token")
            .wrong(reset(&things.verification, PASSWORD, PASSWORD), 400, "invalid_token")
            .wrong(reset(&things.reset, PASSWORD, NEW), 400, "passwords_differ")
            .wrong(reset(&things.reset, "short", "short"), 400, "invalid_password")
            .once(400, "invalid_token")
            .nobodys(),
        endpoint("Change password", Method::PUT, "/auth/change-password")
            .right(ada, change(PASSWORD, NEW), 200, &["/message"])
            .wrong(change("not hers", NEW), 400, "wrong_password")
            .wrong(change(PASSWORD, "short"), 400, "invalid_password")
            .once(400, "wrong_password")
            .refused_to_strangers_who_ask(change("what ada has, not eve", NEW), 400, "wrong_password"),
        endpoint("Current user", Method::GET, "/auth/currentuser")
            .right(ada, to("/auth/currentuser"), 200, &["/user/id", "/user/email"])
            .everybody_their_own("/user/id"),
        endpoint("Seed users", Method::PUT, "/auth/seed/{count}")
            .right_for_visitors(to("/auth/seed/2"), 201, &["/created"])
            .wrong(to("/auth/seed/0"), 400, "invalid_count")
            .wrong(to("/auth/seed/many"), 400, "invalid_path")
            .nobodys(),
        endpoint("Search gigs (public)", Method::GET, "/auth/search/gig/{from}/{size}/{direction}")
            .right_for_visitors(to(search), 200, &["/total", "/gigs/0/id"])
            .wrong(to("/auth/search/gig/0/0/forward"), 400, "invalid_size")
            .wrong(to("/auth/search/gig/0/10/sideways"), 400, "invalid_path")
            .wrong(to("/auth/search/gig/0/10/forward?minPrice=cheap"), 400, "invalid_query")
            .seen_without(&[]),
        endpoint("One gig (public)", Method::GET, "/auth/search/gig/{gig_id}")
            .right_for_visitors(to(format!("/auth/search/gig/{gig}")), 200, &["/gig/id"])
            .wrong(to("/auth/search/gig/none"), 404, "gig_not_found")
            .seen_without(&[]),
    ]
}
