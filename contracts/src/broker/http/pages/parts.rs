//! Small pieces that several pages are made of.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::broker::http::{Failure, Links};
use crate::broker::{Marks, Store, StoredVerification};
use crate::gate::Version;

/// What a verification says, or that there is none.
pub(super) fn verdict(success: Option<bool>) -> Markup {
    let (class, word) = match success {
        Some(true) => ("verdict pass", "honoured"),
        Some(false) => ("verdict fail", "broken"),
        None => ("verdict waiting", "unverified"),
    };
    html! { span class=(class) { (word) } }
}

/// A time as it is stored, to the minute.
pub(super) fn time(stored: &str) -> Markup {
    let short = stored.get(..16).map_or_else(|| stored.to_owned(), |start| start.replace('T', " "));
    html! { time datetime=(stored) { (short) } }
}

/// A version, which may be a long hash.
pub(super) fn number(number: &str) -> Markup {
    let hash = number.len() > 12 && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    html! { code title=(number) { @if hash { (&number[..10]) "…" } @else { (number) } } }
}

/// Branches and tags of versions, and where they are.
pub(super) struct Known {
    marks: BTreeMap<String, BTreeMap<String, Marks>>,
    places: BTreeMap<Version, Vec<String>>,
}

impl Known {
    /// What is known of the versions of these pacticipants.
    pub(super) async fn of(store: &Store, pacticipants: &[&str]) -> Result<Self, Failure> {
        let mut marks = BTreeMap::new();
        for name in pacticipants {
            marks.insert((*name).to_owned(), store.marks(name).await?);
        }
        let mut places: BTreeMap<Version, Vec<String>> = BTreeMap::new();
        for placement in store.placements(None).await? {
            let there = places.entry(placement.version).or_default();
            if !there.contains(&placement.environment) {
                there.push(placement.environment);
            }
        }
        Ok(Self { marks, places })
    }

    /// A version with its branches, its tags and where it is.
    pub(super) fn version(&self, pacticipant: &str, number: &str) -> Markup {
        let marks = self.marks.get(pacticipant).and_then(|marks| marks.get(number)).cloned().unwrap_or_default();
        let places = self.places.get(&Version::new(pacticipant, number));
        html! {
            (self::number(number)) " "
            @for branch in &marks.branches { span.chip title="branch" { (branch) } }
            @for tag in &marks.tags { span.chip title="tag" { "#" (tag) } }
            @for place in places.into_iter().flatten() { span.chip.env title="it is there now" { (place) } }
        }
    }
}

/// A link to somewhere else, if it can be one: what was published may be anything.
pub(super) fn outside(url: &str, text: &str) -> Markup {
    if url.starts_with("https://") || url.starts_with("http://") {
        return html! { a href=(url) rel="noopener noreferrer nofollow" { (text) } };
    }
    html! { span.muted { (text) ": " (url) } }
}

/// Address of the page about two.
pub(super) fn pair_address(links: &Links, provider: &str, consumer: &str) -> String {
    links.to(&["matrix", "provider", provider, "consumer", consumer])
}

/// Address of the pact of a version.
pub(super) fn pact_address(links: &Links, provider: &str, consumer: &Version) -> String {
    links.to(&["pacts", "provider", provider, "consumer", &consumer.pacticipant, "version", &consumer.number])
}

/// What a verifier said of each interaction that did not hold: its name, and sentences.
pub(super) fn failures(verification: &StoredVerification) -> Vec<(String, Vec<String>)> {
    let tests = verification.results["testResults"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |value: &serde_json::Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let failed = tests.iter().filter(|test| test["success"] == false);
    failed
        .map(|test| {
            let name = text(&test["interactionDescription"]).or_else(|| text(&test["interactionId"]));
            let list = |key: &str| test[key].as_array().cloned().unwrap_or_default();
            let mismatches = list("mismatches").into_iter().filter_map(|each| {
                let said = text(&each["description"])?;
                Some(match text(&each["identifier"]) {
                    Some(place) => format!("{place}: {said}"),
                    None => said,
                })
            });
            let exceptions = list("exceptions").into_iter().filter_map(|each| text(&each["message"]));
            (name.unwrap_or_else(|| "an interaction".to_owned()), mismatches.chain(exceptions).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_become_links() {
        assert!(outside("https://ci.example/7", "build").into_string().contains("href=\"https://ci.example/7\""));
        for odd in ["javascript:alert(1)", "data:text/html,x", " https://x", "//x"] {
            assert!(!outside(odd, "build").into_string().contains("href"), "{odd}");
        }
    }

    #[test]
    fn names_of_versions_cannot_become_markup() {
        let shown = number("<b>\"1\"</b>").into_string();
        assert_eq!(shown.matches('<').count(), 2, "{shown}");
        assert!(number(&"ä".repeat(20)).into_string().contains("ääää"));
    }
}
