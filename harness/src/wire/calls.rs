//! Calls between services, from their spans.

use std::collections::BTreeMap;

use contracts::live::Call;

use crate::collector::{Span, SpanKind, View};

/// Every call from one service to another that is a provider, begun at or after `since_ns` (nanoseconds since the epoch):
/// replays of contracts are in the store too, and prove nothing of who calls whom. `providers` are the names in the pacts by
/// service.
pub(crate) fn calls<'v>(
    view: &'v View<'v>,
    providers: &'v BTreeMap<String, Vec<String>>,
    since_ns: u64,
) -> impl Iterator<Item = Call> + 'v {
    let served = view.spans().filter(move |span| span.kind == SpanKind::Server && span.start_ns >= since_ns);
    served.flat_map(move |span| {
        let names = providers.get(span.service()).map_or(&[][..], Vec::as_slice);
        let caller = (!names.is_empty()).then(|| caller(view, span)).flatten();
        let operation = caller.zip(operation(span));
        operation.into_iter().flat_map(move |(consumer, (method, route))| {
            // A provider that is a consumer too goes by the same name there.
            let consumer = providers.get(consumer).and_then(|names| names.first()).map_or(consumer, String::as_str);
            names.iter().map(move |provider| Call {
                consumer: consumer.to_owned(),
                provider: provider.clone(),
                method: method.to_owned(),
                route: route.to_owned(),
            })
        })
    })
}

/// The other service whose client span caused this one.
fn caller<'v>(view: &View<'v>, span: &Span) -> Option<&'v str> {
    let parent = view.span(span.trace_id, span.parent?)?;
    let other = parent.kind == SpanKind::Client && parent.service() != span.service();
    (other && parent.service() != crate::journey::CLIENT).then(|| parent.service())
}

/// Method and route: from the attributes, else from the name, which is `METHOD /route` by convention.
fn operation(span: &Span) -> Option<(&str, &str)> {
    let method = span.attributes.text("http.request.method");
    let route = span.attributes.text("http.route").or_else(|| span.attributes.text("url.path"));
    let named = span.name.split_once(' ').filter(|(method, route)| {
        route.starts_with('/') && !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase())
    });
    method.zip(route).or(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::{Resource, Store, Value};

    fn span(service: &str, number: u64, parent: Option<u64>, kind: SpanKind, attributes: &[(&str, &str)]) -> Span {
        Span {
            trace_id: format!("{:032x}", 1).parse().expect("a trace id"),
            span_id: format!("{number:016x}").parse().expect("a span id"),
            parent: parent.map(|parent| format!("{parent:016x}").parse().expect("a span id")),
            resource: Resource::named(service),
            scope: "test".into(),
            name: "a span".into(),
            kind,
            start_ns: number,
            end_ns: number + 1,
            status: Default::default(),
            status_message: "".into(),
            attributes: attributes
                .iter()
                .map(|(key, value)| (std::sync::Arc::from(*key), Value::from(*value)))
                .collect(),
            links: Box::from([]),
            events: Box::from([]),
            dropped: 0,
        }
    }

    #[test]
    fn call_is_a_server_span_under_the_client_span_of_another_service() {
        let store = Store::default();
        let get = [("http.request.method", "GET"), ("http.route", "/orders/{id}")];
        let post = [("http.request.method", "POST"), ("url.path", "/pay")];
        store.ingest_spans(vec![
            span("client", 1, None, SpanKind::Client, &[]),
            span("gateway", 2, Some(1), SpanKind::Server, &get),
            span("gateway", 3, Some(2), SpanKind::Client, &[]),
            span("order", 4, Some(3), SpanKind::Server, &get),
            Span { name: "GET /orders/{id}".into(), ..span("order", 8, Some(3), SpanKind::Server, &[]) },
            span("order", 5, Some(4), SpanKind::Client, &[]),
            // A third party is nobody's provider.
            span("bank", 6, Some(5), SpanKind::Server, &post),
            span("order", 7, Some(4), SpanKind::Server, &post),
        ]);
        let providers = BTreeMap::from([
            ("order".to_owned(), vec!["orders".to_owned()]),
            ("gateway".to_owned(), vec!["front".to_owned()]),
        ]);
        let found: Vec<Call> = store.read(|view| calls(view, &providers, 4).collect());
        let call = Call {
            consumer: "front".to_owned(),
            provider: "orders".to_owned(),
            method: "GET".to_owned(),
            route: "/orders/{id}".to_owned(),
        };
        assert_eq!(found, [call.clone(), call], "by its attributes, and by its name");
    }
}
