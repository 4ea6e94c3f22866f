//! A pact: what one expects of the other, and who has honoured it.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::interaction::{Shown, interaction};
use super::parts::{self, Known};
use super::shell;
use crate::broker::http::{Failure, Links, Served};
use crate::broker::store::interactions;
use crate::broker::{StoredPact, StoredVerification};
use crate::canonical;

/// Most interactions, and most verifications, that are shown.
const MOST: usize = 200;

/// Most failed verifications that are explained.
const EXPLAINED: usize = 10;

/// The page.
pub(in crate::broker::http) async fn pact(
    served: &Served,
    links: &Links,
    pact: &StoredPact,
) -> Result<Response, Failure> {
    let (consumer, provider) = (pact.consumer.pacticipant.as_str(), pact.provider.as_str());
    let document = served.store.content(&pact.content).await?;
    let mut verifications = served.store.verdicts_of(&pact.content, MOST).await?;
    // What verifiers said may be long: of the last one, and of those that explain a failure.
    let mut told = 0;
    for (index, each) in verifications.iter_mut().enumerate() {
        if index == 0 || (!each.success && told < EXPLAINED) {
            *each = served.store.verification(each.number).await?;
            told += 1;
        }
    }
    let known = Known::of(&served.store, &[consumer, provider]).await?;
    let said = verifications.first().map(said).unwrap_or_default();
    let all = interactions(&document);
    let shown: Vec<Shown<'_>> = all
        .iter()
        .take(MOST)
        .enumerate()
        .map(|(index, each)| {
            let id = canonical::interaction_hash(consumer, provider, each);
            Shown { number: index + 1, document: each, held: said.get(&id).copied() }
        })
        .collect();
    let body = html! {
        h1 { "What " (consumer) " expects of " (provider) }
        p {
            (known.version(consumer, &pact.consumer.number))
            span.muted { "published " (parts::time(&pact.created_at)) ", content " (parts::number(&pact.content)) }
        }
        h2 { "Verified" }
        (verified(&known, provider, &verifications))
        h2 { (all.len()) @if all.len() == 1 { " interaction" } @else { " interactions" } }
        @if shown.len() > 1 {
            div.panel { ul.toc { @for each in &shown { (entry(each, !said.is_empty())) } } }
        }
        @for each in &shown { (interaction(each)) }
        @if all.len() > shown.len() {
            p.muted { (all.len() - shown.len()) " more are not shown; programs get all of them from this address." }
        }
    };
    let way = html! {
        span { a href=(parts::pair_address(links, provider, consumer)) { (consumer) " → " (provider) } }
    };
    Ok(shell::page(links, StatusCode::OK, &format!("{} and {provider}", pact.consumer), &way, &body))
}

/// What the last verification says of each interaction, by identity.
fn said(last: &StoredVerification) -> BTreeMap<String, bool> {
    let tests = last.results["testResults"].as_array().map_or(&[][..], Vec::as_slice);
    let read = |test: &Value| Some((test["interactionId"].as_str()?.to_owned(), test["success"].as_bool()?));
    tests.iter().filter_map(read).collect()
}

fn entry(shown: &Shown<'_>, verified: bool) -> Markup {
    html! {
        li {
            @if verified { (parts::verdict(shown.held)) }
            a href=(format!("#{}", shown.number)) { (shown.description()) }
        }
    }
}

fn verified(known: &Known, provider: &str, verifications: &[StoredVerification]) -> Markup {
    html! {
        div.panel {
            @if verifications.is_empty() { p.muted { "No version of " (provider) " has verified this yet." } }
            @else {
                ul.rows {
                    @for each in verifications {
                        li {
                            (parts::verdict(Some(each.success)))
                            span.lead { (known.version(provider, &each.provider.number)) }
                            span.wide { (parts::time(&each.created_at)) }
                            span.wide.muted { @if let Some(by) = &each.verified_by { "by " (by) } }
                            span.wide { @if let Some(url) = &each.build_url { (parts::outside(url, "build")) } }
                            @if !each.success && !each.results.is_null() { div.wide.why { (why(each)) } }
                        }
                    }
                }
            }
        }
    }
}

fn why(verification: &StoredVerification) -> Markup {
    let failures = parts::failures(verification);
    html! {
        details open[failures.len() == 1] {
            summary.line { (failures.len()) @if failures.len() == 1 { " interaction failed" } @else { " interactions failed" } }
            @for (name, sentences) in failures.iter().take(MOST) {
                p.name { (name) }
                ul.mismatches { @for sentence in sentences.iter().take(50) { li { (canonical::shorten(sentence, 2000)) } } }
            }
        }
    }
}
