//! Rows of conversations and messages. Portable SQL: SQLite and PostgreSQL alike.

use platform::{Connected, Observed, new_id};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::domain::{Conversation, Message, OfferStatus};
use crate::page::Part;

const MESSAGE: &str =
    "m.id, m.conversation_id, m.sender, m.receiver, m.body, m.offer, m.offer_status, m.is_read, m.created_at";

fn unreadable(column: &str, reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: reason.into() }
}

impl<'r> FromRow<'r, AnyRow> for Message {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        let offer: Option<String> = row.try_get("offer")?;
        let status: Option<String> = row.try_get("offer_status")?;
        Ok(Self {
            id: row.try_get("id")?,
            conversation_id: row.try_get("conversation_id")?,
            sender_username: row.try_get("sender")?,
            receiver_username: row.try_get("receiver")?,
            body: row.try_get("body")?,
            offer: offer
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(|error| unreadable("offer", error))?,
            offer_status: status
                .map(|text| {
                    OfferStatus::parse(&text).ok_or_else(|| unreadable("offer_status", format!("unknown `{text}`")))
                })
                .transpose()?,
            is_read: row.try_get::<i64, _>("is_read")? != 0,
            created_at: row.try_get("created_at")?,
        })
    }
}

fn sorted<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    if one <= other { (one, other) } else { (other, one) }
}

/// The id of the conversation of two people, which begins now if there is none.
pub async fn conversation_of(
    db: &mut Observed<impl Connected>,
    one: &str,
    other: &str,
    now: &str,
) -> Result<String, sqlx::Error> {
    let (first, second) = sorted(one, other);
    sqlx::query(
        "INSERT INTO conversations (id, first, second, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (first, second) DO NOTHING",
    )
    .bind(new_id())
    .bind(first)
    .bind(second)
    .bind(now)
    .execute(&mut *db)
    .await?;
    let (id,): (String,) = sqlx::query_as("SELECT id FROM conversations WHERE first = $1 AND second = $2")
        .bind(first)
        .bind(second)
        .fetch_one(db)
        .await?;
    Ok(id)
}

/// The conversation of two people.
pub async fn find_conversation(
    db: &mut Observed<impl Connected>,
    one: &str,
    other: &str,
) -> Result<Option<Conversation>, sqlx::Error> {
    let (first, second) = sorted(one, other);
    let row: Option<(String,)> = sqlx::query_as("SELECT id FROM conversations WHERE first = $1 AND second = $2")
        .bind(first)
        .bind(second)
        .fetch_optional(&mut *db)
        .await?;
    match row {
        Some((id,)) => with_last(db, id, first.to_owned(), second.to_owned()).await.map(Some),
        None => Ok(None),
    }
}

/// Whether somebody takes part in a conversation.
pub async fn takes_part(
    db: &mut Observed<impl Connected>,
    conversation: &str,
    username: &str,
) -> Result<bool, sqlx::Error> {
    let row: Option<(String,)> =
        sqlx::query_as("SELECT id FROM conversations WHERE id = $1 AND (first = $2 OR second = $2)")
            .bind(conversation)
            .bind(username)
            .fetch_optional(db)
            .await?;
    Ok(row.is_some())
}

/// One page of the conversations of somebody, newest first.
pub(crate) async fn conversations(
    db: &mut Observed<impl Connected>,
    username: &str,
    part: &Part,
) -> Result<Vec<Conversation>, sqlx::Error> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT id, first, second FROM conversations WHERE (first = $1 OR second = $1) AND id < $2
         ORDER BY id DESC LIMIT $3",
    )
    .bind(username)
    .bind(&part.before)
    .bind(part.size)
    .fetch_all(&mut *db)
    .await?;
    let mut conversations = Vec::with_capacity(rows.len());
    for (id, first, second) in rows {
        conversations.push(with_last(db, id, first, second).await?);
    }
    Ok(conversations)
}

async fn with_last(
    db: &mut Observed<impl Connected>,
    id: String,
    first: String,
    second: String,
) -> Result<Conversation, sqlx::Error> {
    let sql = format!("SELECT {MESSAGE} FROM messages m WHERE m.conversation_id = $1 ORDER BY m.id DESC LIMIT 1");
    let last_message = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(&id).fetch_optional(db).await?;
    Ok(Conversation { id, usernames: [first, second], last_message })
}

/// One page of the newest messages of a conversation, oldest first.
pub(crate) async fn messages(
    db: &mut Observed<impl Connected>,
    conversation: &str,
    part: &Part,
) -> Result<Vec<Message>, sqlx::Error> {
    let sql = format!(
        "SELECT {MESSAGE} FROM messages m WHERE m.conversation_id = $1 AND m.id < $2 ORDER BY m.id DESC LIMIT $3"
    );
    let mut messages: Vec<Message> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(conversation)
        .bind(&part.before)
        .bind(part.size)
        .fetch_all(db)
        .await?;
    messages.reverse();
    Ok(messages)
}

/// One message.
pub async fn message(db: &mut Observed<impl Connected>, id: &str) -> Result<Option<Message>, sqlx::Error> {
    let sql = format!("SELECT {MESSAGE} FROM messages m WHERE m.id = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(db).await
}

/// Inserts a message.
pub async fn insert(db: &mut Observed<impl Connected>, message: &Message) -> Result<(), sqlx::Error> {
    let offer = match &message.offer {
        Some(offer) => {
            let text = serde_json::to_string(offer);
            Some(text.map_err(|error| sqlx::Error::Encode(error.into()))?)
        }
        None => None,
    };
    sqlx::query(
        "INSERT INTO messages (id, conversation_id, sender, receiver, body, offer, offer_status, is_read, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&message.id)
    .bind(&message.conversation_id)
    .bind(&message.sender_username)
    .bind(&message.receiver_username)
    .bind(&message.body)
    .bind(offer)
    .bind(message.offer_status.map(OfferStatus::as_str))
    .bind(i64::from(message.is_read))
    .bind(&message.created_at)
    .execute(db)
    .await?;
    Ok(())
}

/// Decides a pending offer; false when it has been decided.
pub async fn decide_offer(
    db: &mut Observed<impl Connected>,
    id: &str,
    status: OfferStatus,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("UPDATE messages SET offer_status = $2 WHERE id = $1 AND offer_status = 'pending'")
        .bind(id)
        .bind(status.as_str())
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Marks one unread message to `receiver` as read; false when there is no such message, or it was read before.
pub async fn mark_read(db: &mut Observed<impl Connected>, id: &str, receiver: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("UPDATE messages SET is_read = 1 WHERE id = $1 AND receiver = $2 AND is_read = 0")
        .bind(id)
        .bind(receiver)
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Marks everything from `sender` to `receiver` as read; returns how many messages were unread.
pub async fn mark_all_read(
    db: &mut Observed<impl Connected>,
    sender: &str,
    receiver: &str,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query("UPDATE messages SET is_read = 1 WHERE sender = $1 AND receiver = $2 AND is_read = 0")
        .bind(sender)
        .bind(receiver)
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// The newest message from `sender` to `receiver` that is not read.
pub async fn newest_unread(
    db: &mut Observed<impl Connected>,
    sender: &str,
    receiver: &str,
) -> Result<Option<Message>, sqlx::Error> {
    let sql = format!(
        "SELECT {MESSAGE} FROM messages m WHERE m.sender = $1 AND m.receiver = $2 AND m.is_read = 0
         ORDER BY m.id DESC LIMIT 1"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(sender).bind(receiver).fetch_optional(db).await
}
