//! Conversations and custom offers.

use axum::http::Method;
use serde_json::json;

use super::Things;
use super::row::{Row, endpoint, to};
use crate::world::World;

pub(super) fn rows(world: &World, things: &Things) -> Vec<Row> {
    let World { ada, bob, gig, .. } = world;
    let of_both = "/message/conversation/ada/bob";
    let messages = format!("/message/{}", things.conversation);
    let send = |to_whom: &str, text: &str| to("/message").with(json!({ "receiverUsername": to_whom, "body": text }));
    let foreign_offer = json!({ "gigId": gig, "price": 4000, "description": "not mine", "deliveryInDays": 2 });
    let decide = |message: &str| to("/message/offer").with(json!({ "messageId": message, "type": "accept" }));
    let read = |message: &str| to("/message/mark-as-read").with(json!({ "messageId": message }));
    vec![
        endpoint("Conversation of two users", Method::GET, "/message/conversation/{sender}/{receiver}")
            .right(ada, to(of_both), 200, &["/conversation/id"])
            .wrong(to("/message/conversation/ada/nobody"), 404, "conversation_not_found")
            .refused_to_strangers(403, "not_your_conversation"),
        endpoint("Conversations of a user", Method::GET, "/message/conversation/{username}")
            .right(ada, to("/message/conversation/ada"), 200, &["/conversations/0/id"])
            .wrong(to("/message/conversation/ada?size=0"), 400, "invalid_page")
            .refused_to_strangers(403, "not_your_conversation"),
        endpoint("Messages between two users", Method::GET, "/message/{sender}/{receiver}")
            .right(ada, to("/message/bob/ada"), 200, &["/messages/0/id"])
            .wrong(to("/message/bob/ada?size=201"), 400, "invalid_page")
            .refused_to_strangers(403, "not_your_conversation"),
        endpoint("Messages of a conversation", Method::GET, "/message/{conversation_id}")
            .right(ada, to(&messages), 200, &["/messages/0/id"])
            .wrong(to("/message/none"), 404, "conversation_not_found")
            .wrong(to(format!("{messages}?before=")), 400, "invalid_page")
            .refused_to_strangers(404, "conversation_not_found"),
        endpoint("Send a message", Method::POST, "/message")
            .right(
                ada,
                to("/message/").with(json!({ "receiverUsername": "bob", "body": "and you?" })),
                201,
                &["/message/id"],
            )
            .wrong(send("bob", " "), 400, "invalid_message")
            .wrong(send("ada", "myself"), 400, "invalid_message")
            .wrong(send("nobody", "hello?"), 404, "buyer_not_found")
            .refused_to_strangers_who_ask(
                to("/message").with(json!({ "receiverUsername": "ada", "offer": foreign_offer })),
                403,
                "not_your_gig",
            ),
        endpoint("Accept or cancel a custom offer", Method::PUT, "/message/offer")
            .right(ada, decide(&things.offer), 200, &["/message/offerStatus"])
            .wrong(decide("none"), 404, "offer_not_found")
            .wrong(decide(&things.message), 404, "offer_not_found")
            .wrong_for(bob, decide(&things.offer), 403, "not_your_offer")
            .once(409, "offer_decided")
            .refused_to_strangers(404, "offer_not_found"),
        endpoint("Mark as read", Method::PUT, "/message/mark-as-read")
            .right(ada, read(&things.message), 200, &["/message/isRead"])
            .wrong(read("none"), 404, "message_not_found")
            .wrong_for(bob, read(&things.message), 404, "message_not_found")
            .refused_to_strangers(404, "message_not_found"),
        endpoint("Mark many as read", Method::PUT, "/message/mark-multiple-as-read")
            .right(
                ada,
                to("/message/mark-multiple-as-read").with(json!({ "senderUsername": "bob" })),
                200,
                &["/marked"],
            )
            .everybody_their_own("/marked"),
    ]
}
