//! The chat service.

use platform::Caller;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CallError, Service};

/// A conversation, with its last message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Id.
    #[schema(format = "uuid")]
    pub id: String,
    /// The two people, sorted by name.
    pub usernames: [String; 2],
    /// The last message.
    pub last_message: Option<Message>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Id.
    #[schema(format = "uuid")]
    pub id: String,
    /// Its conversation.
    #[schema(format = "uuid")]
    pub conversation_id: String,
    /// Who wrote it.
    pub sender_username: String,
    /// Who it is for.
    pub receiver_username: String,
    /// The text.
    pub body: String,
    /// A custom offer.
    pub offer: Option<Offer>,
    /// What became of the offer: `pending`, `accepted` or `cancelled`.
    #[schema(pattern = "^(pending|accepted|cancelled)$")]
    pub offer_status: Option<String>,
    /// Whether the receiver has read it.
    pub is_read: bool,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A seller's offer to one buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomOffer)]
pub struct Offer {
    /// The gig that it is about.
    #[schema(max_length = 128)]
    pub gig_id: String,
    /// The gig's title.
    #[schema(max_length = 120)]
    pub gig_title: String,
    /// Price in minor units.
    #[schema(minimum = 100, maximum = 10000000)]
    pub price: i64,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// What will be delivered.
    #[schema(max_length = 4000)]
    pub description: String,
    /// Days until delivery.
    #[schema(minimum = 1, maximum = 90)]
    pub delivery_in_days: i64,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Send {
    /// Who it is for.
    pub receiver_username: String,
    /// Their address, as the users service knows it.
    pub receiver_email: String,
    /// The text.
    pub body: String,
    /// A custom offer.
    pub offer: Option<Offer>,
}

/// Accepts or cancels an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecideOffer {
    /// The message that carries it.
    pub message_id: String,
    /// `accept` or `cancel`.
    #[serde(rename = "type")]
    #[schema(pattern = "^(accept|cancel)$")]
    pub decision: String,
}

/// Which message has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MarkMessageAsRead)]
pub struct MarkAsRead {
    /// The message.
    pub message_id: String,
}

/// Whose messages have been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkMultiple {
    /// Who wrote them.
    pub sender_username: String,
}

/// How many messages were unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Marked {
    /// Their number.
    pub marked: u64,
}

#[derive(Deserialize)]
struct ConversationAnswer {
    conversation: Conversation,
}

#[derive(Deserialize)]
struct ConversationsAnswer {
    conversations: Vec<Conversation>,
}

#[derive(Deserialize)]
struct MessageAnswer {
    message: Message,
}

#[derive(Deserialize)]
struct MessagesAnswer {
    messages: Vec<Message>,
}

/// The chat service.
#[derive(Clone, Debug)]
pub struct ChatClient(Service);

impl ChatClient {
    /// Wraps `service`.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self(service)
    }

    /// The conversation of two people, of whom the caller is one.
    ///
    /// # Errors
    /// 403 when the caller is neither, 404 when they have not talked.
    pub async fn conversation(&self, sender: &str, receiver: &str, caller: &Caller) -> Result<Conversation, CallError> {
        let values = [sender, receiver];
        let call = self.0.get("/api/v1/message/conversation/{senderUsername}/{receiverUsername}", &values);
        let answer: ConversationAnswer = call.send(caller).await?;
        Ok(answer.conversation)
    }

    /// The caller's conversations, newest first; `query` may have `before` (an id) and `size`.
    ///
    /// # Errors
    /// 403 when they are somebody else's, 400 for a page that cannot be.
    pub async fn conversations(
        &self,
        username: &str,
        query: Option<&str>,
        caller: &Caller,
    ) -> Result<Vec<Conversation>, CallError> {
        let call = self.0.get("/api/v1/message/conversation/{username}", &[username]);
        let answer: ConversationsAnswer = call.query(query).send(caller).await?;
        Ok(answer.conversations)
    }

    /// Messages between two people, of whom the caller is one; `query` may have `before` (an id) and `size`.
    ///
    /// # Errors
    /// 403 when the caller is neither, 400 for a page that cannot be.
    pub async fn messages_between(
        &self,
        sender: &str,
        receiver: &str,
        query: Option<&str>,
        caller: &Caller,
    ) -> Result<Vec<Message>, CallError> {
        let values = [sender, receiver];
        let call = self.0.get("/api/v1/message/{senderUsername}/{receiverUsername}", &values);
        let answer: MessagesAnswer = call.query(query).send(caller).await?;
        Ok(answer.messages)
    }

    /// Messages of one of the caller's conversations; `query` may have `before` (an id) and `size`.
    ///
    /// # Errors
    /// 404 when the caller has no such conversation, 400 for a page that cannot be.
    pub async fn messages(
        &self,
        conversation: &str,
        query: Option<&str>,
        caller: &Caller,
    ) -> Result<Vec<Message>, CallError> {
        let call = self.0.get("/api/v1/message/{conversationId}", &[conversation]);
        let answer: MessagesAnswer = call.query(query).send(caller).await?;
        Ok(answer.messages)
    }

    /// Sends a message; sent again under the same key it is the same message.
    ///
    /// # Errors
    /// 400 for what is not valid, 422 when the key came with another message before.
    pub async fn send(
        &self,
        body: &Send,
        idempotency_key: Option<&str>,
        caller: &Caller,
    ) -> Result<Message, CallError> {
        let call = self.0.post("/api/v1/message", &[]).json(body);
        let answer: MessageAnswer = call.idempotency_key(idempotency_key).send(caller).await?;
        Ok(answer.message)
    }

    /// Accepts or cancels an offer.
    ///
    /// # Errors
    /// 403 when only the other one may, 409 when it has been decided.
    pub async fn decide_offer(&self, body: &DecideOffer, caller: &Caller) -> Result<Message, CallError> {
        let call = self.0.put("/api/v1/message/offer", &[]).json(body);
        let answer: MessageAnswer = call.send(caller).await?;
        Ok(answer.message)
    }

    /// Marks a message to the caller as read.
    ///
    /// # Errors
    /// 404 when there is no such message to the caller.
    pub async fn mark_as_read(&self, body: &MarkAsRead, caller: &Caller) -> Result<Message, CallError> {
        let call = self.0.put("/api/v1/message/mark-as-read", &[]).json(body);
        let answer: MessageAnswer = call.send(caller).await?;
        Ok(answer.message)
    }

    /// Marks everything that somebody wrote to the caller as read.
    ///
    /// # Errors
    /// When the service does not answer.
    pub async fn mark_multiple_as_read(&self, body: &MarkMultiple, caller: &Caller) -> Result<Marked, CallError> {
        let call = self.0.put("/api/v1/message/mark-multiple-as-read", &[]);
        call.json(body).send(caller).await
    }
}
