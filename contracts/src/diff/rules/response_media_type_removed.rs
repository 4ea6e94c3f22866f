//! `response-media-type-removed`: a response does not come in this media type any more.

use super::{Check, Rule};
use crate::coverage::Talk;
use crate::diff::pair::OperationPair;
use crate::diff::part::Part;
use crate::diff::report::Report;
use crate::document::content_for;

pub(super) const RULE: Rule = Rule {
    id: "response-media-type-removed",
    what: "A response does not come in this media type any more.",
    why: "Whoever reads it gets another one, or 406.",
    breaking: "When a consumer reads a body of this type.",
    mend: "Offer both types.",
    check: Check::Operation(check),
};

fn check(pair: &OperationPair<'_>, report: &mut Report) {
    for (before, after) in pair.responses() {
        for content in before.content.iter().filter(|content| content_for(&after.content, content.media_type).is_none())
        {
            let reads = |talk: &Talk| match talk {
                Talk::Http(exchange) => exchange.answer.as_ref().is_some_and(|body| {
                    let media_type = body.media_type.as_deref().unwrap_or("application/json");
                    content_for(std::slice::from_ref(content), media_type).is_some()
                }),
                Talk::Message(_) => false,
            };
            let users = pair.expecting(before.status).into_iter().filter(|used| reads(&used.talk)).collect();
            let place = format!("{}: {}", pair.before.name(), Part::ResponseBody(before.status));
            report.add(place, format!("`{}` does not come any more", content.media_type), users);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_media_type_that_a_consumer_reads_must_stay() {
        let with = |media_types: &[&str]| {
            let content: serde_json::Map<_, _> =
                media_types.iter().map(|each| ((*each).to_owned(), json!({}))).collect();
            operation(json!({ "responses": { "200": { "content": content } } }))
        };
        breaks(RULE.id, &with(&["application/json"]), &with(&["text/csv"]), &reads(json!({})));
        holds(&with(&["application/json"]), &with(&["application/json", "text/csv"]), &reads(json!({})));
    }
}
