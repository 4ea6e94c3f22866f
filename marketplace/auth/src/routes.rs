//! The HTTP interface: `/api/v1/auth/...`, called by the gateway only.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use platform::document::{self, Document, OpenApiRouter, routes};
use platform::{ApiError, Event, Json, Path, SignedIn, Tx, new_id, now, outbox};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Auth;
use crate::domain::{self, Account, AccountView, Invalid};
use crate::events::{PasswordChanged, PasswordResetRequested, UserRegistered, VerificationRequested};
use crate::seed;
use crate::store::{self, Key};
use crate::token::Purpose;

pub(crate) fn router(state: Auth) -> Router {
    routes().with_state(state).into()
}

/// What this service answers, as OpenAPI 3.1.
#[must_use]
pub fn openapi() -> Document {
    document::service("auth", "Accounts: who somebody is, and how they prove it.", routes())
}

fn routes() -> OpenApiRouter<Auth> {
    let routes = OpenApiRouter::default()
        .routes(routes!(sign_up))
        .routes(routes!(sign_in))
        .routes(routes!(verify_email))
        .routes(routes!(forgot_password))
        .routes(routes!(reset_password))
        .routes(routes!(change_password))
        .routes(routes!(current_user))
        .routes(routes!(resend_email))
        .routes(routes!(seed::seed));
    OpenApiRouter::default().nest("/api/v1/auth", routes)
}

#[derive(Serialize, ToSchema)]
struct UserAnswer {
    user: AccountView,
}

#[derive(Serialize, ToSchema)]
struct MessageAnswer {
    message: &'static str,
}

#[derive(Deserialize, ToSchema)]
struct SignUp {
    #[schema(min_length = 3, max_length = 32)]
    username: String,
    #[schema(format = Email, max_length = 254)]
    email: String,
    #[schema(min_length = 8, max_length = 128)]
    password: String,
}

/// Creates an account, whose address is then to be verified.
#[utoipa::path(
    post,
    path = "/signup",
    request_body = SignUp,
    responses(
        (status = 201, description = "The account.", body = UserAnswer),
        (status = 400, description = "`invalid_username`, `invalid_email`, `invalid_password`"),
        (status = 409, description = "`account_exists`"),
    ),
)]
async fn sign_up(
    State(auth): State<Auth>,
    Json(body): Json<SignUp>,
) -> Result<(StatusCode, Json<UserAnswer>), ApiError> {
    let username = domain::username(&body.username).map_err(invalid)?;
    let email = domain::email(&body.email).map_err(invalid)?;
    domain::password(&body.password).map_err(invalid)?;
    // Asked before the expensive hash; the unique index decides between two who ask at the same time.
    {
        let mut db = auth.database.pool().acquire().await?;
        let taken = store::find(&mut db, Key::Login(&username)).await?.is_some()
            || store::find(&mut db, Key::Email(&email)).await?.is_some();
        if taken {
            return Err(account_exists());
        }
    }
    let account = Account {
        id: new_id(),
        username,
        email,
        password_hash: auth.passwords.hash(body.password).await?,
        email_verified: false,
        created_at: now(),
    };
    let mut tx = auth.database.begin().await?;
    register(&mut tx, &account).await?;
    request_verification(&mut tx, &account).await?;
    tx.commit().await?;
    let user = account.into();
    Ok((StatusCode::CREATED, Json(UserAnswer { user })))
}

/// Inserts an account and tells the others.
pub(crate) async fn register(tx: &mut Tx, account: &Account) -> Result<(), ApiError> {
    store::insert(tx, account).await.map_err(|error| match error.as_database_error() {
        Some(database) if database.is_unique_violation() => account_exists(),
        _ => ApiError::internal(error),
    })?;
    let registered = UserRegistered {
        user_id: account.id.clone(),
        username: account.username.clone(),
        email: account.email.clone(),
    };
    outbox::emit(tx, Event::new(&account.id, &registered)?);
    Ok(())
}

async fn request_verification(tx: &mut Tx, account: &Account) -> Result<(), ApiError> {
    let requested = VerificationRequested {
        user_id: account.id.clone(),
        username: account.username.clone(),
        email: account.email.clone(),
        token: store::issue(tx, &account.id, Purpose::VerifyEmail).await?,
    };
    outbox::emit(tx, Event::new(&account.id, &requested)?);
    Ok(())
}

