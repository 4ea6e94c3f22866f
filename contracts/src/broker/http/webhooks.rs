//! Webhooks. Readers are not shown them: they say where the writers' other systems are.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::hal::Hal;
use super::{Failure, Links, Served};
use crate::broker::store::{Occasion, Webhook, now};
use crate::broker::webhooks::{Courier, HookEvent, HookRequest, Pace};

#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    description: Option<String>,
    enabled: Option<bool>,
    consumer: Option<Named>,
    provider: Option<Named>,
    events: Vec<Named>,
    request: HookRequest,
}

/// Somebody or something, by name only: labels are not understood, and what is not understood must not be left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

type Body = Result<Json<Sent>, JsonRejection>;

fn document(links: &Links, webhook: &Webhook) -> Value {
    let id = webhook.id.as_str();
    let side = |name: &Option<String>| name.as_ref().map(|name| json!({ "name": name }));
    let events: Vec<Value> = webhook.events.iter().map(|event| json!({ "name": event })).collect();
    json!({
        "uuid": id,
        "description": webhook.description,
        "enabled": webhook.enabled,
        "consumer": side(&webhook.consumer),
        "provider": side(&webhook.provider),
        "events": events,
        "request": webhook.request.shown(),
        "createdAt": webhook.created_at,
        "_links": {
            "self": links.named(id, webhook.description.as_deref().unwrap_or("Webhook"), &["webhooks", id]),
            "pb:webhooks": links.link(&["webhooks"]),
            "pb:execute": links.link(&["webhooks", id, "execute"]),
            "pb:logs": links.link(&["webhooks", id, "logs"]),
        },
    })
}

/// The webhook as it was sent, checked.
fn read(served: &Served, id: String, before: Option<&Webhook>, sent: Body) -> Result<Webhook, Failure> {
    let Json(sent) = sent.map_err(|error| Failure::invalid(error.body_text()))?;
    let mut events = Vec::with_capacity(sent.events.len());
    for Named { name } in &sent.events {
        events.push(HookEvent::named(name).ok_or_else(|| {
            let known = HookEvent::ALL.map(|event| format!("`{}`", event.as_str())).join(", ");
            Failure::invalid(format!("`{name}` is no event: expected {known}"))
        })?);
    }
    let mut request = sent.request;
    request.method.make_ascii_uppercase();
    if let Some(before) = before {
        request.keep_secrets(&before.request);
    }
    request.check(&served.hosts)?;
    let name = |side: Option<Named>| side.map(|side| side.name);
    Ok(Webhook {
        id,
        description: sent.description,
        enabled: sent.enabled.unwrap_or(true),
        consumer: name(sent.consumer),
        provider: name(sent.provider),
        events,
        request,
        created_at: now(),
    })
}

async fn make(served: &Served, links: &Links, webhook: &Webhook) -> Result<(StatusCode, Hal), Failure> {
    let made = served.store.keep_webhook(webhook).await?;
    Ok((StatusCode::CREATED, Hal(document(links, &made))))
}

pub(super) async fn create(
    State(served): State<Served>,
    links: Links,
    sent: Body,
) -> Result<(StatusCode, Hal), Failure> {
    make(&served, &links, &read(&served, Uuid::now_v7().to_string(), None, sent)?).await
}

/// For one pair, as the address says.
pub(super) async fn create_for_pair(
    State(served): State<Served>,
    links: Links,
    Path((provider, consumer)): Path<(String, String)>,
    sent: Body,
) -> Result<(StatusCode, Hal), Failure> {
    let webhook = read(&served, Uuid::now_v7().to_string(), None, sent)?;
    make(&served, &links, &Webhook { provider: Some(provider), consumer: Some(consumer), ..webhook }).await
}

pub(super) async fn create_for_provider(
    State(served): State<Served>,
    links: Links,
    Path(provider): Path<String>,
    sent: Body,
) -> Result<(StatusCode, Hal), Failure> {
    let webhook = read(&served, Uuid::now_v7().to_string(), None, sent)?;
    make(&served, &links, &Webhook { provider: Some(provider), ..webhook }).await
}

