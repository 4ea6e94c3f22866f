//! Provider states and messages for contract verification, on the code that production uses.

use platform::contract::{caller_of, test_caller};
use platform::{Caller, ContractHooks, Database, Event, Tx, new_id, now};
use serde_json::{Value, json};

use crate::domain::Account;
use crate::events::{PasswordChanged, PasswordResetRequested, UserRegistered, VerificationRequested};
use crate::password::Passwords;
use crate::store;
use crate::token::Purpose;

/// States about the caller's account: `an account exists` (`password`: one to sign in with), `an account with an open
/// verification exists` (answers `verificationToken`), `an account with an open password reset exists` (answers
/// `resetToken`), and `no account exists`, which answers a `newUsername` and a `newEmail` of nobody; one message for each event.
#[must_use]
pub fn hooks(database: &Database, passwords: &Passwords) -> ContractHooks {
    let (db, hashing) = (database.clone(), passwords.clone());
    let with = move |params: Value| account_exists(db.clone(), hashing.clone(), params);
    let db = database.clone();
    let unverified = move |params| open_token(db.clone(), params, Purpose::VerifyEmail, "verificationToken");
    let db = database.clone();
    let reset = move |params| open_token(db.clone(), params, Purpose::ResetPassword, "resetToken");
    ContractHooks::new()
        .state("an account exists", with)
        .state("an account with an open verification exists", unverified)
        .state("an account with an open password reset exists", reset)
        .state("no account exists", |_| async { Ok(newcomer()) })
        .message("a user registered", |params| async move {
            let (user_id, username, email) = person(&params);
            let data = UserRegistered { user_id, username, email };
            Ok(Event::new(&data.user_id, &data)?)
        })
        .message("a verification was requested", |params| async move {
            let (user_id, username, email) = person(&params);
            let data = VerificationRequested { user_id, username, email, token: crate::token::generate() };
            Ok(Event::new(&data.user_id, &data)?)
        })
        .message("a password reset was requested", |params| async move {
            let (user_id, username, email) = person(&params);
            let data = PasswordResetRequested { user_id, username, email, token: crate::token::generate() };
            Ok(Event::new(&data.user_id, &data)?)
        })
        .message("a password was changed", |params| async move {
            let (user_id, username, email) = person(&params);
            let data = PasswordChanged { user_id, username, email };
            Ok(Event::new(&data.user_id, &data)?)
        })
}

fn person(params: &Value) -> (String, String, String) {
    let caller = test_caller();
    let or = |name: &str, default: String| params[name].as_str().map_or(default, str::to_owned);
    (or("userId", caller.id), or("username", caller.username), or("email", caller.email))
}

async fn account_exists(database: Database, passwords: Passwords, params: Value) -> anyhow::Result<Value> {
    let password_hash = match params["password"].as_str() {
        Some(password) => passwords.hash(password.to_owned()).await?,
        None => String::new(),
    };
    let mut tx = database.begin().await?;
    let caller = begin_anew(&mut tx, &params, password_hash, true).await?;
    tx.commit().await?;
    Ok(values(&caller))
}

/// An account that waits for a mail to be read.
async fn open_token(database: Database, params: Value, purpose: Purpose, name: &'static str) -> anyhow::Result<Value> {
    let mut tx = database.begin().await?;
    let caller = begin_anew(&mut tx, &params, String::new(), purpose == Purpose::ResetPassword).await?;
    let token = store::issue(&mut tx, &caller.id, purpose).await?;
    tx.commit().await?;
    let mut values = values(&caller);
    values[name] = json!(token);
    Ok(values)
}

/// Somebody new each time: other services hear of whoever signs up, and keep one person for each name.
fn newcomer() -> Value {
    let id = new_id();
    let name = format!("newcomer-{}", id.rsplit('-').next().unwrap_or(&id));
    json!({ "newUsername": name, "newEmail": format!("{name}@example.test") })
}

fn values(caller: &Caller) -> Value {
    json!({ "userId": caller.id, "username": caller.username, "email": caller.email })
}

async fn begin_anew(tx: &mut Tx, params: &Value, password_hash: String, verified: bool) -> anyhow::Result<Caller> {
    let caller = caller_of(params);
    forget(tx, &caller).await?;
    let account = Account {
        id: caller.id.clone(),
        username: caller.username.clone(),
        email: caller.email.clone(),
        password_hash,
        email_verified: verified,
        created_at: now(),
    };
    store::insert(tx, &account).await?;
    Ok(caller)
}

async fn forget(tx: &mut Tx, caller: &Caller) -> anyhow::Result<()> {
    // By name and address too: a sign-up gives the caller's name an id of its own.
    sqlx::query("DELETE FROM accounts WHERE id = $1 OR username = $2 OR email = $3")
        .bind(&caller.id)
        .bind(&caller.username)
        .bind(&caller.email)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
