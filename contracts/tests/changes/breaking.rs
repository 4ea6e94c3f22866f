//! Twenty changes that break a consumer.

use serde_json::{Value, json};

use super::change::{Change, Found};
use super::exchange::{Exchange, rename};

const GIG: &str = "openapi/gig.json";
const CHAT: &str = "openapi/chat.json";
const USERS: &str = "asyncapi/users.json";

/// The table.
pub(crate) fn table() -> Vec<Change> {
    let mut table = answers();
    table.extend(endpoints());
    table.extend(requests());
    table.extend(events());
    table
}

/// A change of the gig service, which the gateway must notice.
fn gig(name: &'static str, rewrite: fn(&mut Exchange), patch: Value, found: Found) -> Change {
    Change { name, provider: "gig", consumer: "gateway", rewrite, document: GIG, patch, found: Some(found) }
}

/// A change of the chat service, which the gateway must notice.
fn chat(name: &'static str, rewrite: fn(&mut Exchange), patch: Value, found: Found) -> Change {
    Change { name, provider: "chat", consumer: "gateway", rewrite, document: CHAT, patch, found: Some(found) }
}

/// A change of what the users service tells, which the gig service must notice.
fn event(name: &'static str, rewrite: fn(&mut Exchange), patch: Value, found: Found) -> Change {
    Change { name, provider: "users", consumer: "gig", rewrite, document: USERS, patch, found: Some(found) }
}

fn found(interaction: &'static str, place: &'static str, rule: &'static str) -> Found {
    Found { interaction, place, rule }
}

fn answers() -> Vec<Change> {
    vec![
        gig(
            "renamed field",
            |it| it.each_with("sellerUsername", |gig| rename(gig, "sellerId", "seller_id")),
            json!([
                { "op": "remove", "path": "/components/schemas/Gig/properties/sellerId" },
                { "op": "remove", "path": "/components/schemas/Gig/required/sellerId" },
                { "op": "add", "path": "/components/schemas/Gig/properties/seller_id", "value": { "type": "string" } },
            ]),
            found("changing a gig", "$.gig.sellerId", "response-property-removed"),
        ),
        gig(
            "field removed",
            |it| it.each_with("sellerUsername", |gig| drop(gig.remove("deliveryDays"))),
            json!([
                { "op": "remove", "path": "/components/schemas/Gig/properties/deliveryDays" },
                { "op": "remove", "path": "/components/schemas/Gig/required/deliveryDays" },
            ]),
            found("changing a gig", "$.gig.deliveryDays", "response-property-removed"),
        ),
        gig(
            "type change",
            |it| it.each_with("price", |gig| gig["price"] = json!(gig["price"].to_string())),
            json!([
                { "op": "replace", "path": "/components/schemas/Gig/properties/price", "value": { "type": "string" } },
            ]),
            found("changing a gig", "$.gig.price", "response-type-changed"),
        ),
        gig(
            "null instead of value",
            |it| it.each_with("coverImage", |gig| gig["coverImage"] = Value::Null),
            json!([
                {
                    "op": "replace",
                    "path": "/components/schemas/Gig/properties/coverImage/type",
                    "value": ["string", "null"],
                },
            ]),
            found("changing a gig", "$.gig.coverImage", "response-null-added"),
        ),
        gig(
            "array instead of object",
            |it| it.each_with("gig", |answer| answer["gig"] = json!([answer["gig"]])),
            json!([
                {
                    "op": "replace",
                    "path": "/components/schemas/GigAnswer/properties/gig",
                    "value": { "type": "array", "items": { "$ref": "#/components/schemas/Gig" } },
                },
            ]),
            found("changing a gig", "$.gig", "response-type-changed"),
        ),
        chat(
            "enum value changed",
            |it| {
                it.each_with("offerStatus", |message| {
                    if message["offerStatus"] == "accepted" {
                        message["offerStatus"] = json!("agreed");
                    }
                });
            },
            json!([
                { "op": "remove", "path": "/components/schemas/OfferStatus/enum/accepted" },
                { "op": "add", "path": "/components/schemas/OfferStatus/enum/-", "value": "agreed" },
            ]),
            found("accepting an offer", "$.message.offerStatus", "response-enum-value-removed"),
        ),
        gig(
            "error body changed",
            |it| it.each_with("correlationId", |problem| rename(problem, "code", "errorCode")),
            json!([
                { "op": "remove", "path": "/components/schemas/Problem/properties/code" },
                { "op": "remove", "path": "/components/schemas/Problem/required/code" },
                { "op": "add", "path": "/components/schemas/Problem/properties/errorCode", "value": { "type": "string" } },
            ]),
            found("changing a gig of somebody else", "$.code", "response-property-removed"),
        ),
        Change {
            name: "header dropped",
            provider: "gateway",
            consumer: "web",
            rewrite: |it| {
                if it.answers("POST", "/api/v1/gateway/auth/signin") {
                    it.headers.remove("set-cookie");
                }
            },
            document: "openapi/gateway.json",
            patch: json!([
                { "op": "remove", "path": "/paths/~1api~1v1~1gateway~1auth~1signin/post/responses/200/headers/Set-Cookie" },
            ]),
            found: Some(found("signing in", "set-cookie", "response-header-removed")),
        },
    ]
}

