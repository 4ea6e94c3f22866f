//! `/api/v1/gateway/auth/...`: accounts and sessions, and the search that visitors may use.

use axum::extract::{RawQuery, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use platform::document::{OpenApiRouter, routes};
use platform::{ApiError, Json, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, Created, created};
use crate::Gateway;
use crate::clients::GatewayError;
use crate::clients::auth::{
    ChangePassword, ForgotPassword, Message, ResetPassword, SeededUsers, SignIn, SignUp, User, VerifyEmail,
};
use crate::clients::gig::{Gig, Page};
use crate::session::{Anyone, SignedInUser};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::default()
        .routes(routes!(sign_up))
        .routes(routes!(sign_in))
        .routes(routes!(sign_out))
        .routes(routes!(verify_email))
        .routes(routes!(forgot_password))
        .routes(routes!(reset_password))
        .routes(routes!(change_password))
        .routes(routes!(current_user))
        .routes(routes!(resend_email))
        .routes(routes!(seed))
        .routes(routes!(search))
        .routes(routes!(gig))
}

#[derive(Serialize, ToSchema)]
struct Session {
    message: &'static str,
    user: User,
    token: String,
}

#[derive(Serialize, ToSchema)]
struct UserAnswer {
    user: User,
}

#[derive(Serialize, ToSchema)]
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

/// Creates an account and signs it in.
#[utoipa::path(
    post,
    path = "/signup",
    request_body = SignUp,
    responses(
        (status = 201, description = "The account, and a session.", body = Session, headers(("Set-Cookie" = String, description = "The session."))),
        (status = 400, description = "`invalid_username`, `invalid_email`, `invalid_password`"),
        (status = 409, description = "`account_exists`"),
    ),
    security(()),
)]
async fn sign_up(
    State(gateway): State<Gateway>,
    Json(body): Json<SignUp>,
) -> Result<(StatusCode, Cookie, Json<Session>), GatewayError> {
    let user = gateway.clients.auth.sign_up(&body).await?;
    let (cookie, session) = begin(&gateway, user, "welcome: a mail is on its way")?;
    Ok((StatusCode::CREATED, cookie, session))
}

/// Signs in.
#[utoipa::path(
    post,
    path = "/signin",
    request_body = SignIn,
    responses(
        (status = 200, description = "The account, and a session.", body = Session, headers(("Set-Cookie" = String, description = "The session."))),
        (status = 401, description = "`invalid_credentials`"),
    ),
    security(()),
)]
async fn sign_in(
    State(gateway): State<Gateway>,
    Json(body): Json<SignIn>,
) -> Result<(Cookie, Json<Session>), GatewayError> {
    let user = gateway.clients.auth.sign_in(&body).await?;
    Ok(begin(&gateway, user, "welcome back")?)
}

/// Removes the cookie of the session.
#[utoipa::path(
    post,
    path = "/signout",
    responses(
        (status = 204, description = "It is removed.", headers(("Set-Cookie" = String, description = "The session."))),
    ),
    security(()),
)]
async fn sign_out(State(gateway): State<Gateway>) -> Result<(StatusCode, Cookie), GatewayError> {
    let cookie = gateway.sessions.cookie(None).map_err(ApiError::internal)?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]))
}

/// Verifies an address with the token of a mail, which is good once.
#[utoipa::path(
    put,
    path = "/verify-email",
    request_body = VerifyEmail,
    responses(
        (status = 200, description = "The account.", body = UserAnswer),
        (status = 400, description = "`invalid_token`"),
    ),
    security(()),
)]
async fn verify_email(State(gateway): State<Gateway>, Json(body): Json<VerifyEmail>) -> Answer<UserAnswer> {
    let user = gateway.clients.auth.verify_email(&body).await?;
    Ok(Json(UserAnswer { user }))
}

/// Sends a mail to set a new password with; says the same when there is no such account.
#[utoipa::path(
    put,
    path = "/forgot-password",
    request_body = ForgotPassword,
    responses(
        (status = 200, description = "A sentence.", body = Message),
        (status = 400, description = "`invalid_email`"),
    ),
    security(()),
)]
async fn forgot_password(State(gateway): State<Gateway>, Json(body): Json<ForgotPassword>) -> Answer<Message> {
    Ok(Json(gateway.clients.auth.forgot_password(&body).await?))
}

