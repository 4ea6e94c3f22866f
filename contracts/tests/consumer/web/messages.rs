//! Conversations, and offers made in them.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use serde::Deserialize;
use serde_json::json;

use super::super::calls::body;
use super::super::envelope::{NOON, TIME};
use super::{Browser, Failure, at, page, refusal, signed_in};

expectations!(
    opening_a_conversation,
    opening_a_conversation_that_is_not_there,
    listing_ones_conversations,
    reading_the_messages_with_somebody,
    reading_the_messages_of_a_conversation,
    sending_a_message,
    sending_a_message_to_nobody,
    making_an_offer,
    accepting_an_offer,
    marking_a_message_as_read,
    marking_many_messages_as_read,
);

#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: String,
    conversation_id: String,
    sender_username: String,
    receiver_username: String,
    body: String,
    is_read: bool,
    created_at: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offered {
    offer: Offer,
    offer_status: String,
}

#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    gig_title: String,
    price: i64,
    currency: String,
    delivery_in_days: u32,
}

#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conversation {
    id: String,
    usernames: [String; 2],
    last_message: Message,
}

#[derive(Debug, Deserialize)]
struct MessageAnswer {
    message: Message,
}

#[derive(Debug, Deserialize)]
struct OfferAnswer {
    message: Offered,
}

#[derive(Debug, Deserialize)]
struct MessagesAnswer {
    messages: Vec<Message>,
}

#[derive(Debug, Deserialize)]
struct ConversationAnswer {
    conversation: Conversation,
}

#[derive(Debug, Deserialize)]
struct ConversationsAnswer {
    conversations: Vec<Conversation>,
}

#[derive(Debug, Deserialize)]
struct Marked {
    marked: u32,
}

fn message(is_read: JsonPattern) -> JsonPattern {
    json_pattern!({
        "id": like!("message-1"),
        "conversationId": like!("conversation-1"),
        "senderUsername": like!("grace"),
        "receiverUsername": like!("web_user"),
        "body": like!("How about this?"),
        "isRead": is_read,
        "createdAt": term!(TIME, NOON),
    })
}

fn offered(status: &str) -> JsonPattern {
    json_pattern!({
        "offer": {
            "gigTitle": like!("I will design a logo"),
            "price": like!(4000),
            "currency": term!("^[A-Z]{3}$", "USD"),
            "deliveryInDays": like!(2),
        },
        "offerStatus": status,
    })
}

fn conversation() -> JsonPattern {
    json_pattern!({
        "id": like!("conversation-1"),
        "usernames": [like!("grace"), like!("web_user")],
        "lastMessage": message(like!(false).into()),
    })
}

async fn opening_a_conversation(recorder: &Recorder) -> Result<(), Error> {
    page("opening a conversation", |i| {
        signed_in(i);
        i.given("a message to the caller exists");
        at(i, "/message/conversation/web_user/grace", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "conversation": conversation() }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: ConversationAnswer = browser.get("/message/conversation/web_user/grace").await?;
        assert_eq!(answer.conversation.usernames[1], "web_user");
        Ok::<(), Failure>(())
    })
    .await
}

async fn opening_a_conversation_that_is_not_there(recorder: &Recorder) -> Result<(), Error> {
    page("opening a conversation that is not there", |i| {
        signed_in(i);
        at(i, "/message/conversation/web_user/nobody", &[]);
        i.request.get();
        refusal(i, 404, "conversation_not_found");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let path = "/message/conversation/web_user/nobody";
        let refused = browser.get::<ConversationAnswer>(path).await.unwrap_err();
        assert_eq!(refused.code(), "conversation_not_found");
        Ok::<(), Failure>(())
    })
    .await
}

