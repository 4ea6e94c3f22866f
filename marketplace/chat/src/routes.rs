//! The HTTP interface: `/api/v1/message/...`, called by the gateway only.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use platform::document::{self, Document, OpenApiRouter, routes};
use platform::idempotency::IdempotencyKey;
use platform::{ApiError, Caller, Event, Json, Path, Query, SignedIn, Tx, new_id, now, outbox};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Chat;
use crate::domain::{self, Conversation, Invalid, Message, Offer, OfferStatus};
use crate::events::OfferMade;
use crate::live::Happened;
use crate::page::Page;
use crate::store;

pub(crate) fn router(state: Chat) -> Router {
    routes().with_state(state).into()
}

/// What this service answers, as OpenAPI 3.1.
#[must_use]
pub fn openapi() -> Document {
    document::service("chat", "Conversations of two people, and custom offers in them.", routes())
}

fn routes() -> OpenApiRouter<Chat> {
    let routes = OpenApiRouter::default()
        .routes(routes!(send))
        .routes(routes!(decide_offer))
        .routes(routes!(mark_as_read))
        .routes(routes!(mark_multiple_as_read))
        .routes(routes!(conversation))
        .routes(routes!(conversations))
        .routes(routes!(messages_between))
        .routes(routes!(messages_of));
    OpenApiRouter::default().nest("/api/v1/message", routes)
}

#[derive(Serialize, ToSchema)]
struct ConversationAnswer {
    conversation: Conversation,
}

#[derive(Serialize, ToSchema)]
struct ConversationsAnswer {
    conversations: Vec<Conversation>,
}

#[derive(Serialize, ToSchema)]
struct MessageAnswer {
    message: Message,
}

