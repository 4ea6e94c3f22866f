//! The HTTP interface: `/api/v1/auth/...`, called by the gateway only.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use platform::{ApiError, Event, Json, Path, SignedIn, Tx, new_id, now, outbox};
use serde::{Deserialize, Serialize};

use crate::Auth;
use crate::domain::{self, Account, AccountView, Invalid};
use crate::events::{PasswordChanged, PasswordResetRequested, UserRegistered, VerificationRequested};
use crate::seed;
use crate::store::{self, Key};
use crate::token::Purpose;

pub(crate) fn router(state: Auth) -> Router {
    let routes = Router::new()
        .route("/signup", post(sign_up))
        .route("/signin", post(sign_in))
        .route("/verify-email", put(verify_email))
        .route("/forgot-password", put(forgot_password))
        .route("/reset-password/{token}", put(reset_password))
        .route("/change-password", put(change_password))
        .route("/currentuser", get(current_user))
        .route("/resend-email", post(resend_email))
        .route("/seed/{count}", put(seed::seed))
        .with_state(state);
    Router::new().nest("/api/v1/auth", routes)
}

#[derive(Serialize)]
struct UserAnswer {
    user: AccountView,
}

#[derive(Serialize)]
struct MessageAnswer {
    message: &'static str,
}

#[derive(Deserialize)]
struct SignUp {
    username: String,
    email: String,
    password: String,
}

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

#[derive(Deserialize)]
struct SignIn {
    /// Name or address.
    username: String,
    password: String,
}

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

#[derive(Deserialize)]
struct VerifyEmail {
    token: String,
}

async fn verify_email(State(auth): State<Auth>, Json(body): Json<VerifyEmail>) -> Result<Json<UserAnswer>, ApiError> {
    let mut tx = auth.database.begin().await?;
    let id = store::redeem(&mut tx, &body.token, Purpose::VerifyEmail).await?.ok_or_else(token_refused)?;
    store::set_verified(&mut tx, &id).await?;
    let account = store::find(&mut tx, Key::Id(&id)).await?.ok_or_else(token_refused)?;
    tx.commit().await?;
    Ok(Json(UserAnswer { user: account.into() }))
}

#[derive(Deserialize)]
struct ForgotPassword {
    email: String,
}

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResetPassword {
    password: String,
    confirm_password: String,
}

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangePassword {
    current_password: String,
    new_password: String,
}

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

async fn current_user(State(auth): State<Auth>, caller: SignedIn) -> Result<Json<UserAnswer>, ApiError> {
    let account = myself(&auth, &caller.id).await?;
    Ok(Json(UserAnswer { user: account.into() }))
}

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
