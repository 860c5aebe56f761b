-- Who did what: one row an entry, written in the commit of what it tells, never changed. Each hash covers the one before it.
CREATE TABLE audit (
    chain    TEXT    NOT NULL,   -- ENV/SERVICE, or `controller`
    seq      INTEGER NOT NULL,   -- from 1
    hash     TEXT    NOT NULL,   -- sha256 of the hash before, a line feed and the document
    format   INTEGER NOT NULL,   -- of the document
    document TEXT    NOT NULL,   -- Audited as JSON: the very text that the hash is of
    PRIMARY KEY (chain, seq)
) STRICT;
