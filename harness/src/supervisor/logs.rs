//! What a service prints: to a file as JSON lines, and the last of it in memory for messages.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{SecondsFormat, Utc};
use serde_json::json;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};

use crate::collector::Store;

/// Longest line in bytes; the rest of a longer one is dropped.
const LONGEST_LINE: usize = 64 * 1024;
/// Lines kept in memory for messages.
const TAIL_LINES: usize = 200;
/// Bytes kept in memory for messages.
const TAIL_BYTES: usize = 64 * 1024;
/// Size at which a service's file is closed: a service in a loop must not fill the disk.
const LARGEST_FILE: u64 = 512 * 1024 * 1024;

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// The log of one service, over all its restarts.
pub(crate) struct Log {
    service: String,
    store: Option<Arc<Store>>,
    inner: Mutex<Inner>,
}

struct Inner {
    file: Option<BufWriter<File>>,
    written: u64,
    tail: VecDeque<String>,
    tail_bytes: usize,
    error: Option<String>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Log {
    /// A log into a new file.
    pub(crate) fn create(path: &Path, service: &str, store: Option<Arc<Store>>) -> io::Result<Arc<Self>> {
        let file = Some(BufWriter::new(File::create(path)?));
        let inner = Inner { file, written: 0, tail: VecDeque::new(), tail_bytes: 0, error: None };
        Ok(Arc::new(Self { service: service.to_owned(), store, inner: Mutex::new(inner) }))
    }

    /// The last lines, oldest first.
    pub(crate) fn tail(&self, lines: usize) -> Vec<String> {
        let inner = self.lock();
        inner.tail.iter().skip(inner.tail.len().saturating_sub(lines)).cloned().collect()
    }

    /// Why the file is incomplete, if it is.
    pub(crate) fn error(&self) -> Option<String> {
        self.lock().error.clone()
    }

    /// Writes out what is buffered.
    pub(crate) fn flush(&self) {
        let mut inner = self.lock();
        let outcome = inner.file.as_mut().map_or(Ok(()), Write::flush);
        inner.note(outcome);
    }

    /// Takes a line in.
    pub(crate) fn line(&self, stream: Stream, line: &str) {
        // Other tools read the file as JSON lines, so whatever is no JSON object becomes one.
        let is_object = line.starts_with('{') && serde_json::from_str::<serde_json::Map<_, _>>(line).is_ok();
        if stream == Stream::Out
            && let Some(store) = &self.store
        {
            store.ingest_log_line(&self.service, line);
        }
        let record = if stream == Stream::Out && is_object {
            line.to_owned()
        } else {
            let name = if stream == Stream::Out { "stdout" } else { "stderr" };
            let timestamp = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
            json!({ "timestamp": timestamp, "service": self.service, "stream": name, "message": line }).to_string()
        };
        let mut inner = self.lock();
        inner.tail_bytes += line.len();
        inner.tail.push_back(line.to_owned());
        while inner.tail.len() > TAIL_LINES || (inner.tail_bytes > TAIL_BYTES && inner.tail.len() > 1) {
            inner.tail_bytes -= inner.tail.pop_front().map_or(0, |line| line.len());
        }
        inner.write(&record);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, record: &str) {
        let Some(file) = &mut self.file else { return };
        let outcome = file.write_all(record.as_bytes()).and_then(|()| file.write_all(b"\n"));
        self.written += record.len() as u64 + 1;
        self.note(outcome);
        if self.written > LARGEST_FILE {
            self.note(Err(io::Error::other(format!("the file reached {LARGEST_FILE} bytes"))));
        }
    }

    /// The first error ends the file: the run goes on, and says in the end that the log is incomplete.
    fn note(&mut self, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            self.error.get_or_insert_with(|| error.to_string());
            self.file = None;
        }
    }
}

/// Reads a stream to its end, line by line; `each` sees every line after it was logged.
pub(crate) async fn capture(stream: impl AsyncRead + Unpin, which: Stream, log: Arc<Log>, each: impl Fn(&str)) {
    let mut reader = BufReader::with_capacity(16 * 1024, stream);
    let mut line = Vec::new();
    while let Ok(true) = read_line(&mut reader, &mut line).await {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\r', '\n']);
        log.line(which, text);
        each(text);
        // Once the service is quiet, the file shows everything that it said.
        if reader.buffer().is_empty() {
            log.flush();
        }
    }
    log.flush();
}

/// Reads a line of bounded length; what is longer is skipped. False at the end of the stream.
async fn read_line(reader: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let buffer = reader.fill_buf().await?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(buffer.len(), |end| end + 1);
        let room = LONGEST_LINE.saturating_sub(line.len());
        line.extend_from_slice(&buffer[..taken.min(room)]);
        reader.consume(taken);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn log() -> (tempfile::TempDir, Arc<Log>) {
        let folder = tempfile::tempdir().expect("a folder");
        let log = Log::create(&folder.path().join("s.jsonl"), "s", None).expect("a file");
        (folder, log)
    }

    fn run(future: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future);
    }

    #[test]
    fn every_line_of_the_file_is_a_json_object() {
        let (folder, log) = log();
        run(capture(&b"{\"a\":1}\nplain \xff\n{broken\n[1]\nlast"[..], Stream::Out, Arc::clone(&log), |_| {}));
        run(capture(&b"oh no\n"[..], Stream::Err, Arc::clone(&log), |_| {}));
        let text = std::fs::read_to_string(folder.path().join("s.jsonl")).expect("the file");
        let objects: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
        assert_eq!(objects[0], json!({ "a": 1 }));
        let messages: Vec<_> = objects[1..].iter().map(|object| (&object["stream"], &object["message"])).collect();
        assert_eq!(
            messages,
            [
                (&json!("stdout"), &json!("plain \u{fffd}")),
                (&json!("stdout"), &json!("{broken")),
                (&json!("stdout"), &json!("[1]")),
                (&json!("stdout"), &json!("last")),
                (&json!("stderr"), &json!("oh no")),
            ]
        );
        assert_eq!(log.tail(2), ["last", "oh no"]);
    }

    #[test]
    fn memory_stays_bounded_whatever_a_service_prints() {
        let (_folder, log) = log();
        let mut noise = vec![b'x'; 3 * LONGEST_LINE];
        noise.push(b'\n');
        noise.extend("y\n".repeat(1000).bytes());
        run(capture(&noise[..], Stream::Out, Arc::clone(&log), |line| assert!(line.len() <= LONGEST_LINE)));
        assert_eq!(log.tail(usize::MAX).len(), TAIL_LINES);
        assert!(log.lock().tail_bytes <= TAIL_BYTES);
    }

    proptest! {
        #[test]
        fn lines_arrive_as_printed(lines in prop::collection::vec("[^\r\n]{0,40}", 1..20)) {
            let (_folder, log) = log();
            let text = lines.join("\n") + "\n";
            run(capture(text.as_bytes(), Stream::Out, Arc::clone(&log), |_| {}));
            prop_assert_eq!(log.tail(usize::MAX), lines);
        }
    }
}
