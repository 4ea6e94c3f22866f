//! Changes of the marketplace's own documents, weighed by its committed pacts.

use std::path::{Path, PathBuf};

use contracts::diff::{Finding, Level, Usage, diff};
use contracts::document::Document;
use contracts::store::load_dir;
use serde_json::{Value, json};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What is found when a document of a provider is changed so.
fn changed(kind: &str, provider: &str, change: impl Fn(&mut Value)) -> Vec<Finding> {
    let path = file(kind).join(format!("{provider}.json"));
    let mut document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let before = Document::from_value(&path, document.clone()).unwrap();
    change(&mut document);
    let after = Document::from_value(&path, document).unwrap();
    diff(&before, &after, &Usage::of(&load_dir(&file("pacts")).unwrap(), provider))
}

fn remove(document: &mut Value, pointer: &str, key: &str) {
    let parent = document.pointer_mut(pointer).unwrap();
    assert!(parent.as_object_mut().unwrap().remove(key).is_some(), "{pointer} has no {key}");
}

#[test]
fn a_document_does_not_differ_from_itself() {
    for (kind, providers) in [
        ("openapi", &["auth", "chat", "gateway", "gig", "notification", "order", "review", "users"][..]),
        ("asyncapi", &["auth", "chat", "gig", "order", "review", "users"]),
    ] {
        for provider in providers {
            assert_eq!(changed(kind, provider, |_| {}), [], "{kind} {provider}");
        }
    }
}

#[test]
fn a_field_that_the_gateway_reads_must_stay() {
    let findings =
        changed("openapi", "review", |document| remove(document, "/components/schemas/Review/properties", "rating"));
    let reading = findings.iter().find(|finding| finding.place.starts_with("GET /api/v1/review/gig/")).unwrap();
    assert_eq!((reading.level, reading.rule), (Level::Error, "response-property-removed"));
    assert!(reading.place.ends_with("response 200 `$.reviews[*].rating`"), "{}", reading.place);
    assert!(
        reading
            .used_by
            .iter()
            .any(|user| user.consumer == "gateway" && user.description == "reading the reviews of a gig")
    );
}

#[test]
fn a_payload_that_users_hears_must_stay() {
    let findings = changed("asyncapi", "review", |document| {
        remove(document, "/components/schemas/ReviewSubmitted/properties", "rating")
    });
    assert_eq!(findings.len(), 1);
    assert_eq!(
        (findings[0].level, findings[0].place.as_str()),
        (Level::Error, "review.submitted.v1: payload `$.rating`")
    );
    assert!(findings[0].used_by.iter().any(|user| user.consumer == "users"));
}

#[test]
fn what_is_added_breaks_nobody() {
    let findings = changed("asyncapi", "review", |document| {
        document["components"]["schemas"]["ReviewSubmitted"]["properties"]["language"] = json!({ "type": "string" });
    });
    assert_eq!(findings, []);
}
