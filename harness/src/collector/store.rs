//! The bounded store of everything received.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::ids::{SpanId, TraceId};
use super::intern::Interner;
use super::log_line;
use super::metrics::{Kept, Sample, SeriesTable};
use super::model::{LogRecord, Resource, Span};
use super::stats::{ServiceStats, StoreLimits, StoreStats, WaitTimeout};
use super::view::View;

/// Shortest pause between two evaluations of an awaited condition, so that a flood of spans does not become a flood of
/// evaluations.
const EVALUATION_PAUSE: Duration = Duration::from_millis(10);

/// The bounded store of everything received. Shared behind an `Arc`; all methods take `&self`.
#[derive(Debug)]
pub struct Store {
    inner: Mutex<Inner>,
    interner: Mutex<Interner>,
    version: watch::Sender<u64>,
}

impl Default for Store {
    fn default() -> Self {
        Self::new(StoreLimits::default())
    }
}

impl Store {
    /// An empty store.
    pub fn new(limits: StoreLimits) -> Self {
        Self { inner: Mutex::new(Inner::new(limits)), interner: Mutex::default(), version: watch::Sender::new(0) }
    }

    /// Adds spans, as an OTLP request would. A span already held (same trace id and span id) is not held twice.
    pub fn ingest_spans(&self, spans: Vec<Span>) {
        let mut inner = self.lock();
        for span in spans {
            inner.add_span(span);
        }
        inner.enforce_total();
        drop(inner);
        self.changed();
    }

    /// Adds log records, as an OTLP request would.
    pub fn ingest_logs(&self, logs: Vec<LogRecord>) {
        let mut inner = self.lock();
        for log in logs {
            inner.add_log(log);
        }
        inner.enforce_total();
        drop(inner);
        self.changed();
    }

    /// Adds one line of a service's standard output. A line that is not a JSON object is kept as plain text.
    pub fn ingest_log_line(&self, service: &str, line: &str) {
        let mut inner = self.lock();
        let Some((resource, number)) = inner.next_line(service) else {
            return;
        };
        drop(inner);
        let record = log_line::parse(&resource, number, line);
        self.ingest_logs(vec![record]);
    }

    pub(crate) fn ingest_samples(&self, samples: Vec<Sample>) {
        let mut inner = self.lock();
        for sample in samples {
            match inner.series.add(sample) {
                Kept::Added { evicted } => inner.evicted_points += evicted as u64,
                Kept::Refused => inner.rejected += 1,
            }
        }
        drop(inner);
        self.changed();
    }

    /// Counts records that were refused before they got here.
    pub(crate) fn reject(&self, records: u64) {
        if records > 0 {
            self.lock().rejected += records;
        }
    }

