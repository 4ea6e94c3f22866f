-- One row for each review; either side of an order reviews the other at most once.
CREATE TABLE reviews (
    id TEXT NOT NULL PRIMARY KEY,
    order_id TEXT NOT NULL,
    gig_id TEXT NOT NULL,
    buyer_id TEXT NOT NULL,
    seller_id TEXT NOT NULL,
    reviewed TEXT NOT NULL CHECK (reviewed IN ('seller', 'buyer')),
    reviewer_id TEXT NOT NULL,
    reviewer_username TEXT NOT NULL,
    rating BIGINT NOT NULL CHECK (rating BETWEEN 1 AND 5),
    text TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (order_id, reviewed)
);

CREATE INDEX reviews_by_gig ON reviews (gig_id, created_at);
CREATE INDEX reviews_by_seller ON reviews (seller_id, created_at);
