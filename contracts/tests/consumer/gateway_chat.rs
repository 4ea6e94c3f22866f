//! The gateway shows conversations and carries messages and offers.

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use gateway::clients::chat::{DecideOffer, MarkAsRead, MarkMultiple, Offer, Send};
use gateway::clients::{CallError, ChatClient};
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Url;
use serde_json::json;

use super::calls::{caller, path, refusal, service, with_token};
use super::envelope::{NOON, TIME};

expectations!(
    reading_a_conversation,
    reading_a_conversation_that_is_not_there,
    listing_conversations,
    listing_the_conversations_of_somebody_else,
    reading_the_messages_between_two,
    reading_the_messages_of_a_conversation,
    sending_a_message,
    sending_an_offer,
    accepting_an_offer,
    marking_a_message_as_read,
    marking_many_messages_as_read,
);

fn client(base: &Url) -> ChatClient {
    ChatClient::new(service("chat", base))
}

/// Everything that the gateway reads of a message, and `more`.
fn message<const N: usize>(more: [(&str, JsonPattern); N]) -> JsonPattern {
    let common: [(&str, JsonPattern); 7] = [
        ("id", like!("message-1").into()),
        ("conversationId", like!("conversation-1").into()),
        ("senderUsername", like!("grace").into()),
        ("receiverUsername", like!("contract_caller").into()),
        ("body", like!("How about this?").into()),
        ("isRead", like!(false).into()),
        ("createdAt", term!(TIME, NOON).into()),
    ];
    JsonPattern::Object(common.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect())
}

