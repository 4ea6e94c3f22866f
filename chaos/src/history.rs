//! What the clients did and what they were told: every operation of every journey, one JSON object per line.
//!
//! The outcome is three-valued. An operation without an answer (time-out, cut connection) is neither done nor undone; a
//! checker must allow for both.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::FileError;

/// What the client knows about its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Ok,
    /// It was refused.
    Fail,
    /// Unknown: the answer never came.
    Info,
}

/// One operation of a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Identifier, the same for the same seed: `<scope>/<load>/<iteration>/<number>`.
    pub id: String,
    /// The load phase or scenario that it belongs to.
    #[serde(default)]
    pub scope: String,
    /// Journey.
    pub journey: String,
    /// Number of the iteration, from 0.
    pub iteration: u64,
    /// Name of the step.
    pub operation: String,
    /// Phase of the scenario in which the iteration was to start.
    pub phase: String,
    /// Intended start of the iteration, microseconds since the start of the run.
    pub intended_us: u64,
    /// Actual start of the operation, microseconds since the start of the run.
    pub start_us: u64,
    /// End, microseconds since the start of the run.
    pub end_us: u64,
    /// What the client knows.
    pub outcome: Outcome,
    /// Response status.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// Trace of the operation.
    pub trace_id: Option<String>,
    /// Correlation id that was sent.
    pub correlation_id: Option<String>,
    /// Values that the journey saved from the answer or sent with the request.
    #[serde(default)]
    pub saved: BTreeMap<String, Value>,
}

/// Writes operations to a file while they happen. Memory is bounded: nothing is kept but a buffer.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    epoch: Instant,
    out: Mutex<BufWriter<File>>,
    written: AtomicU64,
}

impl History {
    /// Creates the file, or continues it. Times are counted from now.
    ///
    /// # Errors
    /// When the file cannot be opened for appending.
    pub fn append_to(path: impl Into<PathBuf>) -> Result<Self, FileError> {
        let path = path.into();
        let file = File::options().create(true).append(true).open(&path).map_err(|source| FileError::Io {
            doing: "open",
            path: path.clone(),
            source,
        })?;
        Ok(Self { path, epoch: Instant::now(), out: Mutex::new(BufWriter::new(file)), written: AtomicU64::new(0) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The moment from which times are counted.
    #[must_use]
    pub fn epoch(&self) -> Instant {
        self.epoch
    }

    /// Microseconds from the epoch until `moment`; 0 when it was before.
    #[must_use]
    pub fn micros(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.epoch).as_micros()).unwrap_or(u64::MAX)
    }

    /// Operations written so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends an operation. It reaches the file with [`History::flush`] at the latest.
    ///
    /// # Errors
    /// When the file cannot be written, such as a full disk.
    pub fn append(&self, operation: &Operation) -> Result<(), FileError> {
        let mut line = serde_json::to_vec(operation).map_err(|source| FileError::Record {
            path: self.path.clone(),
            line: self.len() + 1,
            source,
        })?;
        line.push(b'\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&line).map_err(|source| self.io(source))?;
        self.written.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Writes out what is buffered, so that [`read`] sees it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush(&self) -> Result<(), FileError> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).flush().map_err(|source| self.io(source))
    }

    fn io(&self, source: std::io::Error) -> FileError {
        FileError::Io { doing: "write", path: self.path.clone(), source }
    }
}

/// Streams the operations of a history file. A last line that was cut (the writer died) is left out.
///
/// # Errors
/// When the file cannot be opened; each item when it cannot be read or a line in the middle is no operation.
pub fn read(path: impl Into<PathBuf>) -> Result<Operations, FileError> {
    let path = path.into();
    let file = File::open(&path).map_err(|source| FileError::Io { doing: "open", path: path.clone(), source })?;
    Ok(Operations { path, lines: BufReader::new(file), line: 0, buffer: Vec::new(), cut: false })
}

/// Iterator over a history file.
#[derive(Debug)]
pub struct Operations {
    path: PathBuf,
    lines: BufReader<File>,
    line: u64,
    buffer: Vec<u8>,
    cut: bool,
}

impl Operations {
    /// Whether the end of the file was a cut line. Known after the last item.
    #[must_use]
    pub fn was_cut(&self) -> bool {
        self.cut
    }
}

impl Iterator for Operations {
    type Item = Result<Operation, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.buffer.clear();
            self.line += 1;
            match self.lines.read_until(b'\n', &mut self.buffer) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(source) => {
                    return Some(Err(FileError::Io { doing: "read", path: self.path.clone(), source }));
                }
            }
            if self.buffer.trim_ascii().is_empty() {
                continue;
            }
            let whole = self.buffer.ends_with(b"\n");
            return match serde_json::from_slice(&self.buffer) {
                Ok(operation) => Some(Ok(operation)),
                Err(_) if !whole => {
                    self.cut = true;
                    None
                }
                Err(source) => Some(Err(FileError::Record { path: self.path.clone(), line: self.line, source })),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(iteration: u64) -> Operation {
        Operation {
            id: format!("load/buy/{iteration}/0"),
            scope: "load".into(),
            journey: "purchase".into(),
            iteration,
            operation: "create order".into(),
            phase: "baseline".into(),
            intended_us: 10,
            start_us: 11,
            end_us: 12,
            outcome: Outcome::Info,
            status: None,
            error: Some("timed out".into()),
            trace_id: None,
            correlation_id: Some("c".into()),
            saved: BTreeMap::from([("order".into(), Value::from("o-1"))]),
        }
    }

    #[test]
    fn operations_come_back_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let history = History::append_to(dir.path().join("history.jsonl")).unwrap();
        for i in 0..3 {
            history.append(&operation(i)).unwrap();
        }
        history.flush().unwrap();
        let back: Vec<Operation> = read(history.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(back, (0..3).map(operation).collect::<Vec<_>>());
        assert_eq!(history.len(), 3);
    }

    #[test]
    fn cut_tail_is_left_out_and_reported() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let whole = serde_json::to_string(&operation(1)).unwrap();
        for cut in 1..whole.len() {
            std::fs::write(&path, format!("{whole}\n{}", &whole[..cut])).unwrap();
            let mut operations = read(&path).unwrap();
            assert_eq!(operations.by_ref().map(Result::unwrap).count(), 1);
            assert!(operations.was_cut());
        }
    }

    #[test]
    fn broken_line_in_the_middle_is_an_error_with_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let whole = serde_json::to_string(&operation(1)).unwrap();
        std::fs::write(&path, format!("{whole}\n{{oops\n{whole}\n")).unwrap();
        let error = read(&path).unwrap().find_map(Result::err).unwrap();
        assert!(error.to_string().starts_with("line 2 of"), "{error}");
    }
}
