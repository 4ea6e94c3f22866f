-- Ids and times are TEXT (RFC 3339, so that text order is time order), yes and no BIGINT 1 and 0.

CREATE TABLE pacticipants (
    name TEXT PRIMARY KEY,
    main_branch TEXT,
    repository_url TEXT,
    created_at TEXT NOT NULL
);

-- `position` orders the versions of all: which is the latest is decided by when it was first heard of.
CREATE TABLE versions (
    position BIGINT PRIMARY KEY,
    pacticipant TEXT NOT NULL REFERENCES pacticipants (name),
    number TEXT NOT NULL,
    build_url TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (pacticipant, number)
);

-- A version that is published again on a branch becomes its latest again.
CREATE TABLE branch_versions (
    pacticipant TEXT NOT NULL,
    branch TEXT NOT NULL,
    number TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (pacticipant, branch, number)
);

CREATE TABLE tags (
    pacticipant TEXT NOT NULL,
    tag TEXT NOT NULL,
    number TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (pacticipant, tag, number)
);

-- What a pact says, by the hash of its canonical form: the same expectations are kept once, and verified once.
CREATE TABLE contents (
    hash TEXT PRIMARY KEY,
    document TEXT NOT NULL
);

CREATE TABLE pacts (
    consumer TEXT NOT NULL,
    consumer_number TEXT NOT NULL,
    provider TEXT NOT NULL REFERENCES pacticipants (name),
    content TEXT NOT NULL REFERENCES contents (hash),
    created_at TEXT NOT NULL,
    PRIMARY KEY (consumer, consumer_number, provider)
);

CREATE INDEX pacts_by_provider ON pacts (provider, consumer);

CREATE INDEX pacts_by_content ON pacts (content);

CREATE TABLE verifications (
    id BIGINT PRIMARY KEY,
    content TEXT NOT NULL REFERENCES contents (hash),
    consumer TEXT NOT NULL,
    consumer_number TEXT NOT NULL,
    provider TEXT NOT NULL,
    provider_number TEXT NOT NULL,
    success BIGINT NOT NULL,
    results TEXT NOT NULL,
    build_url TEXT,
    verified_by TEXT,
    created_at TEXT NOT NULL
);

CREATE INDEX verifications_by_content ON verifications (content, provider);

CREATE TABLE environments (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    production BIGINT NOT NULL,
    created_at TEXT NOT NULL
);

-- `kind` is `deployed` (replaces what was deployed before under the same target) or `released` (stands beside it).
CREATE TABLE placements (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    pacticipant TEXT NOT NULL,
    number TEXT NOT NULL,
    environment TEXT NOT NULL REFERENCES environments (id),
    target TEXT NOT NULL,
    created_at TEXT NOT NULL,
    ended_at TEXT
);

CREATE INDEX placements_there ON placements (environment, ended_at);
