//! Pacticipants, their versions, branches and tags.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::hal::Hal;
use super::{Failure, Links, Served};
use crate::broker::{Pacticipant, Which};
use crate::gate::Version;

type Answer = Result<Hal, Failure>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Described {
    name: Option<String>,
    main_branch: Option<String>,
    repository_url: Option<String>,
}

async fn document(served: &Served, links: &Links, pacticipant: &Pacticipant) -> Result<Value, Failure> {
    let name = pacticipant.name.as_str();
    let mut document = json!(pacticipant);
    document["displayName"] = json!(name);
    let latest = served.store.resolve(name, &Which::Latest).await?;
    document["_links"] = json!({
        "self": links.pacticipant(name),
        "pb:versions": links.link(&["pacticipants", name, "versions"]),
        "pb:version": links.template(&format!("{}/versions/{{version}}", path(name))),
        "pb:version-tag": links.template(&format!("{}/versions/{{version}}/tags/{{tag}}", path(name))),
        "pb:branch-version": links.template(&format!("{}/branches/{{branch}}/versions/{{version}}", path(name))),
    });
    if let Some(number) = latest.first() {
        let version = Version::new(name, number);
        document["_links"]["pb:latest-version"] = links.version(&version);
        document["_embedded"] =
            json!({ "latestVersion": { "number": number, "_links": { "self": links.version(&version) } } });
    }
    Ok(document)
}

/// The path of a pacticipant, encoded.
fn path(name: &str) -> String {
    Links::nowhere().to(&["pacticipants", name])
}

pub(super) async fn all(State(served): State<Served>, links: Links) -> Answer {
    let mut documents = Vec::new();
    for pacticipant in served.store.pacticipants().await? {
        documents.push(document(&served, &links, &pacticipant).await?);
    }
    let listed: Vec<Value> = documents.iter().map(|each| each["_links"]["self"].clone()).collect();
    Ok(Hal(json!({
        "_links": { "self": links.link(&["pacticipants"]), "pb:pacticipants": listed, "pacticipants": listed },
        "_embedded": { "pacticipants": documents },
        // Clients look for them in either place.
        "pacticipants": documents,
    })))
}

pub(super) async fn create(
    State(served): State<Served>,
    links: Links,
    body: Result<Json<Described>, JsonRejection>,
) -> Result<(StatusCode, Hal), Failure> {
    let Json(body) = body.map_err(|error| Failure::invalid(error.body_text()))?;
    let name =
        body.name.as_deref().ok_or_else(|| Failure::invalid("`name` is missing: expected the pacticipant's name"))?;
    let made =
        served.store.describe_pacticipant(name, body.main_branch.as_deref(), body.repository_url.as_deref()).await?;
    Ok((StatusCode::CREATED, Hal(document(&served, &links, &made).await?)))
}

pub(super) async fn one(State(served): State<Served>, links: Links, Path(name): Path<String>) -> Answer {
    let pacticipant = served.store.pacticipant(&name).await?;
    Ok(Hal(document(&served, &links, &pacticipant).await?))
}

pub(super) async fn change(
    State(served): State<Served>,
    links: Links,
    Path(name): Path<String>,
    body: Result<Json<Described>, JsonRejection>,
) -> Answer {
    let Json(body) = body.map_err(|error| Failure::invalid(error.body_text()))?;
    served.store.pacticipant(&name).await?;
    let changed =
        served.store.describe_pacticipant(&name, body.main_branch.as_deref(), body.repository_url.as_deref()).await?;
    Ok(Hal(document(&served, &links, &changed).await?))
}

pub(super) async fn versions(State(served): State<Served>, links: Links, Path(name): Path<String>) -> Answer {
    served.store.pacticipant(&name).await?;
    let numbers = served.store.versions(&name).await?;
    let versions: Vec<Value> = numbers
        .iter()
        .map(|number| json!({ "number": number, "_links": { "self": links.version(&Version::new(&name, number)) } }))
        .collect();
    Ok(Hal(json!({
        "_links": { "self": links.link(&["pacticipants", &name, "versions"]) },
        "_embedded": { "versions": versions },
    })))
}

