-- The full-text index of PostgreSQL. Words come in folded, so that no dictionary and no locale has a say in them.
CREATE TABLE gig_documents (
    gig_id TEXT NOT NULL PRIMARY KEY,
    words TSVECTOR NOT NULL
);
CREATE INDEX gig_documents_by_word ON gig_documents USING GIN (words);
