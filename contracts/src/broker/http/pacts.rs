//! Pacts, as they were published, with the links that a verifier follows.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::hal::Hal;
use super::pages::{self, Reader};
use super::{Failure, Links, Served};
use crate::broker::StoredPact;
use crate::canonical;
use crate::gate::Version;

type Answer = Result<Hal, Failure>;

async fn answer(served: &Served, links: &Links, reader: Reader, pact: &StoredPact) -> Result<Response, Failure> {
    match reader {
        Reader::Person => pages::pact(served, links, pact).await,
        Reader::Program => Ok(Hal(document(served, links, pact).await?).into_response()),
    }
}

/// The pact, each interaction with an identity, so that results can be told apart.
async fn document(served: &Served, links: &Links, pact: &StoredPact) -> Result<Value, Failure> {
    let mut document = served.store.content(&pact.content).await?;
    for key in ["interactions", "messages"] {
        for interaction in document.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            let id = canonical::interaction_hash(&pact.consumer.pacticipant, &pact.provider, interaction);
            if let Some(members) = interaction.as_object_mut() {
                members.insert("_id".to_owned(), json!(id));
            }
        }
    }
    let content = Links::content(pact);
    let results: Vec<&str> = content.into_iter().chain(["verification-results"]).collect();
    let own =
        ["pacts", "provider", &pact.provider, "consumer", &pact.consumer.pacticipant, "version", &pact.consumer.number];
    document["createdAt"] = json!(pact.created_at);
    document["_links"] = json!({
        "self": links.named(&format!("Pact between {} and {}", pact.consumer, pact.provider), "Pact", &own),
        "pb:consumer": links.pacticipant(&pact.consumer.pacticipant),
        "pb:consumer-version": links.version(&pact.consumer),
        "pb:provider": links.pacticipant(&pact.provider),
        "pb:pact-version": links.pact(pact),
        "pb:publish-verification-results": links.link(&results),
    });
    Ok(document)
}

pub(super) async fn of_version(
    State(served): State<Served>,
    links: Links,
    reader: Reader,
    Path((provider, consumer, number)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let pact = served.store.pact(&Version::new(consumer, number), &provider).await?;
    answer(&served, &links, reader, &pact).await
}

pub(super) async fn by_content(
    State(served): State<Served>,
    links: Links,
    reader: Reader,
    Path((provider, consumer, content)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let pact = served.store.pact_by_content(&provider, &consumer, &content).await?;
    answer(&served, &links, reader, &pact).await
}

fn listed(links: &Links, pacts: &[StoredPact], at: &[&str]) -> Hal {
    let links_of: Vec<Value> = pacts.iter().map(|pact| links.pact(pact)).collect();
    let documents: Vec<Value> = pacts
        .iter()
        .map(|pact| {
            let version =
                json!({ "number": pact.consumer.number, "_links": { "self": links.version(&pact.consumer) } });
            json!({
                "createdAt": pact.created_at,
                "_embedded": {
                    "consumer": { "name": pact.consumer.pacticipant, "_embedded": { "version": version } },
                    "provider": { "name": pact.provider },
                },
                "_links": { "self": [links.pact(pact)] },
            })
        })
        .collect();
    Hal(json!({ "_links": { "self": links.link(at), "pb:pacts": links_of, "pacts": links_of }, "pacts": documents }))
}

pub(super) async fn latest(State(served): State<Served>, links: Links) -> Answer {
    Ok(listed(&links, &served.store.latest_pacts().await?, &["pacts", "latest"]))
}

pub(super) async fn latest_of_provider(
    State(served): State<Served>,
    links: Links,
    Path(provider): Path<String>,
) -> Answer {
    let mut pacts = served.store.latest_pacts().await?;
    pacts.retain(|pact| pact.provider == provider);
    Ok(listed(&links, &pacts, &["pacts", "provider", &provider, "latest"]))
}
