//! What it takes to undo a fault, written down before the fault is injected.
//!
//! A record is synced to disk first, so that a watchdog can undo what a runner that died left behind. Undoing is
//! idempotent: undoing what never happened does nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::system::{System, SystemError};

/// How a fault is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "snake_case")]
pub enum UndoAction {
    /// Start a service that was killed or stopped.
    Start {
        /// The service.
        service: String,
    },
    /// Let a frozen service run on.
    Resume {
        /// The service.
        service: String,
        /// Its process, for a watchdog that has nothing else.
        pid: Option<u32>,
    },
    /// Remove a fault from a link. Links die with their process, so a watchdog has nothing to do.
    RemoveToxic {
        /// The link.
        link: String,
        /// Label of the fault.
        label: String,
    },
    /// End the duplication of deliveries.
    ClearDuplicates,
}

/// What undoing brought to light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Deliveries that were duplicated.
    pub duplicates: Option<u64>,
}

impl UndoAction {
    /// Undoes the fault.
    ///
    /// # Errors
    /// When the system could not do it, such as a service that does not become ready again.
    pub async fn perform(&self, system: &dyn System) -> Result<Undone, SystemError> {
        match self {
            Self::Start { service } => system.start(service).await?,
            Self::Resume { service, .. } => system.resume(service).await?,
            Self::RemoveToxic { link, label } => {
                system.link(link).ok_or_else(|| SystemError::Unknown(link.clone()))?.remove(label);
            }
            Self::ClearDuplicates => {
                return Ok(Undone { duplicates: Some(system.clear_duplicates().await?) });
            }
        }
        Ok(Undone::default())
    }
}

/// A fault that may have to be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoRecord {
    /// Number of the record in its journal.
    pub id: u64,
    /// Kind of the fault.
    pub fault: String,
    /// What it acts on.
    pub target: String,
    /// How to undo it.
    #[serde(flatten)]
    pub action: UndoAction,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Settled { settled: u64 },
    Record(UndoRecord),
}

/// The journal of undos.
#[derive(Debug)]
pub struct UndoJournal {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    next: u64,
}

impl UndoJournal {
    /// Opens the journal, or creates it. What an earlier runner left outstanding stays outstanding.
    ///
    /// # Errors
    /// When the file cannot be opened, or is no journal.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FileError> {
        let path = path.into();
        let next = if path.exists() { Replay::of(&path)?.next } else { 0 };
        let mut file = File::options().create(true).append(true).open(&path).map_err(|source| FileError::Io {
            doing: "open",
            path: path.clone(),
            source,
        })?;
        // Ends a line that a dying writer left unfinished; empty lines are skipped.
        if next > 0 {
            file.write_all(b"\n").map_err(|source| FileError::Io { doing: "write", path: path.clone(), source })?;
        }
        Ok(Self { path, state: Mutex::new(State { file, next }) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down how a fault will be undone, and returns when that is on disk. To be called before the injection.
    ///
    /// # Errors
    /// When the file cannot be written or synced; the fault must then not be injected.
    pub fn append(&self, fault: &str, target: &str, action: UndoAction) -> Result<u64, FileError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let id = state.next;
        state.next += 1;
        let record = UndoRecord { id, fault: fault.to_owned(), target: target.to_owned(), action };
        self.write(&mut state, &Line::Record(record))?;
        Ok(id)
    }

    /// Notes that a fault was undone.
    ///
    /// # Errors
    /// When the file cannot be written or synced.
    pub fn settle(&self, id: u64) -> Result<(), FileError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&mut state, &Line::Settled { settled: id })
    }

    /// Faults that were not undone yet, the latest first: the order in which to undo them.
    ///
    /// # Errors
    /// When the file cannot be read, or is no journal.
    pub fn outstanding(&self) -> Result<Vec<UndoRecord>, FileError> {
        Self::outstanding_in(&self.path)
    }

    /// The same for the journal of a process that died.
    ///
    /// # Errors
    /// When the file cannot be read, or is no journal.
    pub fn outstanding_in(path: &Path) -> Result<Vec<UndoRecord>, FileError> {
        Ok(Replay::of(path)?.open.into_values().rev().collect())
    }

    fn write(&self, state: &mut State, line: &Line) -> Result<(), FileError> {
        let io = |source| FileError::Io { doing: "write", path: self.path.clone(), source };
        let mut text = serde_json::to_vec(line).map_err(|source| FileError::Record {
            path: self.path.clone(),
            line: state.next,
            source,
        })?;
        text.push(b'\n');
        state.file.write_all(&text).and_then(|()| state.file.sync_data()).map_err(io)
    }
}

