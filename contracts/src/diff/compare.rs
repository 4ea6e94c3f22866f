//! Comparing two documents.

use super::finding::Finding;
use super::pair::{EventPair, OperationPair, Versions};
use super::part::Part;
use super::report::Report;
use super::rules::{Check, NOT_COMPARED, RULES};
use super::usage::{Usage, Use};
use super::walk::Walk;
use crate::coverage::{Bound, bind};
use crate::document::{Content, Document, content_for};

/// Every change between two versions of a document that breaks somebody, or could, the worst first.
///
/// An OpenAPI document and an AsyncAPI document have nothing in common: all operations or events of the first are gone.
#[must_use]
pub fn diff(before: &Document, after: &Document, usage: &Usage) -> Vec<Finding> {
    let (before, after) = (before.model(), after.model());
    let (mut callers, mut listeners) =
        (vec![Vec::new(); before.operations.len()], vec![Vec::new(); before.events.len()]);
    let models = std::slice::from_ref(&before);
    for used in usage.uses() {
        match bind(models, &used.interaction, &used.talk) {
            Ok(Bound::Operation(operation)) => push(&mut callers, &before.operations, operation, used),
            Ok(Bound::Event(event)) => push(&mut listeners, &before.events, event, used),
            // Of another document of the provider, or of none: the coverage says so.
            Err(_) => {}
        }
    }
    let versions = Versions::new(&before, &after, callers, listeners);
    let mut report = Report::new(usage.is_known());
    for rule in RULES {
        report.by(rule.id);
        match rule.check {
            Check::Versions(check) => check(&versions, &mut report),
            Check::Operation(check) => versions.operations.iter().for_each(|pair| check(pair, &mut report)),
            Check::Event(check) => versions.events.iter().for_each(|pair| check(pair, &mut report)),
            Check::Schema(_) | Check::None => {}
        }
    }
    versions.operations.iter().for_each(|pair| schemas_of_operation(pair, &mut report));
    versions.events.iter().for_each(|pair| schemas_of_event(pair, &mut report));
    report.finish(NOT_COMPARED)
}

fn push<'u, T>(users: &mut [Vec<&'u Use>], all: &[T], one: &T, used: &'u Use) {
    let index = all.iter().position(|each| std::ptr::eq(each, one));
    if let Some(users) = index.and_then(|index| users.get_mut(index)) {
        users.push(used);
    }
}

fn schemas_of_operation(pair: &OperationPair<'_>, report: &mut Report) {
    let owner = pair.before.name();
    let (before, after) = (pair.before, pair.after);
    for parameter in &before.parameters {
        if let Some(other) = after.parameter_like(before, parameter) {
            let part = Part::Parameter(parameter.place, parameter.name);
            Walk::new(&owner, part, &part.of_operation(pair)).compare(&parameter.schema, &other.schema, report);
        }
    }
    if let (Some(body), Some(other)) = (&before.body, &after.body) {
        let readers = Part::RequestBody.of_operation(pair);
        for (content, other) in contents(&body.content, &other.content) {
            Walk::new(&owner, Part::RequestBody, &readers).compare(&content.schema, &other.schema, report);
        }
    }
    for (response, other) in pair.responses() {
        for header in &response.headers {
            if let Some(other) = other.headers.iter().find(|other| other.name.eq_ignore_ascii_case(header.name)) {
                let part = Part::ResponseHeader(response.status, header.name);
                Walk::new(&owner, part, &part.of_operation(pair)).compare(&header.schema, &other.schema, report);
            }
        }
        let part = Part::ResponseBody(response.status);
        let readers = part.of_operation(pair);
        for (content, other) in contents(&response.content, &other.content) {
            Walk::new(&owner, part, &readers).compare(&content.schema, &other.schema, report);
        }
    }
}

/// Forms of a body that both versions have.
fn contents<'c, 'a>(
    before: &'c [Content<'a>],
    after: &'c [Content<'a>],
) -> impl Iterator<Item = (&'c Content<'a>, &'c Content<'a>)> {
    before.iter().filter_map(|content| Some((content, content_for(after, content.media_type)?)))
}

fn schemas_of_event(pair: &EventPair<'_>, report: &mut Report) {
    let (before, after) = (pair.before, pair.after);
    for (part, before, after) in
        [(Part::Metadata, &before.headers, &after.headers), (Part::Payload, &before.payload, &after.payload)]
    {
        Walk::new(pair.before.name, part, &part.of_event(pair)).compare(before, after, report);
    }
}