#[derive(Serialize, ToSchema)]
struct MessagesAnswer {
    messages: Vec<Message>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Send {
    #[schema(min_length = 1, max_length = 128)]
    receiver_username: String,
    /// Looked up by the gateway, so that no client can have mail sent to an address of its choice.
    #[serde(default)]
    receiver_email: String,
    #[serde(default)]
    #[schema(max_length = 4000)]
    body: String,
    offer: Option<Offer>,
}

/// Sends a message, which may carry a custom offer.
#[utoipa::path(
    post,
    path = "/",
    params(
        IdempotencyKey,
    ),
    request_body = Send,
    responses(
        (status = 201, description = "The message.", body = MessageAnswer),
        (status = 400, description = "`invalid_message`, `receiver_email_missing`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 422, description = "`idempotency_key_reused`"),
    ),
)]
async fn send(
    State(chat): State<Chat>,
    caller: SignedIn,
    key: IdempotencyKey,
    Json(body): Json<Send>,
) -> Result<Response, ApiError> {
    let receiver = body.receiver_username.to_lowercase();
    domain::check(&caller.username, &receiver, &body.body, body.offer.as_ref()).map_err(invalid)?;
    if body.offer.is_some() && body.receiver_email.is_empty() {
        return Err(ApiError::bad_request(
            "receiver_email_missing",
            "`receiverEmail` is missing: expected the receiver's address with an offer",
        ));
    }
    let mut tx = chat.database.begin().await?;
    if let Some(answer) = key.replay(&mut tx, &caller, &body).await? {
        return Ok(answer);
    }
    let conversation_id = store::conversation_of(&mut tx, &caller.username, &receiver, &now()).await?;
    let message = Message {
        id: new_id(),
        conversation_id,
        sender_username: caller.username.clone(),
        receiver_username: receiver,
        body: body.body.clone(),
        offer_status: body.offer.as_ref().map(|_| OfferStatus::Pending),
        offer: body.offer.clone(),
        is_read: false,
        created_at: now(),
    };
    store::insert(&mut tx, &message).await?;
    if let Some(made) = offer_made(&message, &body.receiver_email, &caller) {
        outbox::emit(&mut tx, Event::new(&message.id, &made)?);
    }
    chat.live.push(&mut tx, Happened::Received, &[&message.receiver_username], &message).await?;
    let answer = MessageAnswer { message };
    key.remember(&mut tx, &caller, &body, StatusCode::CREATED, &answer).await?;
    tx.commit().await?;
    chat.live.wake();
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// The event of a message that carries an offer.
pub(crate) fn offer_made(message: &Message, buyer_email: &str, seller: &Caller) -> Option<OfferMade> {
    let offer = message.offer.clone()?;
    Some(OfferMade {
        offer_id: message.id.clone(),
        conversation_id: message.conversation_id.clone(),
        gig_id: offer.gig_id,
        gig_title: offer.gig_title,
        buyer_username: message.receiver_username.clone(),
        buyer_email: buyer_email.to_owned(),
        seller_username: message.sender_username.clone(),
        seller_email: seller.email.clone(),
        description: offer.description,
        price: offer.price,
        currency: offer.currency,
        delivery_in_days: offer.delivery_in_days,
    })
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DecideOffer {
    message_id: String,
    #[serde(rename = "type")]
    decision: Decision,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Accept,
    Cancel,
}

/// Accepts or cancels a custom offer.
#[utoipa::path(
    put,
    path = "/offer",
    request_body = DecideOffer,
    responses(
        (status = 200, description = "The message that carries it.", body = MessageAnswer),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_offer`"),
        (status = 404, description = "`offer_not_found`"),
        (status = 409, description = "`offer_decided`"),
    ),
)]
async fn decide_offer(
    State(chat): State<Chat>,
    caller: SignedIn,
    Json(body): Json<DecideOffer>,
) -> Result<Json<MessageAnswer>, ApiError> {
    let mut tx = chat.database.begin().await?;
    let message = store::message(&mut tx, &body.message_id)
        .await?
        .filter(|message| message.sender_username == caller.username || message.receiver_username == caller.username)
        .filter(|message| message.offer.is_some())
        .ok_or_else(|| ApiError::not_found("offer_not_found", "there is no such offer"))?;
    if body.decision == Decision::Accept && message.receiver_username != caller.username {
        return Err(ApiError::forbidden("not_your_offer", "only the person it was made to may accept an offer"));
    }
    let status = match body.decision {
        Decision::Accept => OfferStatus::Accepted,
        Decision::Cancel => OfferStatus::Cancelled,
    };
    if !store::decide_offer(&mut tx, &message.id, status).await? {
        return Err(ApiError::conflict("offer_decided", "this offer has been accepted or cancelled"));
    }
    let message = Message { offer_status: Some(status), ..message };
    updated(&chat, tx, &message).await?;
    Ok(Json(MessageAnswer { message }))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MarkAsRead {
    message_id: String,
}

/// Marks a message to the caller as read.
#[utoipa::path(
    put,
    path = "/mark-as-read",
    request_body = MarkAsRead,
    responses(
        (status = 200, description = "The message.", body = MessageAnswer),
        (status = 401, description = "`sign_in_required`"),
        (status = 404, description = "`message_not_found`"),
    ),
)]
async fn mark_as_read(
    State(chat): State<Chat>,
    caller: SignedIn,
    Json(body): Json<MarkAsRead>,
) -> Result<Json<MessageAnswer>, ApiError> {
    let mut tx = chat.database.begin().await?;
    let changed = store::mark_read(&mut tx, &body.message_id, &caller.username).await?;
    let message = store::message(&mut tx, &body.message_id)
        .await?
        .filter(|message| message.receiver_username == caller.username)
        .ok_or_else(|| ApiError::not_found("message_not_found", "there is no such message to you"))?;
    if changed {
        updated(&chat, tx, &message).await?;
    }
    Ok(Json(MessageAnswer { message }))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MarkMultiple {
    sender_username: String,
}

#[derive(Serialize, ToSchema)]
struct Marked {
    marked: u64,
}

/// Marks all of somebody's messages to the caller as read.
#[utoipa::path(
    put,
    path = "/mark-multiple-as-read",
    request_body = MarkMultiple,
    responses(
        (status = 200, description = "How many were unread.", body = Marked),
        (status = 401, description = "`sign_in_required`"),
    ),
)]
async fn mark_multiple_as_read(
    State(chat): State<Chat>,
    caller: SignedIn,
    Json(body): Json<MarkMultiple>,
) -> Result<Json<Marked>, ApiError> {
    let mut tx = chat.database.begin().await?;
    let sender = body.sender_username.to_lowercase();
    let newest = store::newest_unread(&mut tx, &sender, &caller.username).await?;
    let marked = store::mark_all_read(&mut tx, &sender, &caller.username).await?;
    if let Some(newest) = newest {
        // One is told for all: who has read it has read what came before.
        updated(&chat, tx, &Message { is_read: true, ..newest }).await?;
    }
    Ok(Json(Marked { marked }))
}

/// Commits a change of a message and tells it to the sockets of both people.
async fn updated(chat: &Chat, mut tx: Tx, message: &Message) -> Result<(), ApiError> {
    let people = [message.sender_username.as_str(), &message.receiver_username];
    chat.live.push(&mut tx, Happened::Updated, &people, message).await?;
    tx.commit().await?;
    chat.live.wake();
    Ok(())
}

/// The conversation of two people, of whom the caller is one.
#[utoipa::path(
    get,
    path = "/conversation/{sender}/{receiver}",
    responses(
        (status = 200, description = "The conversation.", body = ConversationAnswer),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_conversation`"),
        (status = 404, description = "`conversation_not_found`"),
    ),
)]
async fn conversation(
    State(chat): State<Chat>,
    caller: SignedIn,
    Path((sender, receiver)): Path<(String, String)>,
) -> Result<Json<ConversationAnswer>, ApiError> {
    one_of(&caller, &[&sender, &receiver])?;
    let mut db = chat.database.pool().acquire().await?;
    let conversation =
        store::find_conversation(&mut db, &sender, &receiver).await?.ok_or_else(conversation_not_found)?;
    Ok(Json(ConversationAnswer { conversation }))
}

