-- What was deleted while somebody may still ask about the version: that it expects nothing any more is not known.
CREATE TABLE withdrawn (
    consumer TEXT NOT NULL,
    consumer_number TEXT NOT NULL,
    provider TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (consumer, consumer_number, provider)
);

CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    description TEXT,
    enabled BIGINT NOT NULL,
    consumer TEXT,
    provider TEXT,
    events TEXT NOT NULL,
    request TEXT NOT NULL,
    created_at TEXT NOT NULL
);

-- `state` is `waiting`, `succeeded` or `failed`; while it waits, nobody tries before `next_at`.
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    webhook TEXT NOT NULL REFERENCES webhooks (id),
    event TEXT NOT NULL,
    occasion TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE INDEX deliveries_due ON deliveries (state, next_at);

CREATE INDEX deliveries_of ON deliveries (webhook);

CREATE TABLE attempts (
    delivery TEXT NOT NULL REFERENCES deliveries (id),
    number BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (delivery, number)
);
