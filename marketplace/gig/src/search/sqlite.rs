//! SQLite's index: FTS5, which folds words by itself.

use platform::{Connected, Observed};

use super::{Match, Query};
use crate::domain::Gig;

pub(super) fn condition(parameter: usize) -> String {
    format!(
        "g.id IN (SELECT d.gig_id FROM gig_index JOIN gig_documents d ON d.doc_id = gig_index.rowid
                  WHERE gig_index MATCH ${parameter})"
    )
}

pub(super) fn text(query: &Query) -> String {
    let quoted: Vec<String> = query.words.iter().map(|word| format!("\"{word}\"")).collect();
    match query.matching {
        Match::Every => format!("{} *", quoted.join(" ")),
        Match::Any => quoted.join(" OR "),
    }
}

pub(super) async fn put(db: &mut Observed<impl Connected>, gig: &Gig) -> Result<(), sqlx::Error> {
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

pub(super) async fn remove(db: &mut Observed<impl Connected>, gig_id: &str) -> Result<(), sqlx::Error> {
    let doc: Option<(i64,)> = sqlx::query_as("DELETE FROM gig_documents WHERE gig_id = $1 RETURNING doc_id")
        .bind(gig_id)
        .fetch_optional(&mut *db)
        .await?;
    if let Some((doc,)) = doc {
        sqlx::query("DELETE FROM gig_index WHERE rowid = $1").bind(doc).execute(db).await?;
    }
    Ok(())
}
