//! `/api/v1/gateway/message/...`.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, post};
use platform::document::{OpenApiRouter, routes};
use platform::idempotency::IdempotencyKey;
use platform::{ApiError, Json, Page, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::idempotency::key;
use super::{Answer, Created, created};
use crate::Gateway;
use crate::clients::chat::{Conversation, DecideOffer, MarkAsRead, MarkMultiple, Marked, Message, Offer, Send};
use crate::session::SignedInUser;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::default()
        .routes(routes!(send))
        .routes(routes!(decide_offer))
        .routes(routes!(mark_as_read))
        .routes(routes!(mark_multiple_as_read))
        .routes(routes!(conversation))
        .routes(routes!(conversations))
        .routes(routes!(messages_between))
        .routes(routes!(messages))
}

/// What the collection itself takes.
pub(super) fn collection() -> MethodRouter<Gateway> {
    post(send)
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

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SendBody {
    #[schema(min_length = 1, max_length = 128)]
    receiver_username: String,
    #[serde(default)]
    #[schema(max_length = 4000)]
    body: String,
    offer: Option<OfferBody>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfferBody {
    gig_id: String,
    #[schema(minimum = 100, maximum = 10000000)]
    price: i64,
    #[schema(max_length = 4000)]
    description: String,
    #[schema(minimum = 1, maximum = 90)]
    delivery_in_days: i64,
}

/// Sends a message, which may carry a custom offer.
///
/// The receiver's address, the gig's title and its currency are looked up: a client has no say in them.
#[utoipa::path(
    post,
    path = "/",
    params(
        IdempotencyKey,
    ),
    request_body = SendBody,
    responses(
        (status = 201, description = "The message.", body = MessageAnswer),
        (status = 400, description = "`invalid_message`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_gig`"),
        (status = 404, description = "`buyer_not_found`, `gig_not_found`"),
        (status = 422, description = "`idempotency_key_reused`"),
    ),
)]
async fn send(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    headers: HeaderMap,
    Json(body): Json<SendBody>,
) -> Created<MessageAnswer> {
    let clients = &gateway.clients;
    let receiver = clients.users.buyer_contact(&body.receiver_username, &caller).await?;
    let offer = match body.offer {
        None => None,
        Some(offer) => {
            let gig = clients.gigs.gig(&offer.gig_id, &caller).await?;
            if gig.seller_id != caller.id {
                return Err(
                    ApiError::forbidden("not_your_gig", "only its seller may make an offer for this gig").into()
                );
            }
            Some(Offer {
                gig_id: gig.id,
                gig_title: gig.title,
                price: offer.price,
                currency: gig.currency,
                description: offer.description,
                delivery_in_days: offer.delivery_in_days,
            })
        }
    };
    let message = Send { receiver_username: receiver.username, receiver_email: receiver.email, body: body.body, offer };
    let message = clients.chat.send(&message, key(&headers)?, &caller).await?;
    created(MessageAnswer { message })
}

/// Accepts or cancels a custom offer.
#[utoipa::path(
    put,
    path = "/offer",
    request_body = DecideOffer,
    responses(
        (status = 200, description = "The message that carries it.", body = MessageAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_offer`"),
        (status = 404, description = "`offer_not_found`"),
        (status = 409, description = "`offer_decided`"),
    ),
)]
async fn decide_offer(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(body): Json<DecideOffer>,
) -> Answer<MessageAnswer> {
    let message = gateway.clients.chat.decide_offer(&body, &caller).await?;
    Ok(Json(MessageAnswer { message }))
}

/// Marks a message to the caller as read.
#[utoipa::path(
    put,
    path = "/mark-as-read",
    request_body = MarkAsRead,
    responses(
        (status = 200, description = "The message.", body = MessageAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 404, description = "`message_not_found`"),
    ),
)]
async fn mark_as_read(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(body): Json<MarkAsRead>,
) -> Answer<MessageAnswer> {
    let message = gateway.clients.chat.mark_as_read(&body, &caller).await?;
    Ok(Json(MessageAnswer { message }))
}

/// Marks all of somebody's messages to the caller as read.
#[utoipa::path(
    put,
    path = "/mark-multiple-as-read",
    request_body = MarkMultiple,
    responses(
        (status = 200, description = "How many were unread.", body = Marked),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
    ),
)]
async fn mark_multiple_as_read(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(body): Json<MarkMultiple>,
) -> Answer<Marked> {
    let marked = gateway.clients.chat.mark_multiple_as_read(&body, &caller).await?;
    Ok(Json(marked))
}

/// The conversation of two people, of whom the caller is one.
#[utoipa::path(
    get,
    path = "/conversation/{sender}/{receiver}",
    responses(
        (status = 200, description = "The conversation.", body = ConversationAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_conversation`"),
        (status = 404, description = "`conversation_not_found`"),
    ),
)]
async fn conversation(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path((sender, receiver)): Path<(String, String)>,
) -> Answer<ConversationAnswer> {
    let conversation = gateway.clients.chat.conversation(&sender, &receiver, &caller).await?;
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
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_conversation`"),
    ),
)]
async fn conversations(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(username): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<ConversationsAnswer> {
    let conversations = gateway.clients.chat.conversations(&username, query.as_deref(), &caller).await?;
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
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_conversation`"),
    ),
)]
async fn messages_between(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path((sender, receiver)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer<MessagesAnswer> {
    let messages = gateway.clients.chat.messages_between(&sender, &receiver, query.as_deref(), &caller).await?;
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
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 404, description = "`conversation_not_found`"),
    ),
)]
async fn messages(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(conversation_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<MessagesAnswer> {
    let messages = gateway.clients.chat.messages(&conversation_id, query.as_deref(), &caller).await?;
    Ok(Json(MessagesAnswer { messages }))
}
