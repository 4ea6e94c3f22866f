-- Mails that were begun, so that a process that starts again knows which were sent. One that has no time of sending was
-- cut off: whether the mail server took it is not known, so it is sent again, and `attempts` tells.
CREATE TABLE mails (
    message_id TEXT NOT NULL PRIMARY KEY,
    attempts   BIGINT NOT NULL,
    begun_at   TEXT NOT NULL,
    sent_at    TEXT
);
CREATE INDEX mails_begun ON mails (begun_at);