/// What is left after replaying a journal.
struct Replay {
    open: BTreeMap<u64, UndoRecord>,
    next: u64,
}

impl Replay {
    fn of(path: &Path) -> Result<Self, FileError> {
        let io = |source| FileError::Io { doing: "read", path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let mut replay = Self { open: BTreeMap::new(), next: 0 };
        let mut pending = None;
        for (number, line) in BufReader::new(file).lines().enumerate() {
            let line = line.map_err(io)?;
            if line.trim().is_empty() {
                continue;
            }
            match serde_json::from_str::<Line>(&line) {
                Ok(Line::Record(record)) => {
                    replay.next = replay.next.max(record.id + 1);
                    replay.open.insert(record.id, record);
                }
                Ok(Line::Settled { settled }) => {
                    replay.open.remove(&settled);
                }
                // A line that was cut is a record whose fault was never injected, as syncing comes first.
                Err(source) => pending = Some((number as u64 + 1, source)),
            }
        }
        // A file in which nothing can be read is something else.
        match pending {
            Some((line, source)) if replay.next == 0 && line > 1 => {
                Err(FileError::Record { path: path.to_owned(), line, source })
            }
            _ => Ok(replay),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(service: &str) -> UndoAction {
        UndoAction::Start { service: service.to_owned() }
    }

    #[test]
    fn outstanding_is_what_was_not_settled_latest_first() {
        let dir = tempfile::tempdir().unwrap();
        let journal = UndoJournal::open(dir.path().join("undo.jsonl")).unwrap();
        let first = journal.append("kill", "order", start("order")).unwrap();
        let second = journal.append("kill", "users", start("users")).unwrap();
        let third = journal
            .append("latency", "a->b", UndoAction::RemoveToxic { link: "a->b".into(), label: "x".into() })
            .unwrap();
        journal.settle(second).unwrap();
        let ids: Vec<u64> = journal.outstanding().unwrap().iter().map(|record| record.id).collect();
        assert_eq!(ids, [third, first]);
    }

    #[test]
    fn journal_of_a_dead_runner_is_read_to_its_cut_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("undo.jsonl");
        let journal = UndoJournal::open(&path).unwrap();
        journal.append("pause", "order", UndoAction::Resume { service: "order".into(), pid: Some(7) }).unwrap();
        drop(journal);
        let whole = std::fs::read_to_string(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, format!("{whole}{}", &whole[..cut])).unwrap();
            let outstanding = UndoJournal::outstanding_in(&path).unwrap();
            assert_eq!(outstanding.len(), 1);
            assert_eq!(outstanding[0].action, UndoAction::Resume { service: "order".into(), pid: Some(7) });
        }
        // A journal that is opened again goes on after the cut, with fresh numbers.
        let again = UndoJournal::open(&path).unwrap();
        assert_eq!(again.append("kill", "users", start("users")).unwrap(), 1);
        assert_eq!(again.outstanding().unwrap().len(), 2);
    }

    #[test]
    fn missing_folder_is_an_error_that_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let error = UndoJournal::open(dir.path().join("no/undo.jsonl")).unwrap_err();
        assert!(error.to_string().contains("no/undo.jsonl"), "{error}");
    }
}
