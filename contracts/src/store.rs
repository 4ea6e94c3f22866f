//! Pacts on disk: read strictly, with every problem named by file and reason.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use pact_models::pact::load_pact_from_json;
use pact_models::v4::async_message::AsynchronousMessage;
use pact_models::v4::synch_http::SynchronousHttp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Conflict, Error};
use crate::file::{self, Unread};
use crate::{canonical, drift::Drift, rules, version};

/// Largest pact file that is read, in bytes.
const MAX_FILE: u64 = 16 * 1024 * 1024;
/// Deepest directory that is searched.
const MAX_DEPTH: usize = 16;

/// What one consumer expects of one provider.
#[derive(Clone, Debug)]
pub struct Pact {
    /// Who recorded it.
    pub consumer: String,
    /// Who must honour it.
    pub provider: String,
    /// File it was read from.
    pub path: PathBuf,
    /// SHA-256 of the canonical content, hexadecimal: the same whatever the layout of the file or the order of the
    /// interactions, and the content by which the [broker](crate::broker) knows it.
    pub hash: String,
    /// What it says that its version of the specification has no meaning for, and that is not obeyed: a sentence each.
    pub lost: Vec<String>,
    /// Interactions in the order of description and states.
    pub interactions: Vec<Interaction>,
}

/// How the two sides of an interaction talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Request and response.
    Http,
    /// A message that the provider emits.
    Message,
}

impl Kind {
    /// The name used in results.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Http => "http",
            Kind::Message => "message",
        }
    }
}

/// One expectation of a pact.
#[derive(Clone, Debug)]
pub struct Interaction {
    /// What happens, in the consumer's words.
    pub description: String,
    /// How the two sides talk.
    pub kind: Kind,
    /// Names of the provider states that it needs, in order.
    pub states: Vec<String>,
    /// Whether the consumer says that the provider need not honour it yet.
    pub pending: bool,
    /// SHA-256 of consumer, provider and the interaction's canonical content, hexadecimal.
    pub hash: String,
    /// Names and parameters of the states, canonical: with the description, what makes an interaction unique.
    pub(crate) given: String,
    pub(crate) document: Value,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Http(Box<SynchronousHttp>),
    Message(Box<AsynchronousMessage>),
}

/// Reads every `*.json` below `dir`, hidden files and directories left out, sorted by consumer and provider.
///
/// # Errors
///
/// All problems together: unreadable files, files that are not pacts, pacts that need plugins or use kinds of
/// interactions that cannot be replayed, contradicting copies of one interaction. A directory without any pact is an
/// error too, because nothing could be verified.
pub fn load_dir(dir: &Path) -> Result<Vec<Pact>, Error> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    find(dir, 0, &mut files, &mut problems);
    files.sort_unstable();
    let mut pacts = Vec::new();
    for file in files {
        match load_file(&file) {
            Ok(pact) => pacts.push(pact),
            Err(problem) => problems.push(problem),
        }
    }
    if pacts.is_empty() && problems.is_empty() {
        problems.push(Error::NotAPact {
            path: dir.to_owned(),
            reason: "it holds no `*.json`, expected at least one pact: run the consumers' tests to record them".into(),
        });
    }
    contradictions(&pacts, &mut problems);
    pacts.sort_by(|a, b| (&a.consumer, &a.provider, &a.path).cmp(&(&b.consumer, &b.provider, &b.path)));
    Error::from_problems(problems).map_or(Ok(pacts), Err)
}

/// Reads one pact.
///
/// # Errors
///
/// When the file cannot be read, is not a pact, or needs a plugin.
pub fn load_file(path: &Path) -> Result<Pact, Error> {
    let wrong = |reason: String| Error::NotAPact { path: path.to_owned(), reason };
    let bytes = file::read(path, MAX_FILE).map_err(|unread| match unread {
        Unread::Io(source) => Error::Read { path: path.to_owned(), source },
        Unread::NoFile => wrong("it is no regular file".into()),
        Unread::TooLarge => wrong(format!("it is larger than {MAX_FILE} bytes")),
    })?;
    let document = serde_json::from_slice(&bytes).map_err(|source| Error::Json { path: path.to_owned(), source })?;
    parse(&document, path)
}

/// Reads one pact that is at hand already; `origin` stands for the file in errors and results.
///
/// # Errors
///
/// When it is not a pact, or needs a plugin.
pub fn from_document(document: &Value, origin: &Path) -> Result<Pact, Error> {
    parse(document, origin)
}

/// Compares recorded with committed pacts: every interaction that only one side has, or that differs.
#[must_use]
pub fn drift(recorded: &[Pact], committed: &[Pact]) -> Vec<Drift> {
    crate::drift::compare(recorded, committed)
}

fn find(dir: &Path, depth: usize, files: &mut Vec<PathBuf>, problems: &mut Vec<Error>) {
    let entries = match fs::read_dir(dir).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()) {
        Ok(entries) => entries,
        Err(source) => return problems.push(Error::Read { path: dir.to_owned(), source }),
    };
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // Of the entry itself, so that a symbolic link to a directory cannot lead in circles.
        let directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if directory && depth == MAX_DEPTH {
            let reason = format!("it lies deeper than {MAX_DEPTH} directories, expected no pacts below that");
            problems.push(Error::NotAPact { path, reason });
        } else if directory {
            find(&path, depth + 1, files, problems);
        } else if !directory && path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

