//! Versions in the names of events.

use crate::document::Event;

/// An event that is the same in another version: `order.placed.v2` after `order.placed.v1`.
pub(crate) fn successor<'m, 'a>(events: &'m [Event<'a>], event: &Event<'_>) -> Option<&'m Event<'a>> {
    let (base, version) = split(event.name);
    events.iter().find(|other| {
        let (other_base, other_version) = split(other.name);
        other_base == base && other_version != version
    })
}

/// A name without its version, and the version: digits at the end, after a `v` or a separator.
fn split(name: &str) -> (&str, Option<&str>) {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let stem = base.trim_end_matches(['v', 'V']);
    let separated = stem.trim_end_matches(['.', '-', '_', '/', ':']);
    // `OrderPlacedV2` has no separator, but a `v`; `order.placed.2` has one, but no `v`; `sha256` has neither.
    let marked = stem.len() < base.len() || separated.len() < stem.len();
    match base.len() < name.len() && marked && !separated.is_empty() {
        true => (separated, Some(&name[base.len()..])),
        false => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_digits_after_a_mark() {
        for (name, base, version) in [
            ("order.placed.v1", "order.placed", Some("1")),
            ("OrderPlacedV12", "OrderPlaced", Some("12")),
            ("order-placed-2", "order-placed", Some("2")),
            ("sha256", "sha256", None),
            ("order.placed", "order.placed", None),
            ("v1", "v1", None),
        ] {
            assert_eq!(split(name), (base, version), "{name}");
        }
    }
}
