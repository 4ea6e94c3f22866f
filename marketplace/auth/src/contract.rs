//! Provider states and messages for contract verification, on the code that production uses.

use platform::contract::test_caller;
use platform::{ContractHooks, Database, Event, now};
use serde_json::{Value, json};

use crate::domain::Account;
use crate::events::{PasswordChanged, PasswordResetRequested, UserRegistered, VerificationRequested};
use crate::store;

/// States `an account exists` (of the contract's caller) and `no account exists`; one message for each event.
#[must_use]
pub fn hooks(database: &Database) -> ContractHooks {
    let (with, without) = (database.clone(), database.clone());
    ContractHooks::new()
        .state("an account exists", move |_| account_exists(with.clone()))
        .state("no account exists", move |_| no_account(without.clone()))
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

async fn account_exists(database: Database) -> anyhow::Result<Value> {
    no_account(database.clone()).await?;
    let caller = test_caller();
    let account = Account {
        id: caller.id.clone(),
        username: caller.username.clone(),
        email: caller.email,
        password_hash: String::new(),
        email_verified: true,
        created_at: now(),
    };
    let mut tx = database.begin().await?;
    store::insert(&mut tx, &account).await?;
    tx.commit().await?;
    Ok(json!({ "userId": caller.id, "username": caller.username }))
}

async fn no_account(database: Database) -> anyhow::Result<Value> {
    let caller = test_caller();
    let mut tx = database.begin().await?;
    // By name and address too: a sign-up gives the caller's name an id of its own.
    sqlx::query("DELETE FROM accounts WHERE id = $1 OR username = $2 OR email = $3")
        .bind(caller.id)
        .bind(caller.username)
        .bind(caller.email)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(json!({}))
}
