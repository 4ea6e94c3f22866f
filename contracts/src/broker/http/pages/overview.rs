//! The first page: who works with whom, whether it holds, and what is where.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::parts::{self, Known};
use super::shell;
use crate::broker::http::{Failure, Links, Served};
use crate::broker::{Environment, Placement, StoredPact, StoredVerification};

/// Most contracts that are listed.
const MOST: usize = 500;

/// Verifications of one content among which the main branch's is looked for.
const VERSIONS: usize = 200;

/// A pact with the last word on it.
type Line = (StoredPact, Option<StoredVerification>);

/// The page.
pub(in crate::broker::http) async fn overview(served: &Served, links: &Links) -> Result<Response, Failure> {
    let store = &served.store;
    let latest = store.latest_pacts().await?;
    let (all, mut lines) = (latest.len(), Vec::<Line>::new());
    let mut heard: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pact in latest.into_iter().take(MOST) {
        if !heard.contains_key(&pact.provider) {
            heard.insert(pact.provider.clone(), main_line(served, &pact.provider).await?);
        }
        let mut verifications = store.verdicts_of(&pact.content, VERSIONS).await?;
        let main = verifications.iter().position(|each| heard[&pact.provider].contains(&each.provider.number));
        let last = (!verifications.is_empty()).then(|| verifications.swap_remove(main.unwrap_or(0)));
        lines.push((pact, last));
    }
    // What needs somebody comes first.
    lines.sort_by_key(|(_, last)| match last {
        Some(last) if !last.success => 0,
        None => 1,
        Some(_) => 2,
    });
    let mut names: Vec<&str> =
        lines.iter().flat_map(|(pact, _)| [pact.consumer.pacticipant.as_str(), pact.provider.as_str()]).collect();
    names.sort_unstable();
    names.dedup();
    let known = Known::of(store, &names).await?;
    let (environments, placements) = (store.environments().await?, store.placements(None).await?);
    let body = html! {
        h1 { (sentence(&lines)) }
        @if lines.is_empty() { (beginning()) } @else {
            h2 { "Contracts" }
            p.muted {
                "The pact that each consumer published last, and what the provider’s main branch made of it last; where "
                "that has not verified it, whichever branch has."
            }
            div.panel { ul.rows { @for line in &lines { (row(links, &known, line)) } } }
            @if all > lines.len() {
                p.muted { (all - lines.len()) " more are not listed; programs get them from /pacts/latest." }
            }
        }
        @if !environments.is_empty() {
            h2 { "Environments" }
            (places(&environments, &placements))
        }
    };
    Ok(shell::page(links, StatusCode::OK, "Contract broker", &html! {}, &body))
}

/// Versions of the main branch.
async fn main_line(served: &Served, pacticipant: &str) -> Result<BTreeSet<String>, Failure> {
    let Some(main) = served.store.main_branch(pacticipant).await? else { return Ok(BTreeSet::new()) };
    let marks = served.store.marks(pacticipant).await?;
    Ok(marks.into_iter().filter(|(_, marks)| marks.branches.contains(&main)).map(|(number, _)| number).collect())
}

fn sentence(lines: &[Line]) -> String {
    let count = |success| lines.iter().filter(|(_, last)| last.as_ref().map(|last| last.success) == success).count();
    let (all, broken, unknown) = (lines.len(), count(Some(false)), count(None));
    if all == 0 {
        return "Nobody has published a contract yet".to_owned();
    }
    let rest = match (broken, unknown) {
        (0, 0) => {
            return if all == 1 {
                "The one contract is honoured".to_owned()
            } else {
                format!("All {all} contracts are honoured")
            };
        }
        (broken, 0) => format!("{broken} broken"),
        (0, unknown) => format!("{unknown} not verified yet"),
        (broken, unknown) => format!("{broken} broken, {unknown} not verified yet"),
    };
    format!("{all} {}: {rest}", if all == 1 { "contract" } else { "contracts" })
}

fn beginning() -> Markup {
    html! {
        div.panel {
            p { "A consumer publishes the pacts that its tests recorded:" }
            pre { "shakedown contract publish pacts/ --version COMMIT --branch BRANCH" }
            p { "and its providers verify them and publish what came of it:" }
            pre { "shakedown contract verify --from-broker --publish --provider-version COMMIT --branch BRANCH" }
        }
    }
}

fn row(links: &Links, known: &Known, (pact, last): &Line) -> Markup {
    let (consumer, provider) = (&pact.consumer, pact.provider.as_str());
    html! {
        li {
            (parts::verdict(last.as_ref().map(|last| last.success)))
            span.lead {
                a.name href=(parts::pact_address(links, provider, consumer)) {
                    (consumer.pacticipant) span.arrow { "→" } (provider)
                }
            }
            span.wide {
                span.label { "published " (parts::time(&pact.created_at)) }
                (known.version(&consumer.pacticipant, &consumer.number))
            }
            span.wide {
                @match last {
                    Some(last) => {
                        span.label { "verified " (parts::time(&last.created_at)) }
                        (known.version(provider, &last.provider.number))
                    }
                    None => { span.label { "by no version of " (provider) } }
                }
            }
            a.wide href=(parts::pair_address(links, provider, &consumer.pacticipant)) { "matrix" }
        }
    }
}

fn places(environments: &[Environment], placements: &[Placement]) -> Markup {
    let mut there: BTreeMap<&str, Vec<&Placement>> = BTreeMap::new();
    for placement in placements {
        there.entry(placement.environment.as_str()).or_default().push(placement);
    }
    html! {
        div.places {
            @for environment in environments {
                div.panel {
                    span.name { (environment.display_name) } " "
                    @if environment.production { span.chip.env { "production" } }
                    @match there.get(environment.name.as_str()) {
                        None => { p.muted { "Nothing is there." } }
                        Some(placements) => {
                            ul {
                                @for placement in placements {
                                    li {
                                        (placement.version.pacticipant) " " (parts::number(&placement.version.number))
                                        @if let Some(target) = &placement.target { " on " (target) }
                                        span.small.muted { " since " (parts::time(&placement.created_at)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