#[derive(Deserialize, ToSchema)]
struct SignIn {
    /// Name or address.
    #[schema(max_length = 254)]
    username: String,
    #[schema(max_length = 128)]
    password: String,
}

/// Says whose name and password these are.
#[utoipa::path(
    post,
    path = "/signin",
    request_body = SignIn,
    responses(
        (status = 200, description = "The account.", body = UserAnswer),
        (status = 401, description = "`invalid_credentials`"),
    ),
)]
async fn sign_in(State(auth): State<Auth>, Json(body): Json<SignIn>) -> Result<Json<UserAnswer>, ApiError> {
    let refused = || ApiError::unauthorized("invalid_credentials", "username or password is wrong");
    let login = body.username.trim().to_lowercase();
    if login.len() > 254 || body.password.chars().count() > domain::MAX_PASSWORD {
        return Err(refused());
    }
    let mut db = auth.database.pool().acquire().await?;
    let account = store::find(&mut db, Key::Login(&login)).await?;
    drop(db);
    let stored = account.as_ref().map(|account| account.password_hash.clone());
    let right = auth.passwords.verify(body.password, stored).await?;
    match account {
        Some(account) if right => Ok(Json(UserAnswer { user: account.into() })),
        _ => Err(refused()),
    }
}

#[derive(Deserialize, ToSchema)]
struct VerifyEmail {
    token: String,
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
)]
async fn verify_email(State(auth): State<Auth>, Json(body): Json<VerifyEmail>) -> Result<Json<UserAnswer>, ApiError> {
    let mut tx = auth.database.begin().await?;
    let id = store::redeem(&mut tx, &body.token, Purpose::VerifyEmail).await?.ok_or_else(token_refused)?;
    store::set_verified(&mut tx, &id).await?;
    let account = store::find(&mut tx, Key::Id(&id)).await?.ok_or_else(token_refused)?;
    tx.commit().await?;
    Ok(Json(UserAnswer { user: account.into() }))
}

#[derive(Deserialize, ToSchema)]
struct ForgotPassword {
    #[schema(format = Email, max_length = 254)]
    email: String,
}

/// Sends a mail to set a new password with; says the same when there is no such account.
#[utoipa::path(
    put,
    path = "/forgot-password",
    request_body = ForgotPassword,
    responses(
        (status = 200, description = "A sentence.", body = MessageAnswer),
        (status = 400, description = "`invalid_email`"),
    ),
)]
async fn forgot_password(
    State(auth): State<Auth>,
    Json(body): Json<ForgotPassword>,
) -> Result<Json<MessageAnswer>, ApiError> {
    let email = domain::email(&body.email).map_err(invalid)?;
    let mut tx = auth.database.begin().await?;
    if let Some(account) = store::find(&mut tx, Key::Email(&email)).await? {
        let requested = PasswordResetRequested {
            token: store::issue(&mut tx, &account.id, Purpose::ResetPassword).await?,
            user_id: account.id.clone(),
            username: account.username,
            email: account.email,
        };
        outbox::emit(&mut tx, Event::new(&account.id, &requested)?);
    }
    tx.commit().await?;
    Ok(Json(MessageAnswer { message: "if there is an account with this address, a mail is on its way" }))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ResetPassword {
    #[schema(min_length = 8, max_length = 128)]
    password: String,
    #[schema(min_length = 8, max_length = 128)]
    confirm_password: String,
}

/// Sets a new password with the token of a mail, which is good once.
#[utoipa::path(
    put,
    path = "/reset-password/{token}",
    request_body = ResetPassword,
    responses(
        (status = 200, description = "A sentence.", body = MessageAnswer),
        (status = 400, description = "`invalid_token`, `invalid_password`, `passwords_differ`"),
    ),
)]
async fn reset_password(
    State(auth): State<Auth>,
    Path(token): Path<String>,
    Json(body): Json<ResetPassword>,
) -> Result<Json<MessageAnswer>, ApiError> {
    domain::password(&body.password).map_err(invalid)?;
    if body.password != body.confirm_password {
        return Err(invalid(Invalid::Confirmation));
    }
    let hash = auth.passwords.hash(body.password).await?;
    let mut tx = auth.database.begin().await?;
    let id = store::redeem(&mut tx, &token, Purpose::ResetPassword).await?.ok_or_else(token_refused)?;
    let account = store::find(&mut tx, Key::Id(&id)).await?.ok_or_else(token_refused)?;
    change(&mut tx, account, &hash).await?;
    tx.commit().await?;
    Ok(Json(MessageAnswer { message: "the password has been changed" }))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChangePassword {
    #[schema(max_length = 128)]
    current_password: String,
    #[schema(min_length = 8, max_length = 128)]
    new_password: String,
}

/// Sets a new password with the present one.
#[utoipa::path(
    put,
    path = "/change-password",
    request_body = ChangePassword,
    responses(
        (status = 200, description = "A sentence.", body = MessageAnswer),
        (status = 400, description = "`invalid_password`, `wrong_password`"),
        (status = 401, description = "`sign_in_required`, `account_not_found`"),
    ),
)]
async fn change_password(
    State(auth): State<Auth>,
    caller: SignedIn,
    Json(body): Json<ChangePassword>,
) -> Result<Json<MessageAnswer>, ApiError> {
    domain::password(&body.new_password).map_err(invalid)?;
    let wrong = || ApiError::bad_request("wrong_password", "the current password is wrong");
    if body.current_password.chars().count() > domain::MAX_PASSWORD {
        return Err(wrong());
    }
    let account = myself(&auth, &caller.id).await?;
    let stored = Some(account.password_hash.clone());
    if !auth.passwords.verify(body.current_password, stored).await? {
        return Err(wrong());
    }
    let hash = auth.passwords.hash(body.new_password).await?;
    let mut tx = auth.database.begin().await?;
    change(&mut tx, account, &hash).await?;
    tx.commit().await?;
    Ok(Json(MessageAnswer { message: "the password has been changed" }))
}

