//! The full-text index of gigs, kept in the transaction that changes a gig. What each database has of its own for this is
//! in a module of its own, and nowhere else.

mod postgres;
mod sqlite;
mod words;

use platform::{Backend, Connected, Observed};

use crate::domain::Gig;

/// Words of a query beyond this many are ignored.
const MAX_WORDS: usize = 16;
/// Longest word of a query, in characters; the rest of it is ignored.
const MAX_WORD: usize = 40;

/// What is looked for: one word at least, each of letters and digits only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    words: Vec<String>,
    matching: Match,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Match {
    /// Every word; the last one may be incomplete.
    Every,
    /// Some word.
    Any,
}

impl Query {
    /// What a person typed: gigs that hold every word; the last one may be incomplete. None when there is no word in it.
    #[must_use]
    pub fn every_word(text: &str) -> Option<Self> {
        Self::of(bounded(text), Match::Every)
    }

    /// Gigs that share some word of `text` of more than three characters. None when there is no such word in it.
    #[must_use]
    pub fn any_word(text: &str) -> Option<Self> {
        let long = bounded(text).into_iter().filter(|word| word.chars().count() > 3);
        Self::of(long.collect(), Match::Any)
    }

    fn of(words: Vec<String>, matching: Match) -> Option<Self> {
        (!words.is_empty()).then_some(Self { words, matching })
    }

    /// In the query language of `backend`, to be bound for [`condition`].
    #[must_use]
    pub fn text(&self, backend: Backend) -> String {
        match backend {
            Backend::Sqlite => sqlite::text(self),
            Backend::Postgres => postgres::text(self),
        }
    }
}

fn bounded(text: &str) -> Vec<String> {
    words::words(text).into_iter().take(MAX_WORDS).map(|word| words::cut(&word, MAX_WORD)).collect()
}

/// The condition, for the `WHERE` of a query on `gigs g`, that a gig matches the query bound as `parameter`.
#[must_use]
pub fn condition(backend: Backend, parameter: usize) -> String {
    match backend {
        Backend::Sqlite => sqlite::condition(parameter),
        Backend::Postgres => postgres::condition(parameter),
    }
}

/// Puts a gig into the index, or replaces what the index holds of it.
pub async fn put(db: &mut Observed<impl Connected>, gig: &Gig) -> Result<(), sqlx::Error> {
    match Backend::of(db) {
        Backend::Sqlite => sqlite::put(db, gig).await,
        Backend::Postgres => postgres::put(db, gig).await,
    }
}

/// Takes a gig out of the index.
pub async fn remove(db: &mut Observed<impl Connected>, gig_id: &str) -> Result<(), sqlx::Error> {
    match Backend::of(db) {
        Backend::Sqlite => sqlite::remove(db, gig_id).await,
        Backend::Postgres => postgres::remove(db, gig_id).await,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn every(text: &str) -> Option<[String; 2]> {
        Query::every_word(text).map(|query| [Backend::Sqlite, Backend::Postgres].map(|backend| query.text(backend)))
    }

    #[test]
    fn last_word_may_be_incomplete() {
        assert_eq!(every("Logo d\u{e9}si").unwrap(), ["\"logo\" \"desi\" *", "'logo' & 'desi':*"]);
        assert_eq!(every("  -- \"' "), None);
    }

    #[test]
    fn operators_are_only_words() {
        let query = every("title:x OR NEAR(y) & !z:*").unwrap();
        assert_eq!(query[0], "\"title\" \"x\" \"or\" \"near\" \"y\" \"z\" *");
        assert_eq!(query[1], "'title' & 'x' & 'or' & 'near' & 'y' & 'z':*");
    }

    #[test]
    fn similar_gigs_share_a_long_word() {
        let similar = Query::any_word("a logo for your bakery").unwrap();
        assert_eq!(similar.text(Backend::Sqlite), "\"logo\" OR \"your\" OR \"bakery\"");
        assert_eq!(similar.text(Backend::Postgres), "'logo' | 'your' | 'bakery'");
        assert_eq!(Query::any_word("a b"), None);
    }

    proptest! {
        #[test]
        fn queries_are_bounded_and_balanced(text in ".{0,400}") {
            if let Some([sqlite, postgres]) = every(&text) {
                for (query, quote) in [(sqlite, '"'), (postgres, '\'')] {
                    let quotes = query.matches(quote).count();
                    prop_assert!(quotes <= 2 * MAX_WORDS && quotes % 2 == 0, "{query}");
                }
            }
        }
    }
}
