//! The thread that empties a queue: batches, conversion, delivery.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use super::answer::{self, Read};
use super::ending::{Done, Ending};
use super::halves::{self, Halve};
use super::retry::{Courier, Fate};
use super::{Delivery, ExportState, Queue, Signal, encode};
use crate::settings::Batching;
use crate::trace::Finished;

/// With a shorter delay the thread would spin on an empty queue.
const SHORTEST_DELAY: Duration = Duration::from_millis(10);

/// Where items are pushed, and how their export is ended.
pub(crate) type Started<T> = (Queue<T>, Arc<dyn Signal>);

/// Turns a batch into a request's bytes.
type Convert<T> = Box<dyn FnMut(Vec<T>) -> Vec<u8> + Send>;

/// A queue and the thread that empties it.
struct Exporter<T> {
    queue: Queue<T>,
    state: Arc<ExportState>,
    ending: Arc<Ending>,
}

/// Starts the export of spans; they are completed and redacted here, off the path of requests.
pub(super) fn export_spans(
    delivery: Delivery,
    state: ExportState,
    batching: Batching,
    resource: &Resource,
) -> std::io::Result<Started<Finished>> {
    let resource = encode::resource_spans(resource.into(), resource.schema_url().unwrap_or_default());
    let convert = move |spans: Vec<Finished>| encode::spans(spans.into_iter().map(SpanData::from), &resource);
    start("telemetry-spans", delivery, state, batching, (answer::spans, halves::spans), Box::new(convert))
}

/// Starts the export of log records, which come redacted.
pub(super) fn export_records(
    delivery: Delivery,
    state: ExportState,
    batching: Batching,
    resource: &Resource,
) -> std::io::Result<Started<LogRecord>> {
    let resource = encode::resource_logs(resource.into(), resource.schema_url().unwrap_or_default());
    let convert = move |records: Vec<LogRecord>| encode::records(records, &resource);
    start("telemetry-logs", delivery, state, batching, (answer::records, halves::records), Box::new(convert))
}

fn start<T: Send + 'static>(
    thread: &str,
    delivery: Delivery,
    state: ExportState,
    batching: Batching,
    format: (Read, Halve),
    convert: Convert<T>,
) -> std::io::Result<Started<T>> {
    let state = Arc::new(state);
    let queue = Queue::new(batching.capacity, batching.batch, Arc::clone(&state));
    let ending = Arc::new(Ending::default());
    let courier = Courier::new(delivery, Arc::clone(&state), Arc::clone(&ending), format);
    let delay = batching.delay.max(SHORTEST_DELAY);
    let taken = queue.clone();
    thread::Builder::new().name(thread.into()).spawn(move || run(&taken, courier, delay, convert))?;
    Ok((queue.clone(), Arc::new(Exporter { queue, state, ending })))
}

fn run<T>(queue: &Queue<T>, mut courier: Courier, delay: Duration, mut convert: Convert<T>) {
    let ending = Arc::clone(&courier.ending);
    let _done = Done(&ending);
    // What happens here must not become more to export.
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    let mut items = Vec::new();
    while queue.take(&mut items, delay) {
        while !items.is_empty() {
            let batch: Vec<T> = items.drain(..items.len().min(queue.batch())).collect();
            let count = batch.len();
            let fate = match catch_unwind(AssertUnwindSafe(|| convert(batch))) {
                Ok(message) => courier.deliver(message, count as u64),
                Err(_) => {
                    courier.state.fail(count as u64);
                    Fate::Settled
                }
            };
            if fate == Fate::Unsent {
                // Neither this batch nor what is behind it will leave; all of it counts as waiting.
                return;
            }
            queue.settle(count);
        }
    }
}

impl<T: Send> Signal for Exporter<T> {
    fn state(&self) -> &ExportState {
        &self.state
    }

    fn offered(&self) -> u64 {
        self.queue.offered()
    }

    fn processed(&self) -> u64 {
        self.queue.taken()
    }

    fn capacity(&self) -> Option<u64> {
        Some(self.queue.capacity() as u64)
    }

    fn end(&self, until: Instant) {
        self.ending.begin(until);
        self.queue.close();
    }

    fn ended(&self, until: Instant) -> bool {
        self.ending.ended(until)
    }
}