async fn listing_ones_conversations(recorder: &Recorder) -> Result<(), Error> {
    page("listing one's conversations", |i| {
        signed_in(i);
        i.given("a message to the caller exists");
        at(i, "/message/conversation/web_user", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "conversations": each_like!(conversation()) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: ConversationsAnswer = browser.get("/message/conversation/web_user").await?;
        assert_eq!(answer.conversations.len(), 1);
        Ok::<(), Failure>(())
    })
    .await
}

async fn reading_the_messages_with_somebody(recorder: &Recorder) -> Result<(), Error> {
    page("reading the messages with somebody", |i| {
        signed_in(i);
        i.given("a message to the caller exists");
        at(i, "/message/web_user/grace", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "messages": each_like!(message(like!(false).into())) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: MessagesAnswer = browser.get("/message/web_user/grace").await?;
        assert_eq!(answer.messages[0].sender_username, "grace");
        Ok::<(), Failure>(())
    })
    .await
}

async fn reading_the_messages_of_a_conversation(recorder: &Recorder) -> Result<(), Error> {
    page("reading the messages of a conversation", |i| {
        signed_in(i);
        i.given("a message to the caller exists");
        at(i, "/message/${conversationId}", &[("conversationId", "conversation-1")]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "messages": each_like!(message(like!(false).into())) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: MessagesAnswer = browser.get("/message/conversation-1").await?;
        assert_eq!(answer.messages[0].conversation_id, "conversation-1");
        Ok::<(), Failure>(())
    })
    .await
}

async fn sending_a_message(recorder: &Recorder) -> Result<(), Error> {
    let said = json!({ "receiverUsername": "grace", "body": "How about this?" });
    page("sending a message", |i| {
        signed_in(i);
        i.given_with_params("another buyer exists", &json!({ "username": "grace" }));
        at(i, "/message", &[]);
        i.request.post().json_body(said.clone());
        i.response.created().json_body(json_pattern!({ "message": message(json_pattern!(false)) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: MessageAnswer = browser.post("/message", &said).await?;
        assert!(!answer.message.is_read);
        Ok::<(), Failure>(())
    })
    .await
}

async fn sending_a_message_to_nobody(recorder: &Recorder) -> Result<(), Error> {
    let said = json!({ "receiverUsername": "nobody", "body": "Is anybody there?" });
    page("sending a message to nobody", |i| {
        signed_in(i);
        at(i, "/message", &[]);
        i.request.post().json_body(said.clone());
        refusal(i, 404, "buyer_not_found");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let refused = browser.post::<MessageAnswer>("/message", &said).await.unwrap_err();
        assert_eq!(refused.code(), "buyer_not_found");
        Ok::<(), Failure>(())
    })
    .await
}

async fn making_an_offer(recorder: &Recorder) -> Result<(), Error> {
    let offer = json!({ "gigId": "web-gig-3", "price": 4000, "description": "Two drafts", "deliveryInDays": 2 });
    let said = json!({ "receiverUsername": "grace", "body": "How about this?", "offer": offer });
    page("making an offer", |i| {
        signed_in(i);
        i.given_with_params("another buyer exists", &json!({ "username": "grace" }));
        i.given_with_params("a gig exists", &json!({ "gigId": "web-gig-3" }));
        at(i, "/message", &[]);
        i.request.post().json_body(said.clone());
        i.response.created().json_body(json_pattern!({ "message": offered("pending") }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: OfferAnswer = browser.post("/message", &said).await?;
        assert_eq!((answer.message.offer_status.as_str(), answer.message.offer.price), ("pending", 4000));
        Ok::<(), Failure>(())
    })
    .await
}

async fn accepting_an_offer(recorder: &Recorder) -> Result<(), Error> {
    let decision = json!({ "messageId": "message-1", "type": "accept" });
    page("accepting an offer", |i| {
        signed_in(i);
        i.given("an offer to the caller exists");
        at(i, "/message/offer", &[]);
        i.request.put();
        body(i, &decision, &[("messageId", "messageId")]);
        i.response.ok().json_body(json_pattern!({ "message": offered("accepted") }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: OfferAnswer = browser.put("/message/offer", &decision).await?;
        assert_eq!(answer.message.offer_status, "accepted");
        Ok::<(), Failure>(())
    })
    .await
}

async fn marking_a_message_as_read(recorder: &Recorder) -> Result<(), Error> {
    let read = json!({ "messageId": "message-1" });
    page("marking a message as read", |i| {
        signed_in(i);
        i.given("a message to the caller exists");
        at(i, "/message/mark-as-read", &[]);
        i.request.put();
        body(i, &read, &[("messageId", "messageId")]);
        i.response.ok().json_body(json_pattern!({ "message": message(json_pattern!(true)) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: MessageAnswer = browser.put("/message/mark-as-read", &read).await?;
        assert!(answer.message.is_read);
        Ok::<(), Failure>(())
    })
    .await
}

async fn marking_many_messages_as_read(recorder: &Recorder) -> Result<(), Error> {
    let read = json!({ "senderUsername": "grace" });
    page("marking many messages as read", |i| {
        signed_in(i);
        i.given("a message to the caller exists");
        at(i, "/message/mark-multiple-as-read", &[]);
        i.request.put().json_body(read.clone());
        i.response.ok().json_body(json_pattern!({ "marked": like!(1) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: Marked = browser.put("/message/mark-multiple-as-read", &read).await?;
        assert_eq!(answer.marked, 1);
        Ok::<(), Failure>(())
    })
    .await
}