/// Sets a new password with the token of a mail, which is good once.
#[utoipa::path(
    put,
    path = "/reset-password/{token}",
    request_body = ResetPassword,
    responses(
        (status = 200, description = "A sentence.", body = Message),
        (status = 400, description = "`invalid_token`, `invalid_password`, `passwords_differ`"),
    ),
    security(()),
)]
async fn reset_password(
    State(gateway): State<Gateway>,
    Path(token): Path<String>,
    Json(body): Json<ResetPassword>,
) -> Answer<Message> {
    Ok(Json(gateway.clients.auth.reset_password(&token, &body).await?))
}

/// Sets a new password with the present one.
#[utoipa::path(
    put,
    path = "/change-password",
    request_body = ChangePassword,
    responses(
        (status = 200, description = "A sentence.", body = Message),
        (status = 400, description = "`invalid_password`, `wrong_password`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`, `account_not_found`"),
    ),
)]
async fn change_password(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(body): Json<ChangePassword>,
) -> Answer<Message> {
    Ok(Json(gateway.clients.auth.change_password(&body, &caller).await?))
}

/// The caller's own account.
#[utoipa::path(
    get,
    path = "/currentuser",
    responses(
        (status = 200, description = "The account.", body = UserAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`, `account_not_found`"),
    ),
)]
async fn current_user(State(gateway): State<Gateway>, SignedInUser(caller): SignedInUser) -> Answer<UserAnswer> {
    let user = gateway.clients.auth.current_user(&caller).await?;
    Ok(Json(UserAnswer { user }))
}

/// Sends the mail to verify an address again.
#[utoipa::path(
    post,
    path = "/resend-email",
    responses(
        (status = 200, description = "A sentence.", body = Message),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`, `account_not_found`"),
        (status = 409, description = "`email_already_verified`"),
    ),
)]
async fn resend_email(State(gateway): State<Gateway>, SignedInUser(caller): SignedInUser) -> Answer<Message> {
    Ok(Json(gateway.clients.auth.resend_email(&caller).await?))
}

/// Makes accounts up, where that is wanted.
#[utoipa::path(
    put,
    path = "/seed/{count}",
    params(
        ("count" = u32, Path, minimum = 1, maximum = 100),
    ),
    responses(
        (status = 201, description = "Their names.", body = SeededUsers),
        (status = 400, description = "`invalid_count`"),
        (status = 403, description = "`seeding_disabled`"),
    ),
    security((), ("cookie" = []), ("bearer" = [])),
)]
async fn seed(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(count): Path<String>,
) -> Created<SeededUsers> {
    created(gateway.clients.auth.seed(&count, &caller).await?)
}

/// Searches active gigs, for visitors too.
#[utoipa::path(
    get,
    path = "/search/gig/{from}/{size}/{direction}",
    params(
        ("from" = String, Path, description = "`0`, or `next` or `previous` of an earlier page.", max_length = 64),
        ("size" = u32, Path, minimum = 1, maximum = 100),
        ("direction" = String, Path, description = "`forward` to older gigs, `backward` to newer ones.", pattern = "^(forward|backward)$"),
        ("query" = Option<String>, Query, description = "Words that the gig must hold; the last may be incomplete."),
        ("minPrice" = Option<i64>, Query, description = "Minor units."),
        ("maxPrice" = Option<i64>, Query, description = "Minor units."),
        ("deliveryDays" = Option<i64>, Query, description = "Days until delivery, at most."),
        ("category" = Option<String>, Query),
    ),
    responses(
        (status = 200, description = "One page.", body = Page),
        (status = 400, description = "`invalid_size`, `invalid_cursor`"),
    ),
    security((), ("cookie" = []), ("bearer" = [])),
)]
async fn search(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path((from, size, direction)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Answer<Page> {
    let page = gateway.clients.gigs.search(&from, &size, &direction, query.as_deref(), &caller).await?;
    Ok(Json(page))
}

/// One gig, for visitors too; a paused one only for its seller.
#[utoipa::path(
    get,
    path = "/search/gig/{gig_id}",
    responses(
        (status = 200, description = "The gig.", body = GigAnswer),
        (status = 404, description = "`gig_not_found`"),
    ),
    security((), ("cookie" = []), ("bearer" = [])),
)]
async fn gig(State(gateway): State<Gateway>, Anyone(caller): Anyone, Path(gig_id): Path<String>) -> Answer<GigAnswer> {
    let gig = gateway.clients.gigs.gig(&gig_id, &caller).await?;
    Ok(Json(GigAnswer { gig }))
}
