//! Environments.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::hal::Hal;
use super::{Failure, Links, Served};
use crate::broker::Environment;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Sent {
    name: Option<String>,
    display_name: Option<String>,
    production: Option<bool>,
}

fn document(links: &Links, environment: &Environment) -> Value {
    let id = environment.id.as_str();
    let mut document = json!(environment);
    document["_links"] = json!({
        "self": links.named(&environment.name, "Environment", &["environments", id]),
        "pb:currently-deployed-deployed-versions":
            links.link(&["environments", id, "deployed-versions", "currently-deployed"]),
        "pb:currently-supported-released-versions":
            links.link(&["environments", id, "released-versions", "currently-supported"]),
    });
    document
}

pub(super) async fn all(State(served): State<Served>, links: Links) -> Result<Hal, Failure> {
    let environments = served.store.environments().await?;
    let documents: Vec<Value> = environments.iter().map(|each| document(&links, each)).collect();
    let listed: Vec<Value> = documents.iter().map(|each| each["_links"]["self"].clone()).collect();
    Ok(Hal(json!({
        "_embedded": { "environments": documents },
        "_links": { "self": links.link(&["environments"]), "pb:environments": listed },
    })))
}

pub(super) async fn create(
    State(served): State<Served>,
    links: Links,
    sent: Result<Json<Sent>, JsonRejection>,
) -> Result<(StatusCode, Hal), Failure> {
    let Json(sent) = sent.map_err(|error| Failure::invalid(error.body_text()))?;
    let name = sent.name.ok_or_else(|| Failure::invalid("`name` is missing: expected the environment's name"))?;
    let display_name = sent.display_name.as_deref().unwrap_or(&name);
    let made = served.store.create_environment(&name, display_name, sent.production.unwrap_or(false)).await?;
    Ok((StatusCode::CREATED, Hal(document(&links, &made))))
}

pub(super) async fn one(State(served): State<Served>, links: Links, Path(id): Path<String>) -> Result<Hal, Failure> {
    Ok(Hal(document(&links, &served.store.environment(&id).await?)))
}

pub(super) async fn change(
    State(served): State<Served>,
    links: Links,
    Path(id): Path<String>,
    sent: Result<Json<Sent>, JsonRejection>,
) -> Result<Hal, Failure> {
    let Json(sent) = sent.map_err(|error| Failure::invalid(error.body_text()))?;
    let before = served.store.environment(&id).await?;
    let changed = Environment {
        name: sent.name.unwrap_or(before.name),
        display_name: sent.display_name.unwrap_or(before.display_name),
        production: sent.production.unwrap_or(before.production),
        ..before
    };
    Ok(Hal(document(&links, &served.store.change_environment(&changed).await?)))
}
