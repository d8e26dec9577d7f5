-- Users, sessions of both kinds, and what was ended before its time.
--
-- Times are seconds since 1970, ids and hashes are text, so that the same statements run on other databases.
-- `users.password_hash` holds any format that names itself: PHC (`$argon2id$...`) or werkzeug's
-- `method$salt$hex`. References from sessions to users are deliberately not enforced: the session of a removed
-- user has to stay until it would have expired, because its holder is told `user not found`.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- Raised by every change of a user or a revocation, in the same transaction: how a running service notices
-- what the console changed behind its back.
INSERT INTO meta (key, value) VALUES ('generation', '0');

CREATE TABLE users (
    id                  TEXT PRIMARY KEY NOT NULL,
    name                TEXT NOT NULL,
    name_folded         TEXT NOT NULL UNIQUE,
    password_hash       TEXT NOT NULL,
    level               TEXT NOT NULL CHECK (level IN ('Root', 'Admin', 'User')),
    epoch               BIGINT NOT NULL,
    must_change         BIGINT NOT NULL DEFAULT 0,
    created_at          BIGINT NOT NULL,
    password_changed_at BIGINT NOT NULL
);

-- One login: all refresh tokens that descend from it. `id` is the `sid` of its access tokens.
CREATE TABLE refresh_families (
    id           TEXT PRIMARY KEY NOT NULL,
    user_id      TEXT NOT NULL,
    epoch        BIGINT NOT NULL,
    device       TEXT NOT NULL,
    address      TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    ended_why    TEXT
);
CREATE INDEX refresh_families_user ON refresh_families (user_id);

CREATE TABLE refresh_tokens (
    hash       TEXT PRIMARY KEY NOT NULL,
    family_id  TEXT NOT NULL REFERENCES refresh_families (id) ON DELETE CASCADE,
    parent     TEXT,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    successor  TEXT
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);

-- Dashboard sessions. `sid` names the session in tokens and lists, `hash` is the cookie's SHA-256.
CREATE TABLE cookie_sessions (
    hash         TEXT PRIMARY KEY NOT NULL,
    sid          TEXT NOT NULL UNIQUE,
    user_id      TEXT NOT NULL,
    epoch        BIGINT NOT NULL,
    device       TEXT NOT NULL,
    address      TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX cookie_sessions_user ON cookie_sessions (user_id);

-- Either `sid`, or `sub` with the lowest epoch still good. Gone once no token could be valid any more.
CREATE TABLE revocations (
    id    TEXT PRIMARY KEY NOT NULL,
    sid   TEXT,
    sub   TEXT,
    epoch BIGINT,
    until BIGINT NOT NULL
);
