//! Rows of accounts and of the tokens in mails. Portable SQL: SQLite and PostgreSQL alike.

use chrono::Utc;
use platform::{Connected, Observed, Tx, clock};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::domain::Account;
use crate::token::{self, Purpose};

const COLUMNS: &str = "id, username, email, password_hash, email_verified, created_at";

impl<'r> FromRow<'r, AnyRow> for Account {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            username: row.try_get("username")?,
            email: row.try_get("email")?,
            password_hash: row.try_get("password_hash")?,
            email_verified: row.try_get::<i64, _>("email_verified")? != 0,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// Which account.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    /// By id.
    Id(&'a str),
    /// By address.
    Email(&'a str),
    /// By name or address: what people type when they sign in.
    Login(&'a str),
}

/// One account.
pub async fn find(db: &mut Observed<impl Connected>, key: Key<'_>) -> Result<Option<Account>, sqlx::Error> {
    let (condition, value) = match key {
        Key::Id(id) => ("id = $1", id),
        Key::Email(email) => ("email = $1", email),
        // A name cannot hold an `@`, so that at most one account matches.
        Key::Login(login) => ("username = $1 OR email = $1", login),
    };
    let query = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM accounts WHERE {condition}"));
    sqlx::query_as(query).bind(value).fetch_optional(db).await
}

/// Inserts `account`.
///
/// # Errors
/// A unique violation when the name or the address is taken.
pub async fn insert(db: &mut Observed<impl Connected>, account: &Account) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO accounts (id, username, email, password_hash, email_verified, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
    )
    .bind(&account.id)
    .bind(&account.username)
    .bind(&account.email)
    .bind(&account.password_hash)
    .bind(i64::from(account.email_verified))
    .bind(&account.created_at)
    .execute(db)
    .await?;
    Ok(())
}

/// Marks an account's address as verified.
pub async fn set_verified(db: &mut Observed<impl Connected>, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE accounts SET email_verified = 1, updated_at = $2 WHERE id = $1")
        .bind(id)
        .bind(clock::now())
        .execute(db)
        .await?;
    Ok(())
}

/// Sets an account's password hash and makes every outstanding reset token useless.
pub async fn set_password(tx: &mut Tx, id: &str, password_hash: &str) -> Result<(), sqlx::Error> {
    lock(tx, id).await?;
    sqlx::query("UPDATE accounts SET password_hash = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(password_hash)
        .bind(clock::now())
        .execute(&mut **tx)
        .await?;
    revoke(tx, id, Purpose::ResetPassword).await
}

/// Issues a token for a mail, in place of older ones for the same purpose. Returns it raw: it is not kept.
pub async fn issue(tx: &mut Tx, account: &str, purpose: Purpose) -> Result<String, sqlx::Error> {
    lock(tx, account).await?;
    revoke(tx, account, purpose).await?;
    let raw = token::generate();
    sqlx::query("INSERT INTO mail_tokens (token_hash, account_id, purpose, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(token::digest(&raw))
        .bind(account)
        .bind(purpose.as_str())
        .bind(clock::timestamp(Utc::now() + purpose.lifetime()))
        .execute(&mut **tx)
        .await?;
    Ok(raw)
}

/// Uses a token up. Returns the account it belongs to; none when it is unknown, used, expired or for something else.
pub async fn redeem(tx: &mut Tx, raw: &str, purpose: Purpose) -> Result<Option<String>, sqlx::Error> {
    let digest = token::digest(raw);
    let owner: Option<(String,)> = sqlx::query_as("SELECT account_id FROM mail_tokens WHERE token_hash = $1")
        .bind(&digest)
        .fetch_optional(&mut **tx)
        .await?;
    let Some((owner,)) = owner else { return Ok(None) };
    lock(tx, &owner).await?;
    let row: Option<(String,)> = sqlx::query_as(
        "DELETE FROM mail_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 RETURNING account_id",
    )
    .bind(digest)
    .bind(purpose.as_str())
    .bind(clock::now())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|(account,)| account))
}

/// Lets nobody else issue or use tokens of an account until `tx` ends.
async fn lock(tx: &mut Tx, account: &str) -> Result<(), sqlx::Error> {
    tx.lock(&format!("account {account}")).await
}

async fn revoke(tx: &mut Tx, account: &str, purpose: Purpose) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM mail_tokens WHERE account_id = $1 AND purpose = $2")
        .bind(account)
        .bind(purpose.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
