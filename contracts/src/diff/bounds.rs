//! Smallest and largest values, lengths and counts of a schema, and how they moved.

use serde_json::Value;

use super::pair::SchemaPair;
use crate::document::Schema;

/// Keywords that bound something from below.
const LEAST: [&str; 4] = ["minLength", "minItems", "minimum", "exclusiveMinimum"];
/// Keywords that bound something from above.
const MOST: [&str; 4] = ["maxLength", "maxItems", "maximum", "exclusiveMaximum"];

/// Bounds that allow less than before, each as a sentence. Only among `keywords`.
pub(crate) fn tightened(pair: &SchemaPair<'_>, keywords: &[&str]) -> Vec<String> {
    moved(pair.before, pair.after, keywords, "tightened")
}

/// Bounds that allow more than before.
pub(crate) fn loosened(pair: &SchemaPair<'_>, keywords: &[&str]) -> Vec<String> {
    moved(pair.after, pair.before, keywords, "loosened")
}

fn moved(wide: &Schema<'_>, narrow: &Schema<'_>, keywords: &[&str], how: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    for keyword in keywords {
        let (from, to) = (limit(wide, keyword), limit(narrow, keyword));
        let narrower = match (from, to) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(from), Some(to)) => {
                if LEAST.contains(keyword) {
                    to > from
                } else {
                    to < from
                }
            }
        };
        if narrower {
            let (from, to) = if how == "loosened" { (to, from) } else { (from, to) };
            sentences.push(format!("`{keyword}` went from {} to {}", said(from), said(to)));
        }
    }
    sentences
}

fn limit(schema: &Schema<'_>, keyword: &str) -> Option<f64> {
    let values = schema.keyword(keyword).filter_map(Value::as_f64);
    match MOST.contains(&keyword) {
        true => values.reduce(f64::min),
        // No length and no count is less than nothing.
        false => values
            .reduce(f64::max)
            .filter(|limit| !(keyword.starts_with("min") && keyword != "minimum" && *limit <= 0.0)),
    }
}

fn said(limit: Option<f64>) -> String {
    limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string())
}
