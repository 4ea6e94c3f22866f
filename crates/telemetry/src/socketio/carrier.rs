//! The context in whatever pairs of names and texts a handshake has.

use crate::context::MessageContext;
use crate::correlation;

/// Reads the context from the headers of a handshake, or the fields of its `auth` object; names match in any case, and of
/// those that are there twice the first counts.
///
/// ```
/// let auth = [("token", "..."), ("X-Correlation-Id", "order-42")];
/// assert_eq!(telemetry::socketio::context_from(auth).correlation_id.as_deref(), Some("order-42"));
/// ```
#[must_use]
pub fn context_from<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> MessageContext {
    let mut context = MessageContext::default();
    for (name, value) in pairs {
        let fields = [
            ("traceparent", &mut context.traceparent),
            ("tracestate", &mut context.tracestate),
            ("baggage", &mut context.baggage),
            (correlation::HEADER, &mut context.correlation_id),
        ];
        for (known, field) in fields {
            if name.eq_ignore_ascii_case(known) && field.is_none() {
                *field = Some(value.to_owned());
            }
        }
    }
    context
}
