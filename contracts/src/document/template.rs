//! Path templates: `/orders/{id}` and what they fit.

/// The values of a template's parameters in a path, by name; none when the path does not fit.
pub(super) fn parameters<'t, 'p>(template: &'t str, path: &'p str) -> Option<Vec<(&'t str, &'p str)>> {
    let (templates, segments) = (template.split('/'), path.split('/'));
    if template.split('/').count() != path.split('/').count() {
        return None;
    }
    let mut found = Vec::new();
    for (template, segment) in templates.zip(segments) {
        fit(template, segment, &mut found)?;
    }
    Some(found)
}

/// Names of the parameters, in order.
pub(super) fn names(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// How many segments have a parameter: of two templates that fit, the one with fewer is meant.
pub(super) fn openness(template: &str) -> usize {
    template.split('/').filter(|segment| segment.contains('{')).count()
}

/// One segment, which may have several parameters with text between them: `{year}-{month}.json`.
fn fit<'t, 'p>(template: &'t str, segment: &'p str, found: &mut Vec<(&'t str, &'p str)>) -> Option<()> {
    let Some((before, rest)) = template.split_once('{') else { return (template == segment).then_some(()) };
    let (name, after) = rest.split_once('}')?;
    let segment = segment.strip_prefix(before)?;
    let literal = after.split('{').next().unwrap_or_default();
    let end = match (literal.is_empty(), after.is_empty()) {
        (_, true) => segment.len(),
        // Two parameters without anything between them cannot be told apart: the first one takes a character.
        (true, false) => segment.chars().next().map(char::len_utf8)?,
        // The last literal must reach the end, an earlier one ends its parameter where it is first met.
        (false, false) if literal.len() == after.len() => segment.len().checked_sub(literal.len())?,
        (false, false) => segment.find(literal)?,
    };
    let value = segment.get(..end).filter(|value| !value.is_empty())?;
    found.push((name, value));
    fit(after, segment.get(end..)?, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_fits_paths_of_its_shape_only() {
        assert_eq!(parameters("/orders/{id}", "/orders/7"), Some(vec![("id", "7")]));
        assert_eq!(parameters("/orders", "/orders"), Some(vec![]));
        for path in ["/orders", "/orders/", "/orders/7/items", "/order/7"] {
            assert_eq!(parameters("/orders/{id}", path), None, "{path}");
        }
    }

    #[test]
    fn a_segment_may_have_several_parameters() {
        let found = parameters("/r/{year}-{month}.json", "/r/2026-01.json");
        assert_eq!(found, Some(vec![("year", "2026"), ("month", "01")]));
        assert_eq!(parameters("/r/{year}-{month}.json", "/r/2026-01.xml"), None);
        assert_eq!(parameters("/r/{a}{b}", "/r/xy"), Some(vec![("a", "x"), ("b", "y")]));
        assert_eq!(parameters("/r/{open", "/r/x"), None);
    }
}
