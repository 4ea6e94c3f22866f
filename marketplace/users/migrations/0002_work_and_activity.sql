-- How a seller works: what was handed over, and how often more time was asked for and granted.
CREATE TABLE seller_work (
    seller_id TEXT NOT NULL PRIMARY KEY,
    deliveries BIGINT NOT NULL DEFAULT 0,
    extensions_requested BIGINT NOT NULL DEFAULT 0,
    extensions_granted BIGINT NOT NULL DEFAULT 0,
    extensions_refused BIGINT NOT NULL DEFAULT 0
);

-- What happened to an account's access, for its owner to see whether it was them.
CREATE TABLE account_activity (
    account_id TEXT NOT NULL PRIMARY KEY,
    verifications BIGINT NOT NULL DEFAULT 0,
    resets BIGINT NOT NULL DEFAULT 0,
    password_changes BIGINT NOT NULL DEFAULT 0,
    last_at TEXT NOT NULL
);
