-- Who buys: one row for each account, made when the account is.
CREATE TABLE buyers (
    id TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
);

-- Who sells: at most one row for each account, under the account's id.
CREATE TABLE sellers (
    id TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    full_name TEXT NOT NULL,
    description TEXT NOT NULL,
    oneliner TEXT NOT NULL,
    country TEXT NOT NULL,
    profile_picture TEXT NOT NULL,
    languages TEXT NOT NULL,
    skills TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

-- Counters live apart from the profiles: an event about somebody may arrive before the profile does.
CREATE TABLE buyer_counters (
    buyer_id TEXT NOT NULL PRIMARY KEY,
    ongoing BIGINT NOT NULL DEFAULT 0,
    completed BIGINT NOT NULL DEFAULT 0,
    cancelled BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE seller_counters (
    seller_id TEXT NOT NULL PRIMARY KEY,
    ongoing BIGINT NOT NULL DEFAULT 0,
    completed BIGINT NOT NULL DEFAULT 0,
    cancelled BIGINT NOT NULL DEFAULT 0,
    gigs BIGINT NOT NULL DEFAULT 0,
    rating_sum BIGINT NOT NULL DEFAULT 0,
    rating_count BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE buyer_ratings (
    buyer_id TEXT NOT NULL PRIMARY KEY,
    rating_sum BIGINT NOT NULL DEFAULT 0,
    rating_count BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE gig_ratings (
    gig_id TEXT NOT NULL PRIMARY KEY,
    rating_sum BIGINT NOT NULL DEFAULT 0,
    rating_count BIGINT NOT NULL DEFAULT 0
);

-- Minor units for each currency: amounts of different currencies cannot be added.
CREATE TABLE seller_earnings (
    seller_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (seller_id, currency)
);
