//! Publishing pacts.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::hal::Hal;
use super::{Failure, Links, Served};
use crate::broker::Publication;
use crate::gate::Version;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sent {
    pacticipant_name: String,
    pacticipant_version_number: String,
    #[serde(default)]
    branch: Option<String>,
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    build_url: Option<String>,
    contracts: Vec<Contract>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contract {
    consumer_name: String,
    provider_name: String,
    specification: String,
    content_type: String,
    content: String,
}

pub(super) async fn publish(
    State(served): State<Served>,
    links: Links,
    sent: Result<Json<Sent>, JsonRejection>,
) -> Result<Hal, Failure> {
    let Json(sent) = sent.map_err(|error| Failure::invalid(error.body_text()))?;
    let mut pacts = Vec::with_capacity(sent.contracts.len());
    for Contract { consumer_name, provider_name, specification, content_type, content } in &sent.contracts {
        if specification != "pact" || content_type != "application/json" {
            let message =
                format!("a contract is `{specification}` as `{content_type}`: expected `pact` as `application/json`");
            return Err(Failure::invalid(message));
        }
        if *consumer_name != sent.pacticipant_name {
            let message = format!("a contract of `{consumer_name}` was sent as one of `{}`", sent.pacticipant_name);
            return Err(Failure::invalid(message));
        }
        let bytes = BASE64_STANDARD
            .decode(content)
            .map_err(|error| Failure::invalid(format!("the contract with `{provider_name}` is not base64: {error}")))?;
        pacts.push(bytes);
    }
    let publication = Publication {
        consumer: sent.pacticipant_name.clone(),
        version: sent.pacticipant_version_number.clone(),
        branch: sent.branch.clone(),
        tags: sent.tags.clone().unwrap_or_default(),
        build_url: sent.build_url.clone(),
        pacts,
    };
    let published = served.store.publish(&publication).await?;
    let version = Version::new(&sent.pacticipant_name, &sent.pacticipant_version_number);
    let mut notices = Vec::new();
    let mut contracts = Vec::new();
    for each in &published {
        let what = match (each.repeated, each.known) {
            (true, _) => "had been published by this version already",
            (false, true) => "is the same as an earlier version's, so its verifications count",
            (false, false) => "is new: its provider has to verify it",
        };
        let text = format!("The pact of {version} with {} {what}", each.provider);
        notices.push(json!({ "type": if each.known { "info" } else { "success" }, "text": text }));
        let parts = ["pacts", "provider", &each.provider, "consumer", &version.pacticipant, "version", &version.number];
        contracts.push(links.named(&format!("Pact between {version} and {}", each.provider), "Pact", &parts));
    }
    let tags: Vec<_> = publication
        .tags
        .iter()
        .map(|tag| {
            let parts = ["pacticipants", &version.pacticipant, "versions", &version.number, "tags", tag];
            links.named(tag, "Tag", &parts)
        })
        .collect();
    Ok(Hal(json!({
        "notices": notices,
        // For our own client, which would have to read the notices otherwise.
        "published": published
            .iter()
            .map(|each| json!({ "provider": each.provider, "content": each.content, "new": !each.known }))
            .collect::<Vec<_>>(),
        // What older clients read instead of the notices, which are enough.
        "logs": [],
        "_embedded": {
            "pacticipant": { "name": version.pacticipant, "_links": { "self": links.pacticipant(&version.pacticipant) } },
            "version": { "number": version.number, "_links": { "self": links.version(&version) } },
        },
        "_links": {
            "pb:pacticipant": links.pacticipant(&version.pacticipant),
            "pb:pacticipant-version": links.version(&version),
            "pb:pacticipant-version-tags": tags,
            "pb:contracts": contracts,
        },
    })))
}
