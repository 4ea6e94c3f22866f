//! `response-format-changed`: a text of a response or payload does not have the format any more that it had.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::patterns::formats;
use crate::diff::report::Report;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "response-format-changed",
    what: "A text of a response or payload does not have the format any more that it had.",
    why: "Whoever reads it by that format cannot.",
    breaking: "When a consumer reads it.",
    mend: "Put the new format into a field of its own.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Response {
        return;
    }

    let after = formats(pair.after);
    for format in formats(pair.before).into_iter().filter(|format| !after.contains(format)) {
        let now = if after.is_empty() { "any".to_owned() } else { format!("`{}`", after.join("` and `")) };
        report.add(pair.place(), format!("its format was `{format}` and is {now} now"), pair.users());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_format_that_a_consumer_reads_must_stay() {
        let with = |schema: serde_json::Value| answers(object(json!({ "at": schema })));
        let (any, time) = (with(json!({ "type": "string" })), with(json!({ "type": "string", "format": "date-time" })));
        breaks(RULE.id, &time, &any, &reads(json!({ "at": "2026-01-02T12:00:00Z" })));
        breaks(RULE.id, &time, &with(json!({ "type": "string", "format": "date" })), &reads(json!({ "at": "a" })));
        holds(&any, &time, &reads(json!({ "at": "2026-01-02T12:00:00Z" })));
    }
}
