//! "Can I deploy?", answered to a person.

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::{parts, shell};
use crate::broker::Question;
use crate::broker::http::Links;
use crate::gate::{Decision, Judgement, Reason, Row, Version};

/// The page.
pub(in crate::broker::http) fn answer(links: &Links, question: &Question, judgement: &Judgement) -> Response {
    let names: Vec<&str> = question.subjects.iter().map(|(name, _)| name.as_str()).collect();
    let who = names.join(", ");
    let sentence = match judgement.decision {
        Decision::Yes => format!("Yes, {who} may go"),
        Decision::No => format!("No, {who} may not go"),
        Decision::Unknown => format!("No, {who} may not go: not all is known"),
    };
    let body = html! {
        h1 { (sentence) }
        div.panel {
            ul.reasons {
                @for reason in &judgement.reasons { li { (weight(reason)) span { (reason.to_string()) "." } } }
            }
        }
        @if !judgement.rows.is_empty() {
            h2 { "What is required" }
            div.panel.pair { ul.rows { @for each in &judgement.rows { (row(links, each)) } } }
        }
    };
    shell::page(links, StatusCode::OK, &sentence, &html! { span { "can I deploy?" } }, &body)
}

fn weight(reason: &Reason) -> Markup {
    let (class, word) = match reason {
        reason if reason.is_refusal() => ("verdict fail", "no"),
        reason if reason.is_ignorance() => ("verdict invalid", "unknown"),
        _ => ("verdict pass", "yes"),
    };
    html! { span class=(class) { (word) } }
}

fn row(links: &Links, row: &Row) -> Markup {
    let Row { consumer, provider, provider_version, success, .. } = row;
    let side = |version: &Version| {
        html! { span.label { (version.pacticipant) } (parts::number(&version.number)) }
    };
    html! {
        li {
            (parts::verdict(*success))
            span.lead { (side(consumer)) }
            span.wide {
                @match provider_version {
                    Some(number) => (side(&Version::new(provider, number))),
                    None => { span.label { (provider) } span.muted { "no version" } }
                }
            }
            a.wide href=(parts::pair_address(links, provider, &consumer.pacticipant)) { "matrix" }
            a.wide href=(parts::pact_address(links, provider, consumer)) { "pact" }
        }
    }
}
