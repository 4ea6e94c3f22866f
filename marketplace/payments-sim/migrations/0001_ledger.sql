CREATE TABLE intents (
    id             TEXT NOT NULL PRIMARY KEY,
    amount         BIGINT NOT NULL,
    currency       TEXT NOT NULL,
    status         TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    order_id       TEXT NOT NULL,
    metadata       TEXT NOT NULL,
    created        TEXT NOT NULL
);

-- Double entry: each row takes `amount` from the account `debit` and gives it to the account `credit`.
CREATE TABLE entries (
    seq             BIGINT NOT NULL PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    type            TEXT NOT NULL,
    transaction_id  TEXT NOT NULL,
    payment_intent  TEXT NOT NULL,
    order_id        TEXT NOT NULL,
    amount          BIGINT NOT NULL,
    currency        TEXT NOT NULL,
    debit           TEXT NOT NULL,
    credit          TEXT NOT NULL,
    idempotency_key TEXT,
    created         TEXT NOT NULL
);
CREATE INDEX entries_by_intent ON entries (payment_intent);

-- Answers already given, by idempotency key.
CREATE TABLE answers (
    key         TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status      BIGINT NOT NULL,
    body        TEXT NOT NULL,
    created     TEXT NOT NULL
);
