-- Ids are UUIDv7, so that ordering by id is ordering by the time of creation.
CREATE TABLE gigs (
    id TEXT NOT NULL PRIMARY KEY,
    seller_id TEXT NOT NULL,
    seller_username TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    category TEXT NOT NULL,
    sub_categories TEXT NOT NULL,
    tags TEXT NOT NULL,
    price BIGINT NOT NULL,
    currency TEXT NOT NULL,
    delivery_days BIGINT NOT NULL,
    cover_image TEXT NOT NULL,
    active BIGINT NOT NULL,
    rating_sum BIGINT NOT NULL DEFAULT 0,
    rating_count BIGINT NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX gigs_by_seller ON gigs (seller_id, active);
CREATE INDEX gigs_by_category ON gigs (category, active);

-- What the users service says about sellers. A gig can be created before its seller's event arrives.
CREATE TABLE sellers (
    id TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    full_name TEXT NOT NULL,
    profile_picture TEXT NOT NULL,
    country TEXT NOT NULL,
    rating_sum BIGINT NOT NULL,
    rating_count BIGINT NOT NULL,
    revision BIGINT NOT NULL
);

-- The category that somebody looked at last.
CREATE TABLE selected_categories (
    username TEXT NOT NULL PRIMARY KEY,
    category TEXT NOT NULL
);
