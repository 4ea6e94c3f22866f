//! Ten changes that break nobody.

use serde_json::{Value, json};

use super::change::Change;
use super::exchange::Exchange;

/// The table.
pub(crate) fn table() -> Vec<Change> {
    let mut table = answers_and_endpoints();
    table.extend(requests());
    table.extend(events());
    table
}

/// A change of the gig service.
fn gig(name: &'static str, rewrite: fn(&mut Exchange), patch: Value) -> Change {
    let document = "openapi/gig.json";
    Change { name, provider: "gig", consumer: "gateway", rewrite, document, patch, found: None }
}

/// A change of what the users service tells.
fn event(name: &'static str, rewrite: fn(&mut Exchange), patch: Value) -> Change {
    let document = "asyncapi/users.json";
    Change { name, provider: "users", consumer: "gig", rewrite, document, patch, found: None }
}

fn answers_and_endpoints() -> Vec<Change> {
    vec![
        gig(
            "field added",
            |it| it.each_with("sellerUsername", |gig| drop(gig.insert("views".into(), json!(7)))),
            json!([
                { "op": "add", "path": "/components/schemas/Gig/properties/views", "value": { "type": "integer" } },
                { "op": "add", "path": "/components/schemas/Gig/required/-", "value": "views" },
            ]),
        ),
        Change {
            name: "field removed that nobody reads",
            provider: "users",
            consumer: "gateway",
            rewrite: |it| it.each_with("earnings", |seller| drop(seller.remove("earnings"))),
            document: "openapi/users.json",
            patch: json!([
                { "op": "remove", "path": "/components/schemas/Seller/properties/earnings" },
                { "op": "remove", "path": "/components/schemas/Seller/required/earnings" },
            ]),
            found: None,
        },
        gig(
            "header added",
            |it| it.header("x-served-by", "gig-2"),
            json!([
                {
                    "op": "add",
                    "path": "/paths/~1api~1v1~1gig~1{gig_id}/get/responses/200/headers",
                    "value": { "X-Served-By": { "schema": { "type": "string" } } },
                },
            ]),
        ),
        gig(
            "endpoint added",
            |_| {},
            json!([
                {
                    "op": "add",
                    "path": "/paths/~1api~1v1~1gig~1trending",
                    "value": { "get": { "operationId": "gigTrending", "responses": { "200": { "description": "Gigs." } } } },
                },
            ]),
        ),
    ]
}

fn requests() -> Vec<Change> {
    vec![
        gig(
            "optional request field added",
            |_| {},
            json!([
                { "op": "add", "path": "/components/schemas/Offer/properties/licence", "value": { "type": "string" } },
            ]),
        ),
        gig(
            "optional query parameter added",
            |_| {},
            json!([
                {
                    "op": "add",
                    "path": "/paths/~1api~1v1~1gig~1search~1{from}~1{size}~1{direction}/get/parameters/-",
                    "value": { "in": "query", "name": "currency", "required": false, "schema": { "type": "string" } },
                },
            ]),
        ),
        gig(
            "limit of a request loosened",
            |_| {},
            json!([{ "op": "replace", "path": "/components/schemas/Offer/properties/title/maxLength", "value": 200 }]),
        ),
    ]
}

fn events() -> Vec<Change> {
    vec![
        event(
            "field of an event added",
            |it| it.each_with("fullName", |seller| drop(seller.insert("slogan".into(), json!("Engines")))),
            json!([
                { "op": "add", "path": "/components/schemas/SellerFacts/properties/slogan", "value": { "type": "string" } },
            ]),
        ),
        event(
            "metadata added",
            |it| drop(it.metadata().insert("x-region".into(), json!("north"))),
            json!([
                { "op": "add", "path": "/components/schemas/Headers/properties/x-region", "value": { "type": "string" } },
            ]),
        ),
        event(
            "event added",
            |_| {},
            json!([
                {
                    "op": "add",
                    "path": "/components/messages/SellerDeleted",
                    "value": {
                        "name": "users.seller_deleted.v1",
                        "contentType": "application/json",
                        "payload": { "type": "object", "properties": { "sellerId": { "type": "string" } } },
                    },
                },
                {
                    "op": "add",
                    "path": "/channels/users.seller_deleted.v1",
                    "value": {
                        "address": "users.seller_deleted.v1",
                        "messages": { "SellerDeleted": { "$ref": "#/components/messages/SellerDeleted" } },
                    },
                },
                {
                    "op": "add",
                    "path": "/operations/sendSellerDeleted",
                    "value": { "action": "send", "channel": { "$ref": "#/channels/users.seller_deleted.v1" } },
                },
            ]),
        ),
    ]
}
