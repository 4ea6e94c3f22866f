//! `request-format-changed`: a text of a request must have another format than before.

use super::{Check, Rule};
use crate::diff::pair::SchemaPair;
use crate::diff::patterns::formats;
use crate::diff::report::Report;
use crate::document::Side;

pub(super) const RULE: Rule = Rule {
    id: "request-format-changed",
    what: "A text of a request must have another format than before.",
    why: "A request that was allowed may be refused.",
    breaking: "When a consumer sends the text.",
    mend: "Accept the old format too.",
    check: Check::Schema(check),
};

fn check(pair: &SchemaPair<'_>, report: &mut Report) {
    if pair.part.side() != Side::Request {
        return;
    }

    let before = formats(pair.before);
    for format in formats(pair.after).into_iter().filter(|format| !before.contains(format)) {
        let was = if before.is_empty() { "any".to_owned() } else { format!("`{}`", before.join("` and `")) };
        report.add(pair.place(), format!("its format was {was} and is `{format}` now"), pair.users());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RULE;
    use crate::diff::testing::*;

    #[test]
    fn a_format_must_not_become_narrower() {
        let with = |schema: serde_json::Value| takes(object(json!({ "id": schema })));
        let (any, uuid) = (with(json!({ "type": "string" })), with(json!({ "type": "string", "format": "uuid" })));
        breaks(RULE.id, &any, &uuid, &sends(json!({ "id": "a" })));
        holds(&uuid, &any, &sends(json!({ "id": "a" })));
    }
}
