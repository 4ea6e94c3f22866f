//! Deployments and releases.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::hal::Hal;
use super::{Failure, Links, Served};
use crate::broker::{Placement, PlacementKind};
use crate::gate::Version;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Sent {
    application_instance: Option<String>,
    target: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Changed {
    currently_deployed: Option<bool>,
    currently_supported: Option<bool>,
}

fn document(links: &Links, placement: &Placement) -> Value {
    let Placement { id, kind, version, environment, target, created_at } = placement;
    let (path, flag) = match kind {
        PlacementKind::Deployed => ("deployed-versions", "currentlyDeployed"),
        PlacementKind::Released => ("released-versions", "currentlySupported"),
    };
    let mut document = json!({
        "uuid": id,
        "createdAt": created_at,
        "_embedded": {
            "pacticipant": { "name": version.pacticipant, "_links": { "self": links.pacticipant(&version.pacticipant) } },
            "version": { "number": version.number, "_links": { "self": links.version(version) } },
            "environment": { "name": environment, "_links": { "self": links.link(&["environments", environment]) } },
        },
        "_links": { "self": links.link(&[path, id]), "pb:version": links.version(version) },
    });
    document[flag] = json!(true);
    if let Some(target) = target {
        document["applicationInstance"] = json!(target);
        document["target"] = json!(target);
    }
    document
}

pub(super) async fn record(
    State(served): State<Served>,
    links: Links,
    Path((name, number, kind, environment)): Path<(String, String, String, String)>,
    sent: Option<Json<Sent>>,
) -> Result<(StatusCode, Hal), Failure> {
    let kind = match kind.as_str() {
        "deployed-versions" => PlacementKind::Deployed,
        "released-versions" => PlacementKind::Released,
        other => {
            return Err(Failure::not_found(format!("`{other}`: expected `deployed-versions` or `released-versions`")));
        }
    };
    let Json(sent) = sent.unwrap_or_default();
    let target = sent.application_instance.or(sent.target);
    let placement =
        served.store.record_placement(kind, &Version::new(name, number), &environment, target.as_deref()).await?;
    Ok((StatusCode::CREATED, Hal(document(&links, &placement))))
}

async fn there(
    served: &Served,
    links: &Links,
    environment: &str,
    kind: PlacementKind,
    key: &str,
    path: &str,
    last: &str,
) -> Result<Hal, Failure> {
    let environment = served.store.environment(environment).await?;
    let placements = served.store.placements(Some(&environment.name)).await?;
    let documents: Vec<Value> =
        placements.iter().filter(|each| each.kind == kind).map(|each| document(links, each)).collect();
    let mut embedded = json!({});
    embedded[key] = json!(documents);
    let own = links.link(&["environments", &environment.id, path, last]);
    Ok(Hal(json!({ "_embedded": embedded, "_links": { "self": own } })))
}

pub(super) async fn deployed(
    State(served): State<Served>,
    links: Links,
    Path(id): Path<String>,
) -> Result<Hal, Failure> {
    there(&served, &links, &id, PlacementKind::Deployed, "deployedVersions", "deployed-versions", "currently-deployed")
        .await
}

pub(super) async fn released(
    State(served): State<Served>,
    links: Links,
    Path(id): Path<String>,
) -> Result<Hal, Failure> {
    there(&served, &links, &id, PlacementKind::Released, "releasedVersions", "released-versions", "currently-supported")
        .await
}

async fn find(served: &Served, id: &str) -> Result<Placement, Failure> {
    let found = served.store.placements(None).await?.into_iter().find(|each| each.id == id);
    found.ok_or_else(|| Failure::not_found(format!("nothing is deployed or released under the id `{id}`")))
}

pub(super) async fn one(State(served): State<Served>, links: Links, Path(id): Path<String>) -> Result<Hal, Failure> {
    Ok(Hal(document(&links, &find(&served, &id).await?)))
}

/// The only thing that can change is that it ends.
pub(super) async fn end(
    State(served): State<Served>,
    links: Links,
    Path(id): Path<String>,
    changed: Result<Json<Changed>, JsonRejection>,
) -> Result<Hal, Failure> {
    let Json(changed) = changed.map_err(|error| Failure::invalid(error.body_text()))?;
    let placement = find(&served, &id).await?;
    let flag = match placement.kind {
        PlacementKind::Deployed => changed.currently_deployed,
        PlacementKind::Released => changed.currently_supported,
    };
    if flag != Some(false) {
        let message =
            "expected `\"currentlyDeployed\": false` for a deployment, `\"currentlySupported\": false` for a release";
        return Err(Failure::invalid(message));
    }
    served.store.end_placement(&id).await?;
    let mut document = document(&links, &placement);
    let flag = if placement.kind == PlacementKind::Deployed { "currentlyDeployed" } else { "currentlySupported" };
    document[flag] = json!(false);
    Ok(Hal(document))
}