fn endpoints() -> Vec<Change> {
    vec![
        gig(
            "status changed",
            |it| {
                if it.answers("POST", "/api/v1/gig/create") && it.status == 201 {
                    it.status = axum::http::StatusCode::OK;
                }
            },
            json!([
                { "op": "remove", "path": "/paths/~1api~1v1~1gig~1create/post/responses/201" },
                {
                    "op": "add",
                    "path": "/paths/~1api~1v1~1gig~1create/post/responses/200",
                    "value": {
                        "description": "The gig.",
                        "content": {
                            "application/json": { "schema": { "$ref": "#/components/schemas/GigAnswer" } },
                        },
                    },
                },
            ]),
            found("creating a gig", "expected status 201, got 200", "response-status-removed"),
        ),
        gig(
            "status of a refusal changed",
            |it| {
                if it.answers("GET", "/api/v1/gig/*") && it.status == 404 {
                    it.refuse(410, "gig_not_found");
                }
            },
            json!([
                { "op": "remove", "path": "/paths/~1api~1v1~1gig~1{gig_id}/get/responses/404" },
                {
                    "op": "add",
                    "path": "/paths/~1api~1v1~1gig~1{gig_id}/get/responses/410",
                    "value": {
                        "description": "`gig_not_found`",
                        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
                    },
                },
            ]),
            found("reading a gig that is not there", "expected status 404, got 410", "response-status-removed"),
        ),
        gig(
            "content type changed",
            |it| {
                if it.answers("GET", "/api/v1/gig/*") {
                    it.header("content-type", "text/plain");
                }
            },
            json!([
                {
                    "op": "replace",
                    "path": "/paths/~1api~1v1~1gig~1{gig_id}/get/responses/200/content",
                    "value": { "text/plain": { "schema": { "type": "string" } } },
                },
            ]),
            found("reading a gig", "text/plain", "response-media-type-removed"),
        ),
        gig(
            "endpoint removed",
            |it| {
                if it.answers("PUT", "/api/v1/gig/active/*") {
                    it.refuse(404, "unknown_route");
                }
            },
            json!([{ "op": "remove", "path": "/paths/~1api~1v1~1gig~1active~1{gig_id}" }]),
            found("pausing a gig", "expected status 200, got 404", "operation-removed"),
        ),
    ]
}