async fn change(tx: &mut Tx, account: Account, hash: &str) -> Result<(), ApiError> {
    store::set_password(tx, &account.id, hash).await?;
    let changed = PasswordChanged { user_id: account.id.clone(), username: account.username, email: account.email };
    outbox::emit(tx, Event::new(&account.id, &changed)?);
    Ok(())
}

/// The caller's own account.
#[utoipa::path(
    get,
    path = "/currentuser",
    responses(
        (status = 200, description = "The account.", body = UserAnswer),
        (status = 401, description = "`sign_in_required`, `account_not_found`"),
    ),
)]
async fn current_user(State(auth): State<Auth>, caller: SignedIn) -> Result<Json<UserAnswer>, ApiError> {
    let account = myself(&auth, &caller.id).await?;
    Ok(Json(UserAnswer { user: account.into() }))
}

/// Sends the mail to verify an address again.
#[utoipa::path(
    post,
    path = "/resend-email",
    responses(
        (status = 200, description = "A sentence.", body = MessageAnswer),
        (status = 401, description = "`sign_in_required`, `account_not_found`"),
        (status = 409, description = "`email_already_verified`"),
    ),
)]
async fn resend_email(State(auth): State<Auth>, caller: SignedIn) -> Result<Json<MessageAnswer>, ApiError> {
    let mut tx = auth.database.begin().await?;
    let account = store::find(&mut tx, Key::Id(&caller.id)).await?.ok_or_else(account_gone)?;
    if account.email_verified {
        return Err(ApiError::conflict("email_already_verified", "this address has been verified"));
    }
    request_verification(&mut tx, &account).await?;
    tx.commit().await?;
    Ok(Json(MessageAnswer { message: "a mail is on its way" }))
}

async fn myself(auth: &Auth, id: &str) -> Result<Account, ApiError> {
    let mut db = auth.database.pool().acquire().await?;
    store::find(&mut db, Key::Id(id)).await?.ok_or_else(account_gone)
}

fn account_exists() -> ApiError {
    ApiError::conflict("account_exists", "this username or e-mail address belongs to an account")
}

fn account_gone() -> ApiError {
    ApiError::unauthorized("account_not_found", "this account does not exist (any more)")
}

fn token_refused() -> ApiError {
    ApiError::bad_request("invalid_token", "the token is unknown, used or expired: request a new mail")
}

fn invalid(error: Invalid) -> ApiError {
    let code = match error {
        Invalid::Username => "invalid_username",
        Invalid::Email => "invalid_email",
        Invalid::Password => "invalid_password",
        Invalid::Confirmation => "passwords_differ",
    };
    ApiError::bad_request(code, error.to_string())
}
