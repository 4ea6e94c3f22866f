-- What is to be told to open sockets: written in the transaction of what it tells, read by every link to a gateway, and
-- removed after some minutes. `context` is the trace and correlation id of the request.
CREATE TABLE pushes (
    id TEXT NOT NULL PRIMARY KEY,
    event TEXT NOT NULL,
    usernames TEXT NOT NULL,
    message TEXT NOT NULL,
    context TEXT NOT NULL,
    pushed_at BIGINT NOT NULL
);
CREATE INDEX pushes_by_time ON pushes (pushed_at, id);

-- Gateways with a link to any instance of this service; one that is not seen for a while has died.
CREATE TABLE gateways (
    id TEXT NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);

-- Who has an open socket on which gateway.
CREATE TABLE presence (
    gateway TEXT NOT NULL,
    username TEXT NOT NULL,
    PRIMARY KEY (gateway, username)
);

-- Counts changes of `presence`, so that instances of this service read all of it only when it has changed.
CREATE TABLE presence_version (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO presence_version (id, version) VALUES (1, 0);
