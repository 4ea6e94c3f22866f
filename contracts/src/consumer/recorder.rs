//! Pact files written one interaction at a time, by any number of tests and processes, to the same bytes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::canonical;
use crate::error::{Conflict, Error};

/// Where recorded pacts go.
///
/// Interactions are merged into `<consumer>-<provider>.json`, sorted, in canonical JSON. One that is there already with
/// the same content changes nothing; with different content it is an error that names both. What is in the directory
/// stays there, so a whole recording starts with an empty one: then interactions that no test records any more are gone.
#[derive(Clone, Debug)]
pub struct Recorder {
    dir: Option<PathBuf>,
    recorded: Arc<Mutex<BTreeMap<Key, Recorded>>>,
}

/// What an interaction is called: consumer, provider, kind, description, states with their parameters.
type Key = [String; 5];

#[derive(Debug)]
struct Recorded {
    origin: &'static Location<'static>,
    interaction: Value,
}

impl Recorder {
    /// Records into `dir`, which is created when the first pact is written.
    #[must_use]
    pub fn into_dir(dir: &Path) -> Self {
        Self { dir: Some(dir.to_owned()), recorded: Arc::default() }
    }

    /// Records into the directory that the environment variable `PACT_OUTPUT_DIR` names. Without it, consumers are
    /// still exercised and contradictions found, but nothing is written.
    #[must_use]
    pub fn from_env() -> Self {
        let dir = std::env::var_os("PACT_OUTPUT_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        Self { dir, recorded: Arc::default() }
    }

    pub(super) fn record(
        &self,
        consumer: &str,
        provider: &str,
        interaction: &Value,
        origin: &'static Location<'static>,
    ) -> Result<(), Error> {
        let interaction = canonical::sorted(interaction);
        let key = key(consumer, provider, &interaction);
        for name in [consumer, provider] {
            let usable = |c: char| c.is_alphanumeric() || "-_. ".contains(c);
            if name.is_empty() || name.starts_with('.') || !name.chars().all(usable) {
                return Err(Error::Interaction {
                    description: key[3].clone(),
                    reason: format!(
                        "`{name}` cannot be part of a file name, expected letters, digits, `-`, `_` or `.`"
                    ),
                });
            }
        }
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = recorded.get(&key) {
            conflict(&key, (&earlier.interaction, &earlier.origin.to_string()), (&interaction, &origin.to_string()))?;
        }
        if let Some(dir) = &self.dir {
            merge(dir, &key, &interaction, &origin.to_string())?;
        }
        recorded.insert(key, Recorded { origin, interaction });
        Ok(())
    }
}

fn key(consumer: &str, provider: &str, interaction: &Value) -> Key {
    let text = |key: &str| interaction.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let states = interaction.get("providerStates").map(Value::to_string).unwrap_or_default();
    [consumer.to_owned(), provider.to_owned(), text("type"), text("description"), states]
}

fn conflict(key: &Key, first: (&Value, &str), second: (&Value, &str)) -> Result<(), Error> {
    let Some((at, left, right)) = canonical::first_difference(first.0, second.0) else { return Ok(()) };
    let states = second.0.get("providerStates").and_then(Value::as_array);
    let names = states.into_iter().flatten().filter_map(|state| state.get("name").and_then(Value::as_str));
    Err(Error::Conflict(Box::new(Conflict {
        consumer: key[0].clone(),
        provider: key[1].clone(),
        description: key[3].clone(),
        states: names.map(str::to_owned).collect(),
        at,
        first: format!("{} ({})", first.1, canonical::brief(&left)),
        second: format!("{} ({})", second.1, canonical::brief(&right)),
    })))
}

/// Reads, merges and replaces one file, while no other process does.
fn merge(dir: &Path, key: &Key, interaction: &Value, origin: &str) -> Result<(), Error> {
    let write = |path: &Path, source: io::Error| Error::Write { path: path.to_owned(), source };
    fs::create_dir_all(dir).map_err(|source| write(dir, source))?;
    let lock = dir.join(".lock");
    let guard =
        File::create(&lock).and_then(|file| file.lock().map(|()| file)).map_err(|source| write(&lock, source))?;
    let path = dir.join(format!("{}-{}.json", key[0], key[1]));
    let mut interactions = existing(&path)?;
    let mine = interactions.iter().find(|each| self::key(&key[0], &key[1], each) == *key);
    if let Some(earlier) = mine {
        return conflict(key, (earlier, &format!("`{}`", path.display())), (interaction, origin));
    }
    interactions.push(interaction.clone());
    interactions.sort_by_cached_key(|each| {
        let [_, _, kind, description, states] = self::key(&key[0], &key[1], each);
        (description, states, kind)
    });
    let pact = json!({
        "consumer": { "name": key[0] },
        "provider": { "name": key[1] },
        "interactions": interactions,
        "metadata": { "pactSpecification": { "version": "4.0" } },
    });
    // Replaced in one step, so that an interrupted test cannot leave half a pact.
    let draft = path.with_extension("json.part");
    fs::write(&draft, canonical::text(&pact)).map_err(|source| write(&draft, source))?;
    fs::rename(&draft, &path).map_err(|source| write(&path, source))?;
    drop(guard);
    Ok(())
}

fn existing(path: &Path) -> Result<Vec<Value>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
    };
    let pact: Value = serde_json::from_slice(&bytes).map_err(|source| Error::Json { path: path.to_owned(), source })?;
    pact.get("interactions").and_then(Value::as_array).cloned().ok_or_else(|| Error::NotAPact {
        path: path.to_owned(),
        reason: "it has no list `interactions` to add to: record into an empty directory".into(),
    })
}
