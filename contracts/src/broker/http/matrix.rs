//! "Can I deploy?" in the broker's query language.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::hal::Hal;
use super::pages::{self, Reader};
use super::{Failure, Links, Served, verifications};
use crate::broker::{Question, Which};
use crate::gate::{Decision, Judgement, Place, Reason, Row, Version};

/// Most pacticipants in one question.
const MAX_SUBJECTS: usize = 100;

/// One `q[]` of a query: `q[][pacticipant]=order&q[][version]=1f3a9c`.
#[derive(Debug, Default)]
struct Part {
    pacticipant: String,
    which: Option<Which>,
    latest: bool,
}

/// The question that a query asks.
///
/// # Errors
/// What of it cannot be meant: a part that is not understood must not be left out in silence, because the answer would be
/// to another question.
fn question(pairs: &[(String, String)]) -> Result<Question, Failure> {
    let (mut parts, mut ignored) = (Vec::<Part>::new(), Vec::new());
    let (mut environment, mut tag, mut branch, mut main, mut latest) = (None, None, None, false, false);
    for (key, value) in pairs {
        let is = value == "true";
        if let Some(name) = key.strip_prefix("q[][").and_then(|rest| rest.strip_suffix(']')) {
            if name == "pacticipant" {
                parts.push(Part { pacticipant: value.clone(), ..Part::default() });
                continue;
            }
            let part = parts
                .last_mut()
                .ok_or_else(|| Failure::invalid(format!("`{key}` comes before any `q[][pacticipant]`")))?;
            match name {
                "version" => part.mean(Which::Number(value.clone()))?,
                "branch" => part.mean(Which::Branch(value.clone()))?,
                "tag" => part.mean(Which::Tagged(value.clone()))?,
                "environment" => part.mean(Which::Environment(value.clone()))?,
                "mainBranch" if is => part.mean(Which::MainBranch)?,
                "mainBranch" => {}
                "latest" => part.latest = is,
                _ => return Err(unknown(key)),
            }
            continue;
        }
        match key.as_str() {
            "ignore[][pacticipant]" => ignored.push(value.clone()),
            "ignore[][version]" => {
                return Err(Failure::invalid(
                    "`ignore[][version]` is not understood: expected pacticipants to ignore as a whole",
                ));
            }
            "environment" => environment = Some(value.clone()),
            "tag" => tag = Some(value.clone()),
            "branch" => branch = Some(value.clone()),
            "mainBranch" => main = is,
            "latest" => latest = is,
            // Every answer here has the last verification of each pact by each version.
            "latestby" | "limit" | "days" => {}
            _ => return Err(unknown(key)),
        }
    }
    if parts.len() > MAX_SUBJECTS {
        return Err(Failure::invalid(format!(
            "{} pacticipants are asked about: expected at most {MAX_SUBJECTS}",
            parts.len()
        )));
    }
    let places = [
        environment.map(Place::Environment),
        main.then_some(Place::MainBranch),
        tag.map(Place::Tag),
        branch.map(Place::Branch),
    ];
    let mut places = places.into_iter().flatten();
    let place = match places.next() {
        Some(place) => place,
        None if latest || parts.len() == 1 => Place::Latest,
        None => Place::Nowhere,
    };
    if let Some(other) = places.next() {
        return Err(Failure::invalid(format!("asked is about those {place} and those {other}: expected one place")));
    }
    let subjects = parts.into_iter().map(Part::subject).collect();
    Ok(Question { subjects, place, ignored })
}

fn unknown(key: &str) -> Failure {
    Failure::invalid(format!("`{key}` is not understood in a question to the matrix"))
}

impl Part {
    fn mean(&mut self, which: Which) -> Result<(), Failure> {
        match self.which.replace(which) {
            None => Ok(()),
            Some(_) => {
                let message =
                    format!("`{}` is asked about in two ways: expected one version, branch or tag", self.pacticipant);
                Err(Failure::invalid(message))
            }
        }
    }

    fn subject(self) -> (String, Which) {
        let which = match self.which {
            Some(Which::Tagged(tag)) if self.latest => Which::Tag(tag),
            Some(which) => which,
            None => Which::Latest,
        };
        (self.pacticipant, which)
    }
}

pub(super) async fn ask(
    State(served): State<Served>,
    links: Links,
    reader: Reader,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    if reader == Reader::Person && pairs.is_empty() {
        return pages::overview(&served, &links).await;
    }
    let question = question(&pairs)?;
    let judgement = served.store.can_i_deploy(&question).await?;
    Ok(match reader {
        Reader::Person => pages::answer(&links, &question, &judgement),
        Reader::Program => Hal(document(&links, &judgement)).into_response(),
    })
}

