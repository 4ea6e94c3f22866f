//! `/api/v1/gateway/auth/...`: accounts and sessions, and the search that visitors may use.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::routing::{get, post, put};
use platform::{ApiError, Json, Path};
use serde::Serialize;

use super::{Answer, Created, created};
use crate::Gateway;
use crate::clients::GatewayError;
use crate::clients::auth::{
    ChangePassword, ForgotPassword, Message, ResetPassword, SeededUsers, SignIn, SignUp, User, VerifyEmail,
};
use crate::clients::gig::{Gig, Page};
use crate::session::{Anyone, SignedInUser};

pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/signup", post(sign_up))
        .route("/signin", post(sign_in))
        .route("/signout", post(sign_out))
        .route("/verify-email", put(verify_email))
        .route("/forgot-password", put(forgot_password))
        .route("/reset-password/{token}", put(reset_password))
        .route("/change-password", put(change_password))
        .route("/currentuser", get(current_user))
        .route("/resend-email", post(resend_email))
        .route("/seed/{count}", put(seed))
        .route("/search/gig/{from}/{size}/{direction}", get(search))
        .route("/search/gig/{gig_id}", get(gig))
}

#[derive(Serialize)]
struct Session {
    message: &'static str,
    user: User,
    token: String,
}

#[derive(Serialize)]
struct UserAnswer {
    user: User,
}

#[derive(Serialize)]
struct GigAnswer {
    gig: Gig,
}

type Cookie = [(HeaderName, HeaderValue); 1];

fn begin(gateway: &Gateway, user: User, message: &'static str) -> Result<(Cookie, Json<Session>), ApiError> {
    let token = gateway.sessions.issue(&user)?;
    let cookie = [(SET_COOKIE, gateway.sessions.cookie(Some(&token))?)];
    let session = Session { message, user, token };
    Ok((cookie, Json(session)))
}

async fn sign_up(
    State(gateway): State<Gateway>,
    Json(body): Json<SignUp>,
) -> Result<(StatusCode, Cookie, Json<Session>), GatewayError> {
    let user = gateway.clients.auth.sign_up(&body).await?;
    let (cookie, session) = begin(&gateway, user, "welcome: a mail is on its way")?;
    Ok((StatusCode::CREATED, cookie, session))
}

async fn sign_in(
    State(gateway): State<Gateway>,
    Json(body): Json<SignIn>,
) -> Result<(Cookie, Json<Session>), GatewayError> {
    let user = gateway.clients.auth.sign_in(&body).await?;
    Ok(begin(&gateway, user, "welcome back")?)
}

async fn sign_out(State(gateway): State<Gateway>) -> Result<(StatusCode, Cookie), GatewayError> {
    let cookie = gateway.sessions.cookie(None).map_err(ApiError::internal)?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]))
}

async fn verify_email(State(gateway): State<Gateway>, Json(body): Json<VerifyEmail>) -> Answer<UserAnswer> {
    let user = gateway.clients.auth.verify_email(&body).await?;
    Ok(Json(UserAnswer { user }))
}

async fn forgot_password(State(gateway): State<Gateway>, Json(body): Json<ForgotPassword>) -> Answer<Message> {
    Ok(Json(gateway.clients.auth.forgot_password(&body).await?))
}

async fn reset_password(
    State(gateway): State<Gateway>,
    Path(token): Path<String>,
    Json(body): Json<ResetPassword>,
) -> Answer<Message> {
    Ok(Json(gateway.clients.auth.reset_password(&token, &body).await?))
}

async fn change_password(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(body): Json<ChangePassword>,
) -> Answer<Message> {
    Ok(Json(gateway.clients.auth.change_password(&body, &caller).await?))
}

async fn current_user(State(gateway): State<Gateway>, SignedInUser(caller): SignedInUser) -> Answer<UserAnswer> {
    let user = gateway.clients.auth.current_user(&caller).await?;
    Ok(Json(UserAnswer { user }))
}

async fn resend_email(State(gateway): State<Gateway>, SignedInUser(caller): SignedInUser) -> Answer<Message> {
    Ok(Json(gateway.clients.auth.resend_email(&caller).await?))
}

async fn seed(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(count): Path<String>,
) -> Created<SeededUsers> {
    created(gateway.clients.auth.seed(&count, &caller).await?)
}

async fn search(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path((from, size, direction)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Answer<Page> {
    let page = gateway.clients.gigs.search(&from, &size, &direction, query.as_deref(), &caller).await?;
    Ok(Json(page))
}

async fn gig(State(gateway): State<Gateway>, Anyone(caller): Anyone, Path(gig_id): Path<String>) -> Answer<GigAnswer> {
    let gig = gateway.clients.gigs.gig(&gig_id, &caller).await?;
    Ok(Json(GigAnswer { gig }))
}
