//! The envelope that every consumer expects around every event: CloudEvents attributes, trace and correlation id.

use contracts::consumer::MessagePact;
use pact_consumer::prelude::*;
use pact_consumer::{like, term};

/// RFC 3339.
pub(crate) const TIME: &str = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$";
/// An example of it.
pub(crate) const NOON: &str = "2026-01-02T12:00:00.000000Z";

/// An event of type `event_type` that `provider` tells `consumer`.
#[track_caller]
pub(crate) fn event(consumer: &str, provider: &str, description: &str, event_type: &str) -> MessagePact {
    MessagePact::new(consumer, provider, description)
        .metadata("contentType", "application/json")
        .metadata("cloudEvents:specversion", "1.0")
        .metadata(
            "cloudEvents:id",
            term!("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "0198c2a4-7d1e-7000-8000-000000000001"),
        )
        .metadata("cloudEvents:type", event_type)
        .metadata("cloudEvents:source", format!("/marketplace/{provider}"))
        .metadata("cloudEvents:subject", like!("subject-1"))
        .metadata("cloudEvents:time", term!(TIME, NOON))
        .metadata(
            "traceparent",
            term!(
                "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            ),
        )
        .metadata("x-correlation-id", term!("^[A-Za-z0-9._-]{1,128}$", "0198c2a4-7d1e-7000-8000-000000000002"))
}