/// All versions of two against each other.
pub(super) async fn pair(
    State(served): State<Served>,
    links: Links,
    reader: Reader,
    Path((provider, consumer)): Path<(String, String)>,
) -> Result<Response, Failure> {
    if reader == Reader::Person {
        return pages::pair(&served, &links, &provider, &consumer).await;
    }
    let (pacts, verified) = pages::rows(&served, &provider, &consumer).await?;
    let mut lines = Vec::new();
    for pact in &pacts {
        let row = |provider_version: Option<&str>, success, verification| Row {
            consumer: pact.consumer.clone(),
            provider: provider.clone(),
            provider_version: provider_version.map(str::to_owned),
            content: pact.content.clone(),
            success,
            verification,
        };
        match verified.get(&pact.content).filter(|found| !found.is_empty()) {
            None => lines.push(line(&links, &row(None, None, None))),
            Some(found) => lines.extend(
                found
                    .iter()
                    .map(|each| line(&links, &row(Some(&each.provider.number), Some(each.success), Some(each.number)))),
            ),
        }
    }
    Ok(Hal(json!({ "matrix": lines })).into_response())
}

fn document(links: &Links, judgement: &Judgement) -> Value {
    let count = |success: Option<bool>| judgement.rows.iter().filter(|row| row.success == success).count();
    let deployable = match judgement.decision {
        Decision::Yes => Some(true),
        Decision::No => Some(false),
        Decision::Unknown => None,
    };
    let sentences: Vec<String> = judgement.reasons.iter().map(ToString::to_string).collect();
    let notices: Vec<Value> = judgement
        .reasons
        .iter()
        .map(|reason| {
            let kind = match reason {
                reason if reason.is_refusal() => "error",
                reason if reason.is_ignorance() => "danger",
                Reason::Ignored { .. } => "warning",
                _ => "success",
            };
            json!({ "type": kind, "text": reason.to_string() })
        })
        .collect();
    json!({
        "summary": {
            "deployable": deployable,
            "reason": sentences.join("\n"),
            "success": count(Some(true)),
            "failed": count(Some(false)),
            "unknown": count(None),
        },
        "notices": notices,
        "matrix": judgement.rows.iter().map(|row| line(links, row)).collect::<Vec<_>>(),
    })
}

fn line(links: &Links, row: &Row) -> Value {
    let Row { consumer, provider, provider_version, content, success, verification } = row;
    let side = |version: &Version| {
        let number = json!({ "number": version.number, "_links": { "self": links.version(version) } });
        json!({
            "name": version.pacticipant,
            "version": number,
            "_links": { "self": links.pacticipant(&version.pacticipant) },
        })
    };
    let provider_side = match provider_version {
        Some(number) => side(&Version::new(provider, number)),
        None => json!({ "name": provider, "version": null, "_links": { "self": links.pacticipant(provider) } }),
    };
    let result = verification.map(|number| {
        json!({
            "success": success,
            "_links": { "self": verifications::link(links, provider, &consumer.pacticipant, content, number) },
        })
    });
    let pact = ["pacts", "provider", provider, "consumer", &consumer.pacticipant, "pact-version", content];
    json!({
        "consumer": side(consumer),
        "provider": provider_side,
        "pact": { "_links": { "self": links.link(&pact) } },
        "verificationResult": result,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Question, String> {
        let pairs: Vec<(String, String)> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                pair.split_once('=')
                    .map_or((pair.to_owned(), String::new()), |(key, value)| (key.to_owned(), value.to_owned()))
            })
            .collect();
        question(&pairs).map_err(|failure| failure.message().to_owned())
    }

    #[test]
    fn queries_of_the_official_client_are_understood() {
        let one = |which, place| Question { subjects: vec![("order".to_owned(), which)], place, ignored: vec![] };
        let number = || Which::Number("1".to_owned());
        for (query, expected) in [
            (
                "q[][pacticipant]=order&q[][version]=1&latestby=cvpv&environment=production",
                one(number(), Place::Environment("production".to_owned())),
            ),
            ("q[][pacticipant]=order&q[][version]=1&latestby=cvp&latest=true", one(number(), Place::Latest)),
            (
                "q[][pacticipant]=order&q[][version]=1&latestby=cvp&latest=true&mainBranch=true",
                one(number(), Place::MainBranch),
            ),
            (
                "q[][pacticipant]=order&q[][latest]=true&q[][tag]=dev&tag=prod&latestby=cvp&latest=true",
                one(Which::Tag("dev".to_owned()), Place::Tag("prod".to_owned())),
            ),
            (
                "q[][pacticipant]=order&q[][mainBranch]=true&latestby=cvp&latest=true",
                one(Which::MainBranch, Place::Latest),
            ),
        ] {
            assert_eq!(asked(query), Ok(expected), "{query}");
        }
        let two = asked(
            "q[][pacticipant]=a&q[][version]=1&q[][pacticipant]=b&q[][version]=2&ignore[][pacticipant]=c&latestby=cvpv",
        );
        let two = two.unwrap();
        assert_eq!((two.subjects.len(), two.place, two.ignored), (2, Place::Nowhere, vec!["c".to_owned()]));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for query in [
            "q[][colour]=red",
            "q[][pacticipant]=a&q[][colour]=red",
            "enviroment=production",
            "ignore[][version]=1",
            "q[][pacticipant]=a&q[][version]=1&q[][branch]=b",
            "q[][pacticipant]=a&q[][tag]=b&q[][tag]=c",
            "q[][pacticipant]=a&environment=production&tag=prod",
            "q[][pacticipant]=a&environment=production&mainBranch=true",
        ] {
            assert!(asked(query).is_err(), "{query}");
        }
    }
}
