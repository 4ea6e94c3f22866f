//! PostgreSQL's index: a `tsvector` of words that are folded here, so that both databases find the same gigs.

use platform::{Connected, Observed};

use super::words::{cut, words};
use super::{Match, Query};
use crate::domain::Gig;

/// Longest word that the index takes, in characters; PostgreSQL's own limit is 2046 bytes.
const MAX_LEXEME: usize = 500;

pub(super) fn condition(parameter: usize) -> String {
    format!("g.id IN (SELECT gig_id FROM gig_documents WHERE words @@ CAST(${parameter} AS tsquery))")
}

pub(super) fn text(query: &Query) -> String {
    let quoted: Vec<String> = query.words.iter().map(|word| format!("'{word}'")).collect();
    match query.matching {
        Match::Every => format!("{}:*", quoted.join(" & ")),
        Match::Any => quoted.join(" | "),
    }
}

pub(super) async fn put(db: &mut Observed<impl Connected>, gig: &Gig) -> Result<(), sqlx::Error> {
    let texts = [&gig.title, &gig.description, &gig.category].into_iter().chain(&gig.sub_categories).chain(&gig.tags);
    let words: Vec<String> = texts.flat_map(|text| words(text)).map(|word| cut(&word, MAX_LEXEME)).collect();
    // Words hold no spaces, so that they come apart where they were put together.
    sqlx::query(
        "INSERT INTO gig_documents (gig_id, words) VALUES ($1, array_to_tsvector(string_to_array($2, ' ')))
         ON CONFLICT (gig_id) DO UPDATE SET words = EXCLUDED.words",
    )
    .bind(&gig.id)
    .bind(words.join(" "))
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn remove(db: &mut Observed<impl Connected>, gig_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM gig_documents WHERE gig_id = $1").bind(gig_id).execute(db).await?;
    Ok(())
}
