-- Payment intents that buyers asked for, each with the id of the one order it may pay.
CREATE TABLE intents (
    id         TEXT NOT NULL PRIMARY KEY,
    order_id   TEXT NOT NULL UNIQUE,
    buyer_id   TEXT NOT NULL,
    gig_id     TEXT NOT NULL,
    seller_id  TEXT NOT NULL,
    amount     BIGINT NOT NULL,
    fee        BIGINT NOT NULL,
    currency   TEXT NOT NULL,
    created_at TEXT NOT NULL
);

-- The timeline of each order: append-only facts, with the state after each.
CREATE TABLE order_facts (
    order_id       TEXT NOT NULL,
    version        BIGINT NOT NULL,
    fact           TEXT NOT NULL,
    state          TEXT NOT NULL,
    data           TEXT NOT NULL,
    correlation_id TEXT,
    at             TEXT NOT NULL,
    PRIMARY KEY (order_id, version)
);

-- The fold of each timeline, kept beside it for reading.
CREATE TABLE orders (
    id                TEXT NOT NULL PRIMARY KEY,
    version           BIGINT NOT NULL,
    status            TEXT NOT NULL,
    buyer_id          TEXT NOT NULL,
    seller_id         TEXT NOT NULL,
    gig_id            TEXT NOT NULL,
    payment_intent_id TEXT NOT NULL UNIQUE,
    amount            BIGINT NOT NULL,
    fee               BIGINT NOT NULL,
    currency          TEXT NOT NULL,
    snapshot          TEXT NOT NULL,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL
);
CREATE INDEX orders_by_buyer ON orders (buyer_id, created_at);
CREATE INDEX orders_by_seller ON orders (seller_id, created_at);

-- What the payment provider must still be told, written with the fact that demands it.
CREATE TABLE payment_actions (
    order_id   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    context    TEXT NOT NULL,
    attempts   BIGINT NOT NULL DEFAULT 0,
    last_error TEXT,
    created_at TEXT NOT NULL,
    done_at    TEXT,
    PRIMARY KEY (order_id, kind)
);
CREATE INDEX payment_actions_open ON payment_actions (created_at) WHERE done_at IS NULL;

CREATE TABLE notifications (
    id              TEXT NOT NULL PRIMARY KEY,
    user_to         TEXT NOT NULL,
    sender_username TEXT NOT NULL,
    order_id        TEXT NOT NULL,
    message         TEXT NOT NULL,
    is_read         BIGINT NOT NULL,
    created_at      TEXT NOT NULL
);
CREATE INDEX notifications_by_user ON notifications (user_to, created_at);
