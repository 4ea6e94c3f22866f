//! The full-text index of gigs, kept in the transaction that changes a gig. This module is all that knows FTS5.

use crate::domain::Gig;
use platform::{Connected, Observed};

/// Words of a query beyond this many are ignored.
const MAX_WORDS: usize = 16;
/// Longest word of a query, in characters; the rest of it is ignored.
const MAX_WORD: usize = 40;

/// The condition, for the `WHERE` of a query on `gigs g`, that a gig matches the full-text query bound as `parameter`.
#[must_use]
pub fn condition(parameter: usize) -> String {
    format!(
        "g.id IN (SELECT d.gig_id FROM gig_index JOIN gig_documents d ON d.doc_id = gig_index.rowid
                  WHERE gig_index MATCH ${parameter})"
    )
}

/// Turns what a person typed into a full-text query for gigs that hold every word; the last one may be incomplete.
/// None when there is no word in it.
#[must_use]
pub fn every_word(text: &str) -> Option<String> {
    let words = words(text);
    let (last, others) = words.split_last()?;
    let mut query: String = others.iter().map(|word| format!("\"{word}\" ")).collect();
    query.push_str(&format!("\"{last}\" *"));
    Some(query)
}

/// Turns a text into a full-text query for gigs that share some word with it. None when there is no word in it.
#[must_use]
pub fn any_word(text: &str) -> Option<String> {
    let quoted: Vec<String> =
        words(text).into_iter().filter(|word| word.chars().count() > 3).map(|word| format!("\"{word}\"")).collect();
    (!quoted.is_empty()).then(|| quoted.join(" OR "))
}

/// Only letters and digits pass, so that nothing a person types is read as an operator of the query language.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MAX_WORDS)
        .map(|word| word.chars().take(MAX_WORD).collect())
        .collect()
}

/// Puts a gig into the index, or replaces what the index holds of it.
pub async fn put(db: &mut Observed<impl Connected>, gig: &Gig) -> Result<(), sqlx::Error> {
    remove(db, &gig.id).await?;
    let (doc,): (i64,) = sqlx::query_as("INSERT INTO gig_documents (gig_id) VALUES ($1) RETURNING doc_id")
        .bind(&gig.id)
        .fetch_one(&mut *db)
        .await?;
    sqlx::query("INSERT INTO gig_index (rowid, title, description, category, tags) VALUES ($1, $2, $3, $4, $5)")
        .bind(doc)
        .bind(&gig.title)
        .bind(&gig.description)
        .bind(format!("{} {}", gig.category, gig.sub_categories.join(" ")))
        .bind(gig.tags.join(" "))
        .execute(db)
        .await?;
    Ok(())
}

/// Takes a gig out of the index.
pub async fn remove(db: &mut Observed<impl Connected>, gig_id: &str) -> Result<(), sqlx::Error> {
    let doc: Option<(i64,)> = sqlx::query_as("DELETE FROM gig_documents WHERE gig_id = $1 RETURNING doc_id")
        .bind(gig_id)
        .fetch_optional(&mut *db)
        .await?;
    if let Some((doc,)) = doc {
        sqlx::query("DELETE FROM gig_index WHERE rowid = $1").bind(doc).execute(db).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn last_word_may_be_incomplete() {
        assert_eq!(every_word("logo desi").as_deref(), Some("\"logo\" \"desi\" *"));
        assert_eq!(every_word("  -- \"' "), None);
    }

    #[test]
    fn operators_are_only_words() {
        assert_eq!(every_word("title:x OR NEAR(y)").as_deref(), Some("\"title\" \"x\" \"OR\" \"NEAR\" \"y\" *"));
    }

    #[test]
    fn similar_gigs_share_a_long_word() {
        assert_eq!(any_word("a logo for you").as_deref(), Some("\"logo\""));
        assert_eq!(any_word("a b"), None);
    }

    proptest! {
        #[test]
        fn queries_are_bounded_and_balanced(text in ".{0,400}") {
            if let Some(query) = every_word(&text) {
                prop_assert!(query.matches('"').count() <= 2 * MAX_WORDS);
                prop_assert_eq!(query.matches('"').count() % 2, 0);
            }
        }
    }
}
