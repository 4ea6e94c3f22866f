//! `/api/v1/gateway/message/...`.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, get, post, put};
use platform::{ApiError, Json, Path};
use serde::{Deserialize, Serialize};

use super::idempotency::key;
use super::{Answer, Created, created};
use crate::Gateway;
use crate::clients::chat::{Conversation, DecideOffer, MarkAsRead, MarkMultiple, Marked, Message, Offer, Send};
use crate::session::SignedInUser;

pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/", collection())
        .route("/offer", put(decide_offer))
        .route("/mark-as-read", put(mark_as_read))
        .route("/mark-multiple-as-read", put(mark_multiple_as_read))
        .route("/conversation/{sender}/{receiver}", get(conversation))
        .route("/conversation/{username}", get(conversations))
        .route("/{sender}/{receiver}", get(messages_between))
        .route("/{conversation_id}", get(messages))
}

/// What the collection itself takes.
pub(super) fn collection() -> MethodRouter<Gateway> {
    post(send)
}

#[derive(Serialize)]
struct ConversationAnswer {
    conversation: Conversation,
}

#[derive(Serialize)]
struct ConversationsAnswer {
    conversations: Vec<Conversation>,
}

#[derive(Serialize)]
struct MessageAnswer {
    message: Message,
}

#[derive(Serialize)]
struct MessagesAnswer {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SendBody {
    receiver_username: String,
    #[serde(default)]
    body: String,
    offer: Option<OfferBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfferBody {
    gig_id: String,
    price: i64,
    description: String,
    delivery_in_days: i64,
}

/// The receiver's address, the gig's title and its currency are looked up: a client has no say in them.
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

async fn decide_offer(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(body): Json<DecideOffer>,
) -> Answer<MessageAnswer> {
    let message = gateway.clients.chat.decide_offer(&body, &caller).await?;
    Ok(Json(MessageAnswer { message }))
}

async fn mark_as_read(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(body): Json<MarkAsRead>,
) -> Answer<MessageAnswer> {
    let message = gateway.clients.chat.mark_as_read(&body, &caller).await?;
    Ok(Json(MessageAnswer { message }))
}

async fn mark_multiple_as_read(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(body): Json<MarkMultiple>,
) -> Answer<Marked> {
    let marked = gateway.clients.chat.mark_multiple_as_read(&body, &caller).await?;
    Ok(Json(marked))
}

async fn conversation(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path((sender, receiver)): Path<(String, String)>,
) -> Answer<ConversationAnswer> {
    let conversation = gateway.clients.chat.conversation(&sender, &receiver, &caller).await?;
    Ok(Json(ConversationAnswer { conversation }))
}

async fn conversations(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(username): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<ConversationsAnswer> {
    let conversations = gateway.clients.chat.conversations(&username, query.as_deref(), &caller).await?;
    Ok(Json(ConversationsAnswer { conversations }))
}

async fn messages_between(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path((sender, receiver)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer<MessagesAnswer> {
    let messages = gateway.clients.chat.messages_between(&sender, &receiver, query.as_deref(), &caller).await?;
    Ok(Json(MessagesAnswer { messages }))
}

async fn messages(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(conversation_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<MessagesAnswer> {
    let messages = gateway.clients.chat.messages(&conversation_id, query.as_deref(), &caller).await?;
    Ok(Json(MessagesAnswer { messages }))
}