fn offer(status: &str) -> [(&'static str, JsonPattern); 2] {
    let offer = json_pattern!({
        "gigId": like!("gig-1"),
        "gigTitle": like!("I will design a logo"),
        "price": like!(4000),
        "currency": term!("^[A-Z]{3}$", "USD"),
        "description": like!("Two drafts"),
        "deliveryInDays": like!(2),
    });
    [("offer", offer), ("offerStatus", status.into())]
}

fn conversation() -> JsonPattern {
    json_pattern!({
        "id": like!("conversation-1"),
        "usernames": [like!("contract_caller"), like!("grace")],
        "lastMessage": message([]),
    })
}

async fn reading_a_conversation(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "chat")
        .interaction("reading a conversation", |i| {
            i.given("a message to the caller exists");
            with_token(i);
            i.request.get().path("/api/v1/message/conversation/contract_caller/grace");
            i.response.ok().json_body(json_pattern!({ "conversation": conversation() }));
        })
        .exercise(recorder, |base| async move {
            let conversation = client(&base).conversation("contract_caller", "grace", &caller()).await?;
            assert_eq!(conversation.usernames, ["contract_caller", "grace"]);
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_a_conversation_that_is_not_there(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "chat")
        .interaction("reading a conversation that is not there", |i| {
            with_token(i);
            i.request.get().path("/api/v1/message/conversation/contract_caller/nobody");
            refusal(i, 404, "conversation_not_found");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).conversation("contract_caller", "nobody", &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(404), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_conversations(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "chat")
        .interaction("listing conversations", |i| {
            i.given("a message to the caller exists");
            with_token(i);
            i.request.get().path("/api/v1/message/conversation/contract_caller");
            i.response.ok().json_body(json_pattern!({ "conversations": each_like!(conversation()) }));
        })
        .exercise(recorder, |base| async move {
            let conversations = client(&base).conversations("contract_caller", None, &caller()).await?;
            assert!(conversations[0].last_message.is_some());
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_the_conversations_of_somebody_else(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "chat")
        .interaction("listing the conversations of somebody else", |i| {
            with_token(i);
            i.request.get().path("/api/v1/message/conversation/grace");
            refusal(i, 403, "not_your_conversation");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).conversations("grace", None, &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(403), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_the_messages_between_two(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "chat")
        .interaction("reading the messages between two people", |i| {
            i.given("a message to the caller exists");
            with_token(i);
            i.request.get().path("/api/v1/message/contract_caller/grace").query_param("size", "10");
            i.response.ok().json_body(json_pattern!({ "messages": each_like!(message([])) }));
        })
        .exercise(recorder, |base| async move {
            let messages =
                client(&base).messages_between("contract_caller", "grace", Some("size=10"), &caller()).await?;
            assert_eq!(messages[0].body, "How about this?");
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_the_messages_of_a_conversation(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "chat")
        .interaction("reading the messages of a conversation", |i| {
            i.given("a message to the caller exists");
            with_token(i);
            path(i, "/api/v1/message/${conversationId}", &[("conversationId", "conversation-1")]);
            i.request.get();
            i.response.ok().json_body(json_pattern!({ "messages": each_like!(message([])) }));
        })
        .exercise(recorder, |base| async move {
            let messages = client(&base).messages("conversation-1", None, &caller()).await?;
            assert_eq!(messages[0].conversation_id, "conversation-1");
            Ok::<(), CallError>(())
        })
        .await
}

async fn sending_a_message(recorder: &Recorder) -> Result<(), Error> {
    let body = Send {
        receiver_username: "grace".into(),
        receiver_email: "grace@example.test".into(),
        body: "How about this?".into(),
        offer: None,
    };
    HttpPact::new("gateway", "chat")
        .interaction("sending a message", |i| {
            with_token(i);
            i.request.post().path("/api/v1/message").header("idempotency-key", term!("^.{1,255}$", "key-1"));
            i.request.json_body(json!(body));
            i.response.created().json_body(json_pattern!({ "message": message([]) }));
        })
        .exercise(recorder, |base| async move {
            // A key of its own each time: the same one with another message would be refused.
            let message = client(&base).send(&body, Some("key-1"), &caller()).await?;
            assert!(!message.is_read, "{message:?}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn sending_an_offer(recorder: &Recorder) -> Result<(), Error> {
    let body = Send {
        receiver_username: "grace".into(),
        receiver_email: "grace@example.test".into(),
        body: "How about this?".into(),
        offer: Some(Offer {
            gig_id: "gig-1".into(),
            gig_title: "I will design a logo".into(),
            price: 4000,
            currency: "USD".into(),
            description: "Two drafts".into(),
            delivery_in_days: 2,
        }),
    };
    HttpPact::new("gateway", "chat")
        .interaction("sending an offer", |i| {
            with_token(i);
            i.request.post().path("/api/v1/message").json_body(json!(body));
            i.response.created().json_body(json_pattern!({ "message": message(offer("pending")) }));
        })
        .exercise(recorder, |base| async move {
            let message = client(&base).send(&body, None, &caller()).await?;
            assert_eq!(message.offer_status.as_deref(), Some("pending"));
            Ok::<(), CallError>(())
        })
        .await
}

async fn accepting_an_offer(recorder: &Recorder) -> Result<(), Error> {
    let body = DecideOffer { message_id: "message-1".into(), decision: "accept".into() };
    HttpPact::new("gateway", "chat")
        .interaction("accepting an offer", |i| {
            i.given("an offer to the caller exists");
            with_token(i);
            i.request.put().path("/api/v1/message/offer");
            super::calls::body(i, &body, &[("messageId", "messageId")]);
            i.response.ok().json_body(json_pattern!({ "message": message(offer("accepted")) }));
        })
        .exercise(recorder, |base| async move {
            let message = client(&base).decide_offer(&body, &caller()).await?;
            assert_eq!(message.offer_status.as_deref(), Some("accepted"));
            Ok::<(), CallError>(())
        })
        .await
}

async fn marking_a_message_as_read(recorder: &Recorder) -> Result<(), Error> {
    let body = MarkAsRead { message_id: "message-1".into() };
    HttpPact::new("gateway", "chat")
        .interaction("marking a message as read", |i| {
            i.given("a message to the caller exists");
            with_token(i);
            i.request.put().path("/api/v1/message/mark-as-read");
            super::calls::body(i, &body, &[("messageId", "messageId")]);
            i.response.ok().json_body(json_pattern!({ "message": message([("isRead", json_pattern!(true))]) }));
        })
        .exercise(recorder, |base| async move {
            let message = client(&base).mark_as_read(&body, &caller()).await?;
            assert!(message.is_read, "{message:?}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn marking_many_messages_as_read(recorder: &Recorder) -> Result<(), Error> {
    let body = MarkMultiple { sender_username: "grace".into() };
    HttpPact::new("gateway", "chat")
        .interaction("marking many messages as read", |i| {
            i.given("a message to the caller exists");
            with_token(i);
            i.request.put().path("/api/v1/message/mark-multiple-as-read").json_body(json!(body));
            i.response.ok().json_body(json_pattern!({ "marked": like!(1) }));
        })
        .exercise(recorder, |base| async move {
            let marked = client(&base).mark_multiple_as_read(&body, &caller()).await?;
            assert_eq!(marked.marked, 1);
            Ok::<(), CallError>(())
        })
        .await
}
