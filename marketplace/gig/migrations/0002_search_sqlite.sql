-- The full-text index of SQLite. An FTS5 row is found by its integer rowid only, so each gig has a document number.
CREATE TABLE gig_documents (
    doc_id INTEGER PRIMARY KEY,
    gig_id TEXT NOT NULL UNIQUE
);
CREATE VIRTUAL TABLE gig_index USING fts5 (title, description, category, tags, tokenize = 'unicode61 remove_diacritics 2');
