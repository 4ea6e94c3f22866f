//! Two who work together: every version of the one against every version of the other.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::parts::{self, Known};
use super::shell;
use crate::broker::http::{Failure, Links, Served};
use crate::broker::{StoredPact, StoredVerification};

/// Most versions of the consumer that are shown.
pub(in crate::broker::http) const MOST: usize = 100;

/// The page.
pub(in crate::broker::http) async fn pair(
    served: &Served,
    links: &Links,
    provider: &str,
    consumer: &str,
) -> Result<Response, Failure> {
    let (pacts, verified) = rows(served, provider, consumer).await?;
    let known = Known::of(&served.store, &[consumer, provider]).await?;
    let title = format!("{consumer} and {provider}");
    let body = html! {
        h1 { (consumer) span.arrow { "→" } (provider) }
        p.muted {
            "Each version of " (consumer) " that published a pact, the latest first, with each version of " (provider)
            " that verified what it says. Versions that expect the same share their verifications."
        }
        div.panel.pair {
            ul.rows {
                @for pact in &pacts {
                    @match verified.get(&pact.content).filter(|found| !found.is_empty()) {
                        None => (row(links, &known, pact, None)),
                        Some(found) => { @for each in found { (row(links, &known, pact, Some(each))) } }
                    }
                }
            }
        }
        @if pacts.len() == MOST { p.muted { "Only the latest " (MOST) " versions are shown." } }
    };
    Ok(shell::page(links, StatusCode::OK, &title, &html! { span { "matrix" } }, &body))
}

/// Pacts of the pair, the latest first, and who verified their contents.
pub(in crate::broker::http) async fn rows(
    served: &Served,
    provider: &str,
    consumer: &str,
) -> Result<(Vec<StoredPact>, BTreeMap<String, Vec<StoredVerification>>), Failure> {
    let pacts = served.store.pacts_between(consumer, provider, MOST).await?;
    if pacts.is_empty() {
        return Err(Failure::not_found(format!("`{consumer}` has published no pact with `{provider}`")));
    }
    let mut verified = BTreeMap::new();
    for pact in &pacts {
        if !verified.contains_key(&pact.content) {
            verified.insert(pact.content.clone(), served.store.verdicts_of(&pact.content, MOST).await?);
        }
    }
    Ok((pacts, verified))
}

fn row(links: &Links, known: &Known, pact: &StoredPact, verification: Option<&StoredVerification>) -> Markup {
    html! {
        li {
            (parts::verdict(verification.map(|each| each.success)))
            span.lead {
                span.label { (pact.consumer.pacticipant) }
                (known.version(&pact.consumer.pacticipant, &pact.consumer.number))
            }
            span.wide {
                span.label { (pact.provider) }
                @match verification {
                    Some(each) => (known.version(&pact.provider, &each.provider.number)),
                    None => { span.muted { "no version" } }
                }
            }
            span.wide {
                @match verification {
                    Some(each) => {
                        span.label { "verified" @if let Some(by) = &each.verified_by { " by " (by) } }
                        (parts::time(&each.created_at))
                    }
                    None => { span.label { "published" } (parts::time(&pact.created_at)) }
                }
            }
            a.wide href=(parts::pact_address(links, &pact.provider, &pact.consumer)) { "pact" }
        }
    }
}
