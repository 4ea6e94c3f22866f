-- What was handed to the mail server; never the text, which may hold a token.
CREATE TABLE mails (
    message_id TEXT NOT NULL PRIMARY KEY,
    event_id TEXT NOT NULL,
    role TEXT NOT NULL,
    subject TEXT NOT NULL,
    sent_at TEXT NOT NULL
);
