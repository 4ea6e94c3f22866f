//! Pacts that the official libraries recorded, verified here.

use std::path::Path;

use contracts::result::{Verdict, VerificationResult};
use contracts::store::{Pact, load_dir};
use serde_json::json;

use crate::cli::{Done, pact_js, pact_python};
use crate::orders::{Flaw, Orders};

/// Versions of the specification that have what a flaw touches.
const ALL: &[&str] = &["V2", "V3", "V4"];
const SINCE_3: &[&str] = &["V3", "V4"];
const SINCE_4: &[&str] = &["V4"];

/// Everything that can be wrong, what fails then, and in pacts of which versions.
fn flaws() -> Vec<(Flaw, &'static str, &'static [&'static str])> {
    let reading = "reading an order";
    let order = |member, value, versions| (Flaw::Order(member, value), reading, versions);
    vec![
        order("total", json!("twelve"), ALL),
        order("currency", json!("eur"), ALL),
        order("lines", json!([]), ALL),
        order("lines", json!([{ "title": 5 }]), ALL),
        order("rate", json!("1.5"), SINCE_3),
        order("weight", json!("3"), SINCE_3),
        order("open", json!("yes"), SINCE_3),
        order("note", json!("still open"), SINCE_3),
        order("coupon", json!(5), SINCE_3),
        order("created", json!("yesterday"), SINCE_3),
        order("day", json!("2026-13-45"), SINCE_3),
        order("trace", json!("none"), SINCE_3),
        order("tags", json!(["first"]), SINCE_4),
        order("prices", json!({ "USD": "free" }), SINCE_4),
        order("by_code", json!({ "lower": 1 }), SINCE_4),
        (Flaw::Page("one"), reading, ALL),
        (Flaw::State, reading, SINCE_3),
        (Flaw::Created(200), "creating an order", ALL),
        (Flaw::Prices("<prices><cost>1200</cost></prices>"), "the price list", ALL),
        (Flaw::Message("total", json!("three")), "an order was paid", SINCE_3),
        (Flaw::Metadata("id", "x"), "an order was paid", SINCE_3),
        (Flaw::Metadata("type", "shop.order-paid.v2"), "an order was paid", SINCE_3),
    ]
}

#[tokio::test]
async fn pacts_recorded_by_pact_python_are_verified_and_each_flaw_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let pacts = recorded(pact_python(dir.path()).await, dir.path());
    judge(&pacts).await;
}

#[tokio::test]
async fn pacts_recorded_by_pact_js_are_verified_and_each_flaw_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let pacts = recorded(pact_js(dir.path()).await, dir.path());
    judge(&pacts).await;
}

fn recorded(done: Done, directory: &Path) -> Vec<Pact> {
    done.well();
    let pacts = load_dir(directory).unwrap();
    assert_eq!(pacts.len(), 5, "three versions over HTTP, two of messages");
    pacts
}

async fn judge(pacts: &[Pact]) {
    let orders = Orders::start().await;
    let right = orders.verify(pacts, Flaw::Nothing).await;
    assert_eq!((right.verdict, right.expected, right.verified), (Verdict::Pass, 11, 11), "{:#?}", failed(&right));
    for (flaw, fails, versions) in flaws() {
        let result = orders.verify(pacts, flaw.clone()).await;
        let expected: Vec<String> = versions.iter().map(|version| format!("{fails} in {version}")).collect();
        let mut found: Vec<String> = failed(&result).into_iter().map(|(description, _)| description).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{flaw:?}: {:#?}", failed(&result));
    }
}

/// Descriptions of what failed, with the reasons.
fn failed(result: &VerificationResult) -> Vec<(String, Vec<String>)> {
    let failed = result.interactions.iter().filter(|each| each.verdict != Verdict::Pass);
    failed.map(|each| (each.description.clone(), each.mismatches.iter().map(ToString::to_string).collect())).collect()
}
