-- Grants, API tokens, second factors, known devices and places, and the record of what happened.
--
-- Types and clauses as in 0001: they mean the same on SQLite and PostgreSQL.

-- What a person may beyond the level. `grants` is a list separated by spaces; with `limited` the person may nothing
-- but these.
CREATE TABLE user_rights (
    user_id TEXT PRIMARY KEY NOT NULL,
    grants  TEXT NOT NULL,
    limited BIGINT NOT NULL DEFAULT 0
);

-- `id` is the `sid` of the access tokens it is exchanged for; `hash` is the token's SHA-256.
CREATE TABLE api_tokens (
    id           TEXT PRIMARY KEY NOT NULL,
    hash         TEXT NOT NULL UNIQUE,
    user_id      TEXT NOT NULL,
    name         TEXT NOT NULL,
    scope        TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX api_tokens_user ON api_tokens (user_id);

-- One TOTP secret a person, sealed. `confirmed_at` is set by the first right code; until then it guards nothing.
-- `last_step` is the newest time step of which a code was taken: no code counts twice.
CREATE TABLE second_factors (
    user_id      TEXT PRIMARY KEY NOT NULL,
    sealed       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step    BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE recovery_codes (
    hash    TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL
);
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);

-- Devices that logged in before and were asked to be remembered: guesses of others do not slow them down.
CREATE TABLE known_devices (
    hash       TEXT PRIMARY KEY NOT NULL,
    user_id    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX known_devices_user ON known_devices (user_id);

-- Networks from which a person has logged in.
CREATE TABLE known_places (
    user_id TEXT NOT NULL,
    place   TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, place)
);

-- `clock` says whether the time could be trusted, `boot` tells the runs of the machine apart.
CREATE TABLE audit (
    seq        BIGINT PRIMARY KEY NOT NULL,
    at         BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    clock      TEXT NOT NULL,
    boot       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    actor_id   TEXT,
    actor_name TEXT,
    subject    TEXT,
    address    TEXT NOT NULL,
    device     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    times      BIGINT NOT NULL
);
CREATE INDEX audit_at ON audit (at);
