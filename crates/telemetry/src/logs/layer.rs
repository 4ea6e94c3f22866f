//! The layer that turns events into lines.
//!
//! A span's fields are encoded when it is made and copied into each line written inside it. Buffers belong to the thread, so a
//! line costs no allocation once they have grown. Nothing that belongs to the caller (`Debug`, `Display`) runs while a lock is
//! held: it may log, too.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context as OtelContext;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::bridge;
use super::fields::{Encoded, Fields, Message};
use super::ids::Ids;
use super::keys::Keys;
use super::line::Target;
use super::lines::Lines;
use super::record;
use super::spans::{Seen, SpanFields};
use super::timestamp::{Clock, since_1970};
use crate::{correlation, redact};

/// Bytes that each of a thread's buffers keeps after a line.
const MAX_KEPT: usize = 64 * 1024;

pub(super) struct LogLayer(pub(super) Arc<Lines>);

struct Buffers {
    line: String,
    message: Message,
    event: Encoded,
    scratch: String,
    seen: Seen,
    keys: Keys,
    clock: Clock,
}

impl Default for Buffers {
    fn default() -> Self {
        // What a thread made last is destroyed first: as long as there are buffers, there are ids to ask for.
        OtelContext::map_current(correlation::of);
        Self {
            line: String::with_capacity(1024),
            message: Message::default(),
            event: Encoded::default(),
            scratch: String::new(),
            seen: Seen::default(),
            keys: Keys::default(),
            clock: Clock::default(),
        }
    }
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// Calls `work` with this thread's buffers. A `Debug` implementation that logs comes here while they are in use, and gets its
/// own. A thread that is being torn down has none, and what it says is lost.
#[inline]
fn with_buffers(work: impl FnOnce(&mut Buffers)) {
    let _ = BUFFERS.try_with(|buffers| match buffers.try_borrow_mut() {
        Ok(mut buffers) => {
            work(&mut buffers);
            buffers.shrink();
        }
        Err(_) => work(&mut Buffers::default()),
    });
}

impl Buffers {
    /// Gives back what an unusually long line took: each thread would keep it for good.
    #[inline]
    fn shrink(&mut self) {
        for text in
            [&mut self.line, &mut self.message.encoded, &mut self.message.body, &mut self.event.text, &mut self.scratch]
        {
            if text.capacity() > MAX_KEPT {
                // What stands in them has been used.
                text.clear();
                text.shrink_to(MAX_KEPT);
            }
        }
    }

    #[inline]
    fn encode(&mut self, lines: &Lines, is_event: bool, record: impl FnOnce(&mut Fields<'_>)) {
        self.event.clear();
        self.message.clear();
        self.keys.refresh();
        record(&mut Fields {
            style: lines.style,
            keys: &mut self.keys,
            out: &mut self.event,
            message: is_event.then_some(&mut self.message),
            scratch: &mut self.scratch,
            typed: lines.sink.is_some(),
        });
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.0.filter.set_dispatch(dispatch);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.0.filter.interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        self.0.filter.ask(metadata, |filter| filter.enabled(metadata, context))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.filter.max_level()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.0.filter.follow(|filter| filter.on_new_span(attributes, id, context.clone()));
        let Some(span) = context.span(id) else { return };
        with_buffers(|buffers| {
            buffers.encode(&self.0, false, |fields| attributes.record(fields));
            // Whoever names a parent means it, wherever the span is made.
            let named = (!attributes.is_contextual()).then(|| inherited(span.parent().into_iter())).flatten();
            let mut ids = named.unwrap_or_else(Ids::current);
            if ids.is_empty() {
                ids = inherited(span.parent().into_iter()).unwrap_or_default();
            }
            let fields = SpanFields::new(&mut buffers.event, ids);
            span.extensions_mut().replace(fields);
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.0.filter.follow(|filter| filter.on_record(id, values, context.clone()));
        let Some(span) = context.span(id) else { return };
        with_buffers(|buffers| {
            buffers.encode(&self.0, false, |fields| values.record(fields));
            if let Some(known) = span.extensions_mut().get_mut::<SpanFields>() {
                known.add(&mut buffers.event, &mut buffers.keys);
            }
        });
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let now = since_1970();
        if self.0.admit(event.metadata(), now) {
            with_buffers(|buffers| write(&self.0, now, event, &context, buffers));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.0.filter.follow(|filter| filter.on_enter(id, context));
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.0.filter.follow(|filter| filter.on_exit(id, context));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.filter.follow(|filter| filter.on_close(id, context));
    }
}

/// The ids of the innermost span that has some.
fn inherited<'a, R>(mut scope: impl Iterator<Item = SpanRef<'a, R>>) -> Option<Ids>
where
    R: LookupSpan<'a> + 'a,
{
    scope.find_map(|span| {
        let extensions = span.extensions();
        extensions.get::<SpanFields>().map(|fields| fields.ids.clone()).filter(|ids| !ids.is_empty())
    })
}

fn write<S>(lines: &Lines, now: Duration, event: &Event<'_>, context: &Context<'_, S>, buffers: &mut Buffers)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let original = bridge::original(event);
    let metadata = original.as_ref().unwrap_or_else(|| event.metadata());
    buffers.encode(lines, true, |fields| match original {
        None => event.record(fields),
        Some(_) => event.record(&mut bridge::MessageOnly(fields)),
    });
    let Buffers { line, message, event: fields, seen, keys, clock, .. } = buffers;
    line.clear();
    // What others call their records may be made at run time.
    let bridged = original.as_ref().map(|original| redact::text(original.target()));
    let target = match &bridged {
        Some(target) => Target { name: target, plain: false },
        None => Target::from(keys.get(event.metadata().target())),
    };
    lines.style.start((clock, now), *metadata.level(), target, &message.encoded, line);
    line.push_str(&lines.service);

    // The operation that is running here says best where the line belongs. An event with a parent of its own belongs to that
    // one; and outside of any operation, the innermost span that was made inside one knows which it was.
    let scope = || context.event_scope(event).into_iter().flatten();
    let named = event.parent().is_some().then(|| inherited(scope())).flatten();
    let mut ids = named.unwrap_or_else(Ids::current);
    if ids.is_empty() {
        ids = inherited(scope()).unwrap_or_default();
    }
    ids.write(lines.style, line);

    let mut outer = scope().peekable();
    if outer.peek().is_some() {
        seen.start(fields);
        for span in outer {
            if let Some(span) = span.extensions().get::<SpanFields>() {
                span.write(seen, line);
            }
        }
    }
    line.push_str(&fields.text);
    if let Some(original) = &original {
        bridge::place(lines.style, original, line);
    }
    lines.style.end(line);
    lines.writer.write(line);

    if let Some(sink) = &lines.sink
        && record::is_exported(metadata.target())
    {
        let mut record = record::new(now, *metadata.level(), &message.body, &ids);
        record.attributes.append(&mut fields.attributes);
        for span in scope() {
            if let Some(span) = span.extensions().get::<SpanFields>() {
                span.export(&mut record.attributes);
            }
        }
        record::source(metadata, &mut record.attributes);
        sink.push(record);
    }
}
