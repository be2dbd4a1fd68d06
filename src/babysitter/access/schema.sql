-- What .a5c/server/access.db holds. Of tokens, cookies and codes it has keyed digests, never the text.
-- Times are nanoseconds since 1970; lists are JSON. Reference: docs/reference/access.md

CREATE TABLE IF NOT EXISTS facts (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS tokens (
    id         TEXT PRIMARY KEY,
    digest     BLOB NOT NULL CHECK (length(digest) = 32),
    kind       TEXT NOT NULL CHECK (kind IN ('agent', 'human', 'auditor', 'admin')),
    name       TEXT NOT NULL,
    person     TEXT NOT NULL,       -- '' unless kind is 'human'
    method     TEXT NOT NULL CHECK (method IN ('token', 'ssh')),
    workspaces TEXT,                -- NULL: all that are served
    scopes     TEXT,                -- NULL: not limited
    public_key TEXT NOT NULL,       -- of the key that signed in for it, or ''
    created_ns INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_ns INTEGER NOT NULL,
    revoked_ns INTEGER,
    revoked_by TEXT,
    used_ns    INTEGER,
    CHECK ((kind = 'human') = (person <> ''))
);

CREATE TABLE IF NOT EXISTS sessions (
    id         TEXT PRIMARY KEY,
    digest     BLOB NOT NULL CHECK (length(digest) = 32),
    person     TEXT NOT NULL CHECK (person <> ''),
    method     TEXT NOT NULL CHECK (method IN ('passkey', 'oidc')),
    issuer     TEXT NOT NULL,       -- of the groups, or ''
    groups     TEXT NOT NULL,
    public_key TEXT NOT NULL,       -- of the passkey, or ''
    roles      BLOB NOT NULL,       -- digest of the roles at sign-in
    created_ns INTEGER NOT NULL,
    used_ns    INTEGER NOT NULL,
    expires_ns INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_of_a_person ON sessions (person);

CREATE TABLE IF NOT EXISTS passkeys (
    credential BLOB PRIMARY KEY,
    person     TEXT NOT NULL CHECK (person <> ''),
    public_key TEXT NOT NULL,
    added_ns   INTEGER NOT NULL,
    invited_by TEXT NOT NULL,
    used_ns    INTEGER,
    name       TEXT NOT NULL DEFAULT ''  -- what its person calls the device
);
CREATE INDEX IF NOT EXISTS passkeys_of_a_person ON passkeys (person);

-- Who took which passkey away, and when; from a terminal no other file says so.
CREATE TABLE IF NOT EXISTS removed_passkeys (
    credential BLOB NOT NULL,
    person     TEXT NOT NULL,
    public_key TEXT NOT NULL,
    added_ns   INTEGER NOT NULL,
    removed_ns INTEGER NOT NULL,
    removed_by TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS invitations (
    id         TEXT PRIMARY KEY,
    digest     BLOB NOT NULL CHECK (length(digest) = 32),
    person     TEXT NOT NULL UNIQUE CHECK (person <> ''),
    may_sign   INTEGER NOT NULL,
    created_ns INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_ns INTEGER NOT NULL
);

-- Challenges that were answered, until they would have run out anyway.
CREATE TABLE IF NOT EXISTS spent (
    digest     BLOB PRIMARY KEY CHECK (length(digest) = 32),
    expires_ns INTEGER NOT NULL
);