/// The caller's conversations, newest first.
#[utoipa::path(
    get,
    path = "/conversation/{username}",
    params(
        Page,
    ),
    responses(
        (status = 200, description = "One page.", body = ConversationsAnswer),
        (status = 400, description = "`invalid_page`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_conversation`"),
    ),
)]
async fn conversations(
    State(chat): State<Chat>,
    caller: SignedIn,
    Path(username): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<ConversationsAnswer>, ApiError> {
    one_of(&caller, &[&username])?;
    let part = page.part()?;
    let mut db = chat.database.pool().acquire().await?;
    let conversations = store::conversations(&mut db, &username, &part).await?;
    Ok(Json(ConversationsAnswer { conversations }))
}

/// Messages between two people, of whom the caller is one, newest first.
#[utoipa::path(
    get,
    path = "/{sender}/{receiver}",
    params(
        Page,
    ),
    responses(
        (status = 200, description = "One page.", body = MessagesAnswer),
        (status = 400, description = "`invalid_page`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_conversation`"),
    ),
)]
async fn messages_between(
    State(chat): State<Chat>,
    caller: SignedIn,
    Path((sender, receiver)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Result<Json<MessagesAnswer>, ApiError> {
    one_of(&caller, &[&sender, &receiver])?;
    let part = page.part()?;
    let mut db = chat.database.pool().acquire().await?;
    let messages = match store::find_conversation(&mut db, &sender, &receiver).await? {
        Some(conversation) => store::messages(&mut db, &conversation.id, &part).await?,
        None => Vec::new(),
    };
    Ok(Json(MessagesAnswer { messages }))
}

/// Messages of a conversation of the caller, newest first.
#[utoipa::path(
    get,
    path = "/{conversation_id}",
    params(
        Page,
    ),
    responses(
        (status = 200, description = "One page.", body = MessagesAnswer),
        (status = 400, description = "`invalid_page`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 404, description = "`conversation_not_found`"),
    ),
)]
async fn messages_of(
    State(chat): State<Chat>,
    caller: SignedIn,
    Path(conversation_id): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<MessagesAnswer>, ApiError> {
    let part = page.part()?;
    let mut db = chat.database.pool().acquire().await?;
    if !store::takes_part(&mut db, &conversation_id, &caller.username).await? {
        return Err(conversation_not_found());
    }
    let messages = store::messages(&mut db, &conversation_id, &part).await?;
    Ok(Json(MessagesAnswer { messages }))
}

fn one_of(caller: &Caller, usernames: &[&String]) -> Result<(), ApiError> {
    if usernames.iter().any(|username| **username == caller.username) {
        Ok(())
    } else {
        Err(ApiError::forbidden("not_your_conversation", "only the people of a conversation may read it"))
    }
}

fn conversation_not_found() -> ApiError {
    ApiError::not_found("conversation_not_found", "there is no such conversation of yours")
}

fn invalid(error: Invalid) -> ApiError {
    ApiError::bad_request("invalid_message", error.to_string())
}
