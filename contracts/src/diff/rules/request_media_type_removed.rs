//! `request-media-type-removed`: a request may not have a body of this media type any more.

use super::{Check, Rule};
use crate::coverage::Talk;
use crate::diff::pair::OperationPair;
use crate::diff::part::Part;
use crate::diff::report::Report;
use crate::document::content_for;

pub(super) const RULE: Rule = Rule {
    id: "request-media-type-removed",
    what: "A request may not have a body of this media type any more.",
    why: "A request with it is refused with 415.",
    breaking: "When a consumer sends a body of this type.",
    mend: "Accept both types.",
    check: Check::Operation(check),
};

fn check(pair: &OperationPair<'_>, report: &mut Report) {
    let Some(before) = &pair.before.body else { return };
    let after = pair.after.body.as_ref().map(|body| body.content.as_slice()).unwrap_or_default();
    for content in before.content.iter().filter(|content| content_for(after, content.media_type).is_none()) {
        let sends = |talk: &Talk| match talk {
            Talk::Http(exchange) => exchange.body.as_ref().is_some_and(|body| {
                let media_type = body.media_type.as_deref().unwrap_or("application/json");
                content_for(std::slice::from_ref(content), media_type).is_some()
            }),
            Talk::Message(_) => false,
        };
        let users = pair.uses.iter().copied().filter(|used| sends(&used.talk)).collect();
        let place = format!("{}: {}", pair.before.name(), Part::RequestBody);
        report.add(place, format!("`{}` is not accepted any more", content.media_type), users);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_media_type_that_a_consumer_sends_must_stay() {
        let with = |media_type: &str| {
            operation(json!({ "requestBody": { "content": { media_type: {} } }, "responses": { "200": {} } }))
        };
        breaks(RULE.id, &with("application/json"), &with("text/csv"), &sends(json!({})));
        holds(&with("application/json"), &with("application/*"), &sends(json!({})));
    }
}