fn parse(document: &Value, path: &Path) -> Result<Pact, Error> {
    let wrong = |reason: String| Error::NotAPact { path: path.to_owned(), reason };
    let name = |side: &str| match document.pointer(&format!("/{side}/name")).and_then(Value::as_str) {
        Some(name) if !name.trim().is_empty() => Ok(name.to_owned()),
        _ => Err(wrong(format!("`{side}.name` is missing, expected the name of the {side}"))),
    };
    let (consumer, provider) = (name("consumer")?, name("provider")?);
    let version = version::of(document).map_err(wrong)?;
    if let Some(plugin) = plugin(document) {
        return Err(Error::Plugin { path: path.to_owned(), plugin });
    }
    if document.get("interactions").is_some() && document.get("messages").is_some() {
        return Err(wrong("it has `interactions` and `messages`, expected one of these lists".into()));
    }
    let (key, listed) = ["interactions", "messages"]
        .iter()
        .find_map(|key| document.get(key).and_then(Value::as_array).map(|list| (*key, list)))
        .ok_or_else(|| wrong("it has neither `interactions` nor `messages`, expected one of these lists".into()))?;
    for (index, interaction) in listed.iter().enumerate() {
        shape(interaction)
            .and_then(|()| rules::check(interaction))
            .map_err(|reason| wrong(format!("`{key}[{index}]` {reason}")))?;
    }
    // The reader of `pact_models` panics on some malformed files; they are bad input like any other.
    let model = catch_unwind(AssertUnwindSafe(|| load_pact_from_json(&path.to_string_lossy(), document)))
        .map_err(|_| wrong("its content is malformed in a way that the reader of pacts cannot name".into()))?
        .map_err(|error| wrong(error.to_string()))?;
    let parsed = model.interactions();
    // The reader leaves out what it does not understand; a contract must not shrink unseen.
    if parsed.len() != listed.len() {
        return Err(wrong(format!("only `{}` of its {} interactions can be read", parsed.len(), listed.len())));
    }
    let mut interactions = Vec::with_capacity(parsed.len());
    for (index, (interaction, raw)) in parsed.iter().zip(listed).enumerate() {
        let (kind, content, pending) = if let Some(http) = interaction.as_v4_http() {
            (Kind::Http, Content::Http(Box::new(http.clone())), http.pending)
        } else if let Some(message) = interaction.as_v4_async_message() {
            (Kind::Message, Content::Message(Box::new(message.clone())), message.pending)
        } else {
            return Err(wrong(format!(
                "`{key}[{index}]` is a `{}`, expected a request with its response or an asynchronous message",
                interaction.type_of()
            )));
        };
        let document = canonical::sorted(&canonical::without_broker_keys(raw));
        interactions.push(Interaction {
            description: interaction.description(),
            kind,
            states: interaction.provider_states().into_iter().map(|state| state.name).collect(),
            given: canonical::sorted(&json!(interaction.provider_states())).to_string(),
            pending,
            hash: canonical::interaction_hash(&consumer, &provider, raw),
            document,
            content,
        });
    }
    interactions.sort_by(|a, b| (&a.description, &a.states, &a.hash).cmp(&(&b.description, &b.states, &b.hash)));
    let hash = canonical::pact_hash(&consumer, &provider, document, listed);
    let lost = version::lost(version, key, listed);
    Ok(Pact { consumer, provider, path: path.to_owned(), hash, lost, interactions })
}

/// Refuses what the reader of `pact_models` would quietly replace by a default.
fn shape(interaction: &Value) -> Result<(), String> {
    let object = interaction.as_object().ok_or("is not an object")?;
    if object.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err("has no `description`, expected a text that is unique with its states".into());
    }
    for key in ["request", "response", "metadata", "metaData", "matchingRules", "generators"] {
        let optional = !matches!(key, "request" | "response");
        let value = object.get(key).filter(|value| !(optional && value.is_null()));
        if value.is_some_and(|value| !value.is_object()) {
            return Err(format!("has a `{key}` that is not an object"));
        }
    }
    match object.get("providerStates") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(states)) if states.iter().all(|state| state.get("name").is_some_and(Value::is_string)) => {
            Ok(())
        }
        Some(_) => Err("has `providerStates` that are not a list of objects with a `name`".into()),
    }
}

fn plugin(document: &Value) -> Option<String> {
    let listed = document.pointer("/metadata/plugins").and_then(Value::as_array).and_then(|plugins| plugins.first());
    if let Some(plugin) = listed {
        return Some(plugin.get("name").and_then(Value::as_str).unwrap_or("unnamed").to_owned());
    }
    let interactions = document.get("interactions").and_then(Value::as_array)?;
    interactions
        .iter()
        .filter_map(|interaction| interaction.get("pluginConfiguration").and_then(Value::as_object))
        .find_map(|configuration| configuration.keys().next().cloned())
}

/// What makes an interaction unique: consumer, provider, description, kind, states.
type Key<'a> = (&'a str, &'a str, &'a str, Kind, &'a str);

fn contradictions(pacts: &[Pact], problems: &mut Vec<Error>) {
    let mut seen: BTreeMap<Key<'_>, (&Pact, &Interaction)> = BTreeMap::new();
    for pact in pacts {
        for interaction in &pact.interactions {
            let Interaction { description, kind, states, given, .. } = interaction;
            let key = (pact.consumer.as_str(), pact.provider.as_str(), description.as_str(), *kind, given.as_str());
            let Some((other, twin)) = seen.insert(key, (pact, interaction)) else { continue };
            let Some((at, left, right)) = canonical::first_difference(&twin.document, &interaction.document) else {
                continue;
            };
            problems.push(Error::Conflict(Box::new(Conflict {
                consumer: pact.consumer.clone(),
                provider: pact.provider.clone(),
                description: description.clone(),
                states: states.clone(),
                at,
                first: format!("`{}` ({})", other.path.display(), canonical::brief(&left)),
                second: format!("`{}` ({})", pact.path.display(), canonical::brief(&right)),
            })));
        }
    }
}