pub(super) async fn create_for_consumer(
    State(served): State<Served>,
    links: Links,
    Path(consumer): Path<String>,
    sent: Body,
) -> Result<(StatusCode, Hal), Failure> {
    let webhook = read(&served, Uuid::now_v7().to_string(), None, sent)?;
    make(&served, &links, &Webhook { consumer: Some(consumer), ..webhook }).await
}

/// Changes a webhook, or makes it under the id that the client chose.
pub(super) async fn put(
    State(served): State<Served>,
    links: Links,
    Path(id): Path<String>,
    sent: Body,
) -> Result<(StatusCode, Hal), Failure> {
    let before = served.store.webhooks().await?.into_iter().find(|each| each.id == id);
    let webhook = read(&served, id, before.as_ref(), sent)?;
    let (made, document) = make(&served, &links, &webhook).await?;
    Ok((if before.is_some() { StatusCode::OK } else { made }, document))
}

pub(super) async fn all(State(served): State<Served>, links: Links) -> Result<Hal, Failure> {
    let documents: Vec<Value> = served.store.webhooks().await?.iter().map(|each| document(&links, each)).collect();
    let listed: Vec<Value> = documents.iter().map(|each| each["_links"]["self"].clone()).collect();
    Ok(Hal(json!({
        "_embedded": { "webhooks": documents },
        "_links": { "self": links.link(&["webhooks"]), "pb:webhooks": listed },
    })))
}

pub(super) async fn one(State(served): State<Served>, links: Links, Path(id): Path<String>) -> Result<Hal, Failure> {
    Ok(Hal(document(&links, &served.store.webhook(&id).await?)))
}

pub(super) async fn delete(State(served): State<Served>, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    served.store.delete_webhook(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What it was told, and how that went.
pub(super) async fn logs(State(served): State<Served>, links: Links, Path(id): Path<String>) -> Result<Hal, Failure> {
    served.store.webhook(&id).await?;
    let told: Vec<Value> = served
        .store
        .deliveries(&id)
        .await?
        .into_iter()
        .map(|(each, attempts)| {
            let attempts: Vec<Value> =
                attempts.iter().map(|(outcome, at)| json!({ "outcome": outcome, "createdAt": at })).collect();
            json!({
                "uuid": each.id,
                "event": each.event,
                "consumer": each.occasion.consumer.to_string(),
                "provider": each.occasion.provider,
                "state": each.state,
                "attempts": attempts,
                "createdAt": each.created_at,
            })
        })
        .collect();
    Ok(Hal(json!({ "deliveries": told, "_links": { "self": links.link(&["webhooks", &id, "logs"]) } })))
}

/// Tells it of the last pact that it would be told of, at once and once.
pub(super) async fn execute(
    State(served): State<Served>,
    links: Links,
    Path(id): Path<String>,
) -> Result<Hal, Failure> {
    let webhook = served.store.webhook(&id).await?;
    let mut pacts = served.store.latest_pacts().await?;
    let fits = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    pacts.retain(|pact| fits(&webhook.consumer, &pact.consumer.pacticipant) && fits(&webhook.provider, &pact.provider));
    let pact = pacts
        .into_iter()
        .max_by(|a, b| a.created_at.cmp(&b.created_at))
        .ok_or_else(|| Failure::not_found("there is no pact yet that this webhook could be told of"))?;
    let last = served.store.verdicts_of(&pact.content, 1).await?.into_iter().next();
    let occasion = Occasion {
        consumer: pact.consumer,
        provider: pact.provider,
        content: pact.content,
        provider_version: last.as_ref().map(|last| last.provider.number.clone()),
        verification: last.map(|last| last.number),
    };
    let event = webhook.events.first().copied().unwrap_or(HookEvent::ContractPublished);
    let base = links.to(&[]);
    let courier = Courier::new(served.store.clone(), (*served.hosts).clone(), &base, Pace::default())?;
    let told = courier.attempt(&webhook, event, &occasion).await?;
    let success = told.is_ok();
    let (Ok(outcome) | Err(outcome)) = told;
    Ok(Hal(json!({
        "success": success,
        "outcome": outcome,
        "event": event,
        "_links": { "webhook": links.link(&["webhooks", &id]) },
    })))
}
