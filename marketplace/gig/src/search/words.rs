//! The words of texts and queries: runs of letters and digits, without case and without accents.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The words of `text`, folded: `"Crème-Brûlée 2"` has `creme`, `brulee` and `2`.
///
/// Nothing else of it is left, so that nothing a person types is read as an operator of a query language.
pub(super) fn words(text: &str) -> Vec<String> {
    let folded: String = text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The first `most` characters of `word`.
pub(super) fn cut(word: &str, most: usize) -> String {
    word.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::words;

    #[test]
    fn case_and_accents_are_folded() {
        assert_eq!(words("Cr\u{e8}me-BR\u{db}L\u{c9}E 2, e\u{301}t\u{e9}"), ["creme", "brulee", "2", "ete"]);
        assert!(words("  -- \"' ").is_empty());
    }

    proptest! {
        #[test]
        fn words_hold_letters_and_digits_only(text in ".{0,200}") {
            for word in words(&text) {
                prop_assert!(!word.is_empty() && word.chars().all(char::is_alphanumeric), "{word:?}");
            }
        }
    }
}
