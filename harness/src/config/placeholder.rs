//! `${...}` in configured text.

use std::fmt::Write as _;

/// Why a text with placeholders could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceholderError {
    /// `${` without `}`.
    #[error("`{0}` has a `${{` that is never closed; a literal `${{` is written `$${{`")]
    Unclosed(String),
    /// A name that means nothing here.
    #[error("unknown placeholder `${{{0}}}`")]
    Unknown(String),
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Literal(&'t str),
    Name(&'t str),
}

/// The names in `text`, in order; stops silently at a placeholder that is not closed (see [`expand`] for the error).
#[must_use]
pub fn names(text: &str) -> Vec<&str> {
    pieces(text)
        .map_while(Result::ok)
        .filter_map(|piece| match piece {
            Piece::Name(name) => Some(name),
            Piece::Literal(_) => None,
        })
        .collect()
}

/// `text` with every `${name}` replaced by what `value` returns for it, and `$${` by `${`.
///
/// # Errors
///
/// The first placeholder that is not closed or for which `value` returns nothing.
///
/// ```
/// # use shakedown::config::placeholder::expand;
/// let filled = expand("127.0.0.1:${port}", |name| (name == "port").then(|| "81".to_owned()));
/// assert_eq!(filled.as_deref(), Ok("127.0.0.1:81"));
/// ```
pub fn expand(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> Result<String, PlaceholderError> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece? {
            Piece::Literal(literal) => filled.push_str(literal),
            Piece::Name(name) => {
                let value = value(name).ok_or_else(|| PlaceholderError::Unknown(name.to_owned()))?;
                // Writing to a string cannot fail.
                let _ = filled.write_str(&value);
            }
        }
    }
    Ok(filled)
}

fn pieces(text: &str) -> impl Iterator<Item = Result<Piece<'_>, PlaceholderError>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(after) = rest.strip_prefix("$${") {
            rest = after;
            return Some(Ok(Piece::Literal("${")));
        }
        if let Some(after) = rest.strip_prefix("${") {
            let Some(end) = after.find('}') else {
                rest = "";
                return Some(Err(PlaceholderError::Unclosed(text.to_owned())));
            };
            let name = &after[..end];
            rest = &after[end + 1..];
            return Some(Ok(Piece::Name(name)));
        }
        // The next placeholder or escape, but never at 0: a lone `$` is a literal.
        let start = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[start..]
            .match_indices('$')
            .map(|(at, _)| at + start)
            .find(|&at| rest[at..].starts_with("${") || rest[at..].starts_with("$${"))
            .unwrap_or(rest.len());
        let (literal, after) = rest.split_at(end);
        rest = after;
        Some(Ok(Piece::Literal(literal)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn upper(name: &str) -> Option<String> {
        (name != "none").then(|| name.to_uppercase())
    }

    #[test]
    fn placeholders_are_replaced_and_escapes_kept() {
        assert_eq!(expand("a${b:c}d$${e}$f$", upper).as_deref(), Ok("aB:Cd${e}$f$"));
        assert_eq!(names("${a}-$${no}-${b:x-y}"), ["a", "b:x-y"]);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(expand("x${none}", upper), Err(PlaceholderError::Unknown("none".to_owned())));
        let unclosed = expand("x${port", upper).unwrap_err();
        assert_eq!(unclosed.to_string(), "`x${port` has a `${` that is never closed; a literal `${` is written `$${`");
    }

    proptest! {
        #[test]
        fn any_text_is_expanded_or_refused(text in ".*") {
            let _ = expand(&text, upper);
            let _ = names(&text);
        }

        #[test]
        fn text_without_a_dollar_is_kept(text in "[^$]*") {
            prop_assert_eq!(expand(&text, upper), Ok(text));
        }
    }
}