    /// The strings shared by all records.
    pub(crate) fn interner(&self) -> MutexGuard<'_, Interner> {
        self.interner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a consistent state. The store takes in nothing while `read` runs, so it should be quick.
    pub fn read<T>(&self, read: impl FnOnce(&View<'_>) -> T) -> T {
        read(&View::new(&self.lock()))
    }

    /// What is held, refused and given up.
    pub fn stats(&self) -> StoreStats {
        self.lock().stats()
    }

    /// Changes whenever something was added; for those who wait for more than one store.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Waits until `condition` returns `Ok`. It is evaluated now, and again whenever something was added; its `Err` says
    /// what is missing.
    ///
    /// # Errors
    ///
    /// [`WaitTimeout`] with the last `Err` when the deadline passes first.
    pub async fn wait_until<T>(
        &self,
        deadline: Instant,
        mut condition: impl FnMut(&View<'_>) -> Result<T, String>,
    ) -> Result<T, WaitTimeout> {
        let started = Instant::now();
        let mut version = self.subscribe();
        loop {
            version.mark_unchanged();
            let unmet = match self.read(&mut condition) {
                Ok(value) => return Ok(value),
                Err(unmet) => unmet,
            };
            let evaluated = tokio::time::Instant::now();
            let out_of_time = tokio::time::timeout_at(deadline.into(), version.changed()).await.is_err();
            if out_of_time {
                return Err(WaitTimeout { waited: started.elapsed(), unmet });
            }
            tokio::time::sleep_until((evaluated + EVALUATION_PAUSE).min(deadline.into())).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }
}

/// One trace and the index entries that it caused, which go when it goes.
#[derive(Debug, Default)]
pub(crate) struct TraceEntry {
    pub(crate) spans: Vec<Arc<Span>>,
    pub(crate) logs: Vec<Arc<LogRecord>>,
    keys: HashSet<Key>,
}

/// A way to find traces other than by their id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Correlation(Box<str>),
    Message(Box<str>),
    LinkTo(TraceId),
}

#[derive(Debug)]
enum Record {
    Span(Arc<Span>),
    Log(Arc<LogRecord>),
}

#[derive(Debug)]
struct ServiceRecords {
    stdout: Arc<Resource>,
    lines: u64,
    queue: VecDeque<Record>,
    stats: ServiceStats,
}

/// What the lock protects.
#[derive(Debug)]
pub(crate) struct Inner {
    limits: StoreLimits,
    pub(crate) traces: HashMap<TraceId, TraceEntry>,
    pub(crate) spans: HashMap<(TraceId, SpanId), Arc<Span>>,
    pub(crate) by_key: HashMap<Key, Vec<TraceId>>,
    pub(crate) series: SeriesTable,
    services: BTreeMap<Arc<str>, ServiceRecords>,
    bytes: usize,
    evicted_points: u64,
    rejected: u64,
    duplicates: u64,
}

impl Inner {
    fn new(limits: StoreLimits) -> Self {
        Self {
            series: SeriesTable::new(limits.max_series_per_service, limits.max_points_per_series),
            limits,
            traces: HashMap::new(),
            spans: HashMap::new(),
            by_key: HashMap::new(),
            services: BTreeMap::new(),
            bytes: 0,
            evicted_points: 0,
            rejected: 0,
            duplicates: 0,
        }
    }

    fn service(&mut self, name: &Arc<str>) -> Option<&mut ServiceRecords> {
        if !self.services.contains_key(name) {
            if self.services.len() >= self.limits.max_services {
                return None;
            }
            let stdout = Resource::named(name);
            let records = ServiceRecords { stdout, lines: 0, queue: VecDeque::new(), stats: ServiceStats::default() };
            self.services.insert(Arc::clone(name), records);
        }
        self.services.get_mut(name)
    }

    fn next_line(&mut self, service: &str) -> Option<(Arc<Resource>, u64)> {
        let Some(records) = self.service(&service.into()) else {
            self.rejected += 1;
            return None;
        };
        records.lines += 1;
        Some((Arc::clone(&records.stdout), records.lines))
    }

    fn add_span(&mut self, span: Span) {
        let id = (span.trace_id, span.span_id);
        if self.spans.contains_key(&id) {
            self.duplicates += 1;
            return;
        }
        let weight = span.weight();
        let span = Arc::new(span);
        let Some(records) = self.service(&span.resource.service) else {
            self.rejected += 1;
            return;
        };
        records.queue.push_back(Record::Span(Arc::clone(&span)));
        records.stats.spans += 1;
        records.stats.bytes += weight;
        records.stats.dropped_parts += u64::from(span.dropped);
        self.bytes += weight;
        if let Some(id) = span.correlation_id() {
            self.index(span.trace_id, Key::Correlation(id.into()));
        }
        if let Some(id) = span.message_id() {
            self.index(span.trace_id, Key::Message(id.into()));
        }
        for link in &span.links {
            self.index(span.trace_id, Key::LinkTo(link.trace_id));
        }
        self.traces.entry(id.0).or_default().spans.push(Arc::clone(&span));
        self.spans.insert(id, Arc::clone(&span));
        self.enforce_service(&span.resource.service);
    }

    fn add_log(&mut self, log: LogRecord) {
        let weight = log.weight();
        let log = Arc::new(log);
        let Some(records) = self.service(&log.resource.service) else {
            self.rejected += 1;
            return;
        };
        records.queue.push_back(Record::Log(Arc::clone(&log)));
        records.stats.logs += 1;
        records.stats.bytes += weight;
        self.bytes += weight;
        if let Some(trace_id) = log.trace_id {
            self.traces.entry(trace_id).or_default().logs.push(Arc::clone(&log));
        }
        self.enforce_service(&log.resource.service);
    }

    fn index(&mut self, trace_id: TraceId, key: Key) {
        let entry = self.traces.entry(trace_id).or_default();
        if entry.keys.insert(key.clone()) {
            self.by_key.entry(key).or_default().push(trace_id);
        }
    }

    /// Gives up a service's own oldest records until it is within its share.
    fn enforce_service(&mut self, service: &Arc<str>) {
        while self.services.get(service).is_some_and(|records| records.stats.bytes > self.limits.max_service_bytes) {
            if !self.evict(service) {
                return;
            }
        }
    }

    /// Gives up the oldest records of whichever service holds most, so that a chatty service costs itself first.
    fn enforce_total(&mut self) {
        while self.bytes > self.limits.max_bytes {
            let largest =
                self.services.iter().max_by_key(|(_, records)| records.stats.bytes).map(|(name, _)| Arc::clone(name));
            let Some(largest) = largest else { return };
            if !self.evict(&largest) {
                return;
            }
        }
    }

    fn evict(&mut self, service: &Arc<str>) -> bool {
        let Some(records) = self.services.get_mut(service) else {
            return false;
        };
        let (trace_id, weight) = match records.queue.pop_front() {
            None => return false,
            Some(Record::Span(span)) => {
                records.stats.spans -= 1;
                records.stats.evicted_spans += 1;
                records.stats.evicted_until_ns = records.stats.evicted_until_ns.max(span.start_ns);
                self.spans.remove(&(span.trace_id, span.span_id));
                if let Some(entry) = self.traces.get_mut(&span.trace_id) {
                    entry.spans.retain(|held| !Arc::ptr_eq(held, &span));
                }
                (Some(span.trace_id), span.weight())
            }
            Some(Record::Log(log)) => {
                records.stats.logs -= 1;
                records.stats.evicted_logs += 1;
                records.stats.evicted_until_ns = records.stats.evicted_until_ns.max(log.time_ns);
                if let Some(entry) = log.trace_id.and_then(|id| self.traces.get_mut(&id)) {
                    entry.logs.retain(|held| !Arc::ptr_eq(held, &log));
                }
                (log.trace_id, log.weight())
            }
        };
        records.stats.bytes -= weight;
        self.bytes -= weight;
        if let Some(trace_id) = trace_id {
            self.forget_empty(trace_id);
        }
        true
    }

    fn forget_empty(&mut self, trace_id: TraceId) {
        if self.traces.get(&trace_id).is_none_or(|entry| !entry.spans.is_empty() || !entry.logs.is_empty()) {
            return;
        }
        let keys = self.traces.remove(&trace_id).map(|entry| entry.keys).unwrap_or_default();
        for key in keys {
            if let Some(traces) = self.by_key.get_mut(&key) {
                traces.retain(|id| *id != trace_id);
                if traces.is_empty() {
                    self.by_key.remove(&key);
                }
            }
        }
    }

    pub(crate) fn stats(&self) -> StoreStats {
        let services: BTreeMap<String, ServiceStats> =
            self.services.iter().map(|(name, records)| (name.to_string(), records.stats)).collect();
        StoreStats {
            spans: self.spans.len(),
            traces: self.traces.len(),
            logs: services.values().map(|service| service.logs).sum(),
            series: self.series.all().len(),
            bytes: self.bytes,
            evicted: services.values().map(|service| service.evicted_spans + service.evicted_logs).sum(),
            evicted_points: self.evicted_points,
            rejected: self.rejected,
            duplicates: self.duplicates,
            services,
        }
    }

    /// Log records in the order in which they came, service by service.
    pub(crate) fn logs(&self) -> impl Iterator<Item = &Arc<LogRecord>> {
        self.services.values().flat_map(|records| &records.queue).filter_map(|record| match record {
            Record::Log(log) => Some(log),
            Record::Span(_) => None,
        })
    }

    /// Spans in the order in which they came, service by service.
    pub(crate) fn spans_in_order(&self) -> impl Iterator<Item = &Arc<Span>> {
        self.services.values().flat_map(|records| &records.queue).filter_map(|record| match record {
            Record::Span(span) => Some(span),
            Record::Log(_) => None,
        })
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
