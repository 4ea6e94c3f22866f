//! What to verify, and what came of it.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::hal::Hal;
use super::{Failure, Links, Served};
use crate::broker::{BrokerError, ForVerification, PactToVerify, StoredPact, StoredVerification, Verification};

/// Verifiers follow the link before they send what they want.
pub(super) async fn latest(
    State(served): State<Served>,
    links: Links,
    Path(provider): Path<String>,
) -> Result<Hal, Failure> {
    listed(&served, &links, &provider, &ForVerification::default()).await
}

pub(super) async fn for_verification(
    State(served): State<Served>,
    links: Links,
    Path(provider): Path<String>,
    asked: Result<Json<ForVerification>, JsonRejection>,
) -> Result<Hal, Failure> {
    let Json(asked) = asked.map_err(|error| Failure::invalid(error.body_text()))?;
    listed(&served, &links, &provider, &asked).await
}

async fn listed(served: &Served, links: &Links, provider: &str, asked: &ForVerification) -> Result<Hal, Failure> {
    let pacts = served.store.for_verification(provider, asked).await.map_err(|error| match error {
        // The provider may be unknown and the answer empty; what is missing is something that the question names.
        BrokerError::NotFound(reason) => Failure::invalid(reason),
        error => error.into(),
    })?;
    let documents: Vec<Value> = pacts.iter().map(|each| to_verify(links, each, asked.include_pending_status)).collect();
    Ok(Hal(json!({
        "_embedded": { "pacts": documents },
        "_links": { "self": links.link(&["pacts", "provider", provider, "for-verification"]) },
    })))
}

fn to_verify(links: &Links, each: &PactToVerify, with_pending: bool) -> Value {
    let PactToVerify { pact, because, pending, wip } = each;
    let text = format!("The pact of {} is verified because {}", pact.consumer, because.join(" and "));
    let mut notices = vec![json!({ "when": "before_verification", "text": text })];
    if *pending {
        let text = format!(
            "{} has not honoured this pact yet: should it fail, {} does not fail",
            pact.provider, pact.provider
        );
        notices.push(json!({ "when": "before_verification", "text": text }));
    }
    let mut properties = json!({ "notices": notices });
    if with_pending {
        properties["pending"] = json!(pending);
    }
    if *wip {
        properties["wip"] = json!(true);
    }
    json!({
        "shortDescription": because.first(),
        "verificationProperties": properties,
        "_links": { "self": links.pact(pact) },
    })
}

/// A result as the verifiers send it.
fn parse(sent: &Value) -> Result<Verification, Failure> {
    let text = |name: &str| sent[name].as_str().map(str::to_owned);
    let provider_version = text("providerApplicationVersion").or_else(|| text("providerVersion")).ok_or_else(|| {
        Failure::invalid(
            "`providerApplicationVersion` is missing: expected the version of the provider that was verified",
        )
    })?;
    let success =
        sent["success"].as_bool().ok_or_else(|| Failure::invalid("`success` is missing: expected true or false"))?;
    let verified_by = sent.pointer("/verifiedBy/implementation").and_then(Value::as_str).map(str::to_owned);
    Ok(Verification { provider_version, success, results: sent.clone(), build_url: text("buildUrl"), verified_by })
}

fn at(provider: &str, consumer: &str, content: &str, number: i64) -> [String; 9] {
    let number = number.to_string();
    ["pacts", "provider", provider, "consumer", consumer, "pact-version", content, "verification-results", &number]
        .map(str::to_owned)
}

/// The link of a result.
pub(super) fn link(links: &Links, provider: &str, consumer: &str, content: &str, number: i64) -> Value {
    let parts = at(provider, consumer, content, number);
    links.link(&parts.each_ref().map(String::as_str))
}

fn document(links: &Links, stored: &StoredVerification) -> Value {
    let StoredVerification { number, content, consumer, provider, success, results, .. } = stored;
    let pact = StoredPact {
        consumer: consumer.clone(),
        provider: provider.pacticipant.clone(),
        content: content.clone(),
        created_at: stored.created_at.clone(),
    };
    json!({
        "success": success,
        "providerApplicationVersion": provider.number,
        "testResults": results["testResults"],
        "buildUrl": stored.build_url,
        "verifiedBy": { "implementation": stored.verified_by },
        "verificationDate": stored.created_at,
        "_links": {
            "self": link(links, &provider.pacticipant, &consumer.pacticipant, content, *number),
            "pb:pact-version": links.pact(&pact),
            "pb:provider-version": links.version(provider),
        },
    })
}

pub(super) async fn record(
    State(served): State<Served>,
    links: Links,
    Path((provider, consumer, content)): Path<(String, String, String)>,
    sent: Result<Json<Value>, JsonRejection>,
) -> Result<(StatusCode, Hal), Failure> {
    let Json(sent) = sent.map_err(|error| Failure::invalid(error.body_text()))?;
    let stored = served.store.record_verification(&provider, &consumer, &content, &parse(&sent)?).await?;
    Ok((StatusCode::CREATED, Hal(document(&links, &stored))))
}

pub(super) async fn one(
    State(served): State<Served>,
    links: Links,
    Path((provider, consumer, content, number)): Path<(String, String, String, i64)>,
) -> Result<Hal, Failure> {
    let stored = served.store.verification(number).await?;
    let belongs =
        stored.provider.pacticipant == provider && stored.consumer.pacticipant == consumer && stored.content == content;
    if !belongs {
        return Err(Failure::not_found(format!("verification {number} is of another pact")));
    }
    Ok(Hal(document(&links, &stored)))
}
