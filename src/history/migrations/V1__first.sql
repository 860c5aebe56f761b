-- One row a target: its whole history, replaced as one, at an expected revision (compare and set).
CREATE TABLE history (
    target   TEXT    NOT NULL PRIMARY KEY,   -- ENV/SERVICE
    revision INTEGER NOT NULL,               -- 1 at the first commit, one more at each
    format   INTEGER NOT NULL,               -- of the document
    document TEXT    NOT NULL                -- TargetHistory as JSON
) STRICT;

-- One row a rollout, open or closed, written in the commit of the history that holds it; stays when the history no longer does.
CREATE TABLE record (
    rollout      TEXT    NOT NULL PRIMARY KEY,   -- UUID
    target       TEXT    NOT NULL,               -- ENV/SERVICE
    seen_at_ms   INTEGER NOT NULL,               -- milliseconds since 1970 UTC
    closed_at_ms INTEGER,                        -- none while it is open
    format       INTEGER NOT NULL,               -- of the document
    document     TEXT    NOT NULL                -- Record as JSON
) STRICT;
CREATE INDEX record_by_target ON record (target, seen_at_ms DESC, rollout DESC);

-- What is needed to know and restore a version; written once, never changed.
CREATE TABLE content (
    target      TEXT    NOT NULL,   -- ENV/SERVICE
    name        TEXT    NOT NULL,   -- what people call the version
    fingerprint TEXT    NOT NULL,   -- what it is
    format      INTEGER NOT NULL,   -- of this row; the document is the platform's own and carries its own
    document    TEXT    NOT NULL,
    PRIMARY KEY (target, name, fingerprint)
) STRICT;
CREATE INDEX content_by_fingerprint ON content (fingerprint);

-- What is durable beyond single targets: one row at most.
CREATE TABLE controller (
    only     INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    revision INTEGER NOT NULL,
    format   INTEGER NOT NULL,
    document TEXT    NOT NULL       -- ControllerState as JSON
) STRICT;