fn requests() -> Vec<Change> {
    vec![
        gig(
            "required request field added",
            |it| {
                let offers = it.answers("POST", "/api/v1/gig/create") || it.answers("PUT", "/api/v1/gig/*");
                if offers && it.request["licence"].is_null() {
                    it.refuse(400, "invalid_gig");
                }
            },
            json!([
                { "op": "add", "path": "/components/schemas/Offer/properties/licence", "value": { "type": "string" } },
                { "op": "add", "path": "/components/schemas/Offer/required/-", "value": "licence" },
            ]),
            found("changing a gig", "expected status 200, got 400", "request-property-required"),
        ),
        gig(
            "required query parameter added",
            |it| {
                if it.answers("GET", "/api/v1/gig/search/*/*/*") && !it.query.contains("currency=") {
                    it.refuse(400, "currency_missing");
                }
            },
            json!([
                {
                    "op": "add",
                    "path": "/paths/~1api~1v1~1gig~1search~1{from}~1{size}~1{direction}/get/parameters/-",
                    "value": { "in": "query", "name": "currency", "required": true, "schema": { "type": "string" } },
                },
            ]),
            found("searching gigs", "expected status 200, got 400", "request-parameter-required"),
        ),
        chat(
            "enum value of a request removed",
            |it| {
                if it.answers("PUT", "/api/v1/message/offer") && it.request["type"] == "accept" {
                    it.refuse(422, "invalid_body");
                }
            },
            json!([{ "op": "remove", "path": "/components/schemas/Decision/enum/accept" }]),
            found("accepting an offer", "expected status 200, got 422", "request-enum-narrowed"),
        ),
    ]
}

fn events() -> Vec<Change> {
    vec![
        event(
            "event version bumped",
            |it| {
                if it.is_message("a seller was created") {
                    it.metadata().insert("cloudEvents:type".into(), json!("users.seller_created.v2"));
                }
            },
            json!([
                { "op": "remove", "path": "/channels/users.seller_created.v1" },
                {
                    "op": "add",
                    "path": "/channels/users.seller_created.v2",
                    "value": {
                        "address": "users.seller_created.v2",
                        "messages": { "SellerCreated": { "$ref": "#/components/messages/SellerCreated" } },
                    },
                },
                {
                    "op": "replace",
                    "path": "/operations/sendSellerCreated/channel",
                    "value": { "$ref": "#/channels/users.seller_created.v2" },
                },
                {
                    "op": "replace",
                    "path": "/operations/sendSellerCreated/messages",
                    "value": [{ "$ref": "#/channels/users.seller_created.v2/messages/SellerCreated" }],
                },
                {
                    "op": "replace",
                    "path": "/components/messages/SellerCreated/name",
                    "value": "users.seller_created.v2",
                },
                {
                    "op": "replace",
                    "path": "/components/messages/SellerCreated/headers/allOf/1/properties/cloudEvents:type/const",
                    "value": "users.seller_created.v2",
                },
            ]),
            found("a seller was created", "cloudEvents:type", "event-version-changed"),
        ),
        event(
            "event no longer sent",
            |it| {
                if it.request["description"] == "a seller was updated" {
                    it.refuse(404, "unknown_message");
                }
            },
            json!([
                { "op": "remove", "path": "/channels/users.seller_updated.v1" },
                { "op": "remove", "path": "/operations/sendSellerUpdated" },
                { "op": "remove", "path": "/components/messages/SellerUpdated" },
            ]),
            found("a seller was updated", "was not emitted", "event-removed"),
        ),
        event(
            "metadata lost",
            |it| drop(it.metadata().remove("x-correlation-id")),
            json!([{ "op": "remove", "path": "/components/schemas/Headers/properties/x-correlation-id" }]),
            found("a seller was created", "x-correlation-id", "metadata-removed"),
        ),
        event(
            "field of an event renamed",
            |it| it.each_with("fullName", |seller| rename(seller, "revision", "version")),
            json!([
                { "op": "remove", "path": "/components/schemas/SellerFacts/properties/revision" },
                { "op": "remove", "path": "/components/schemas/SellerFacts/required/revision" },
                { "op": "add", "path": "/components/schemas/SellerFacts/properties/version", "value": { "type": "integer" } },
            ]),
            found("a seller was created", "$.revision", "response-property-removed"),
        ),
        event(
            "type of a field of an event changed",
            |it| it.each_with("fullName", |seller| seller["rating"] = json!(4.5)),
            json!([
                {
                    "op": "replace",
                    "path": "/components/schemas/SellerFacts/properties/rating",
                    "value": { "type": "number" },
                },
            ]),
            found("a seller was created", "$.rating", "response-type-changed"),
        ),
    ]
}
