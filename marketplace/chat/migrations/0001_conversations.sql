-- A conversation has two people; `first` is the one whose name sorts first, so that there is one row for each pair.
CREATE TABLE conversations (
    id TEXT NOT NULL PRIMARY KEY,
    first TEXT NOT NULL,
    second TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (first, second)
);
CREATE INDEX conversations_by_second ON conversations (second);

-- Ids are UUIDv7, so that ordering by id is ordering by time.
CREATE TABLE messages (
    id TEXT NOT NULL PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations (id),
    sender TEXT NOT NULL,
    receiver TEXT NOT NULL,
    body TEXT NOT NULL,
    offer TEXT,
    offer_status TEXT,
    is_read BIGINT NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL
);
CREATE INDEX messages_by_conversation ON messages (conversation_id, id);