async fn version_document(served: &Served, links: &Links, version: &Version) -> Result<Value, Failure> {
    let Version { pacticipant, number } = version;
    let known = served.store.resolve(pacticipant, &Which::Number(number.clone())).await?;
    if known.is_empty() {
        return Err(Failure::not_found(format!(
            "nobody has heard of {version}: expected a version that published a pact or was verified"
        )));
    }
    let mine =
        |heads: Vec<(String, String)>| heads.into_iter().filter(|(_, head)| head == number).map(|(name, _)| name);
    let tags: Vec<Value> = mine(served.store.tags(pacticipant).await?).map(|tag| json!({ "name": tag })).collect();
    let branches: Vec<Value> = mine(served.store.branches(pacticipant).await?)
        .map(|branch| json!({ "name": branch, "latest": true }))
        .collect();
    let (mut deploy, mut release) = (Vec::new(), Vec::new());
    for environment in served.store.environments().await? {
        let to = |kind| ["pacticipants", pacticipant, "versions", number, kind, "environment", &environment.id];
        let title = format!("Record {version} in {}", environment.display_name);
        deploy.push(links.named(&environment.name, &title, &to("deployed-versions")));
        release.push(links.named(&environment.name, &title, &to("released-versions")));
    }
    Ok(json!({
        "number": number,
        "_embedded": { "tags": tags, "branchVersions": branches },
        "_links": {
            "self": links.version(version),
            "pb:pacticipant": links.pacticipant(pacticipant),
            "pb:record-deployment": deploy,
            "pb:record-release": release,
        },
    }))
}

pub(super) async fn version(
    State(served): State<Served>,
    links: Links,
    Path((name, number)): Path<(String, String)>,
) -> Answer {
    Ok(Hal(version_document(&served, &links, &Version::new(name, number)).await?))
}

pub(super) async fn put_version(
    State(served): State<Served>,
    links: Links,
    Path((name, number)): Path<(String, String)>,
) -> Answer {
    served.store.add_version(&name, &number).await?;
    Ok(Hal(version_document(&served, &links, &Version::new(name, number)).await?))
}

pub(super) async fn put_tag(
    State(served): State<Served>,
    links: Links,
    Path((name, number, tag)): Path<(String, String, String)>,
) -> Result<(StatusCode, Hal), Failure> {
    served.store.add_tag(&name, &number, &tag).await?;
    let version = Version::new(&name, &number);
    let parts = ["pacticipants", &name, "versions", &number, "tags", &tag];
    let links = json!({ "self": links.link(&parts), "version": links.version(&version), "pacticipant": links.pacticipant(&name) });
    Ok((StatusCode::CREATED, Hal(json!({ "name": tag, "_links": links }))))
}

/// A tag of a version.
pub(super) async fn tag(
    State(served): State<Served>,
    links: Links,
    Path((name, number, tag)): Path<(String, String, String)>,
) -> Answer {
    let marks = served.store.marks(&name).await?;
    if !marks.get(&number).is_some_and(|marks| marks.tags.contains(&tag)) {
        return Err(Failure::not_found(format!("{} has no tag `{tag}`", Version::new(name, number))));
    }
    let own = links.link(&["pacticipants", &name, "versions", &number, "tags", &tag]);
    Ok(Hal(json!({ "name": tag, "_links": { "self": own, "version": links.version(&Version::new(&name, &number)) } })))
}

/// A branch, with the version at its head.
pub(super) async fn branch(
    State(served): State<Served>,
    links: Links,
    Path((name, branch)): Path<(String, String)>,
) -> Answer {
    let heads = served.store.branches(&name).await?;
    let head = heads.into_iter().find(|(known, _)| *known == branch);
    let (_, number) = head.ok_or_else(|| Failure::not_found(format!("{name} has no branch `{branch}`")))?;
    let latest = links.version(&Version::new(&name, &number));
    let own = links.link(&["pacticipants", &name, "branches", &branch]);
    Ok(Hal(json!({ "name": branch, "_links": { "self": own, "pb:latest-version": latest } })))
}

pub(super) async fn put_branch(
    State(served): State<Served>,
    links: Links,
    Path((name, branch, number)): Path<(String, String, String)>,
) -> Result<(StatusCode, Hal), Failure> {
    served.store.add_to_branch(&name, &number, &branch).await?;
    let parts = ["pacticipants", &name, "branches", &branch, "versions", &number];
    let version = Version::new(&name, &number);
    let links = json!({ "self": links.link(&parts), "pb:pacticipant-version": links.version(&version) });
    Ok((StatusCode::CREATED, Hal(json!({ "name": branch, "_links": links }))))
}
