//! What consumers use of a provider, as their pacts say.

use std::path::PathBuf;

use pact_models::matchingrules::{MatchingRule, MatchingRules};
use pact_models::path_exp::{DocPath, PathToken};
use serde_json::Value;

use super::finding::UsedBy;
use super::part::Part;
use crate::canonical::member;
use crate::coverage::Talk;
use crate::store::{Content, Interaction, Pact};

/// What is used of one provider.
#[derive(Clone, Debug)]
pub struct Usage {
    known: bool,
    uses: Vec<Use>,
}

/// One interaction.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) consumer: String,
    pub(crate) pact: PathBuf,
    pub(crate) interaction: Interaction,
    pub(crate) talk: Talk,
}

impl Usage {
    /// What the pacts use of a provider: what is in none of them is used by nobody.
    #[must_use]
    pub fn of(pacts: &[Pact], provider: &str) -> Self {
        let pacts = pacts.iter().filter(|pact| pact.provider == provider);
        let uses = pacts.flat_map(|pact| {
            pact.interactions.iter().map(|interaction| Use {
                consumer: pact.consumer.clone(),
                pact: pact.path.clone(),
                talk: Talk::of(interaction),
                interaction: interaction.clone(),
            })
        });
        Self { known: true, uses: uses.collect() }
    }

    /// Nobody knows who uses what, so every change that could break somebody is an error.
    #[must_use]
    pub fn unknown() -> Self {
        Self { known: false, uses: Vec::new() }
    }

    /// Whether it is known who uses what.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.known
    }

    pub(crate) fn uses(&self) -> &[Use] {
        &self.uses
    }
}

impl Use {
    /// Who that is.
    pub(crate) fn user(&self) -> UsedBy {
        UsedBy {
            consumer: self.consumer.clone(),
            description: self.interaction.description.clone(),
            states: self.interaction.states.clone(),
            pact: self.pact.clone(),
        }
    }

    /// Regular expressions that the consumer wants the value at a path of that part to match.
    pub(crate) fn patterns(&self, part: Part<'_>, path: &str) -> Vec<&str> {
        let (rules, category, path): (&MatchingRules, _, _) = match (&self.interaction.content, part) {
            (Content::Http(http), Part::RequestBody) => (&http.request.matching_rules, "body", path),
            (Content::Http(http), Part::ResponseBody(_)) => (&http.response.matching_rules, "body", path),
            (Content::Http(http), Part::ResponseHeader(_, name)) => (&http.response.matching_rules, "header", name),
            (Content::Message(message), Part::Payload) => (&message.contents.matching_rules, "body", path),
            (Content::Message(message), Part::Metadata) => (&message.contents.matching_rules, "metadata", path),
            _ => return Vec::new(),
        };
        let Some(category) = rules.rules.iter().find(|(name, _)| name.to_string() == category) else {
            return Vec::new();
        };
        let here = category.1.rules.iter().filter(|(at, _)| {
            let at = written(at);
            at == path || at.strip_prefix("$.").unwrap_or(&at).eq_ignore_ascii_case(path)
        });
        let rules = here.flat_map(|(_, list)| &list.rules);
        rules
            .filter_map(|rule| match rule {
                MatchingRule::Regex(pattern) => Some(pattern.as_str()),
                _ => None,
            })
            .collect()
    }
}

/// A path of a matching rule as the paths of fields are written, every index as `[*]`.
fn written(path: &DocPath) -> String {
    let mut text = String::new();
    for token in path.tokens() {
        match token {
            PathToken::Root => text.push('$'),
            PathToken::Field(name) => text.push_str(&member(name)),
            PathToken::Index(_) | PathToken::StarIndex => text.push_str("[*]"),
            PathToken::Star => text.push_str(".*"),
        }
    }
    text
}

/// A value that a consumer sends or expects in one part, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'u> {
    pub(crate) used: &'u Use,
    pub(crate) value: Value,
}
