-- Where a person is told of what happens to the account, and accounts that are closed for a while.
--
-- Types and clauses as in 0001: they mean the same on SQLite and PostgreSQL.

ALTER TABLE users ADD COLUMN email TEXT;
ALTER TABLE users ADD COLUMN disabled BIGINT NOT NULL DEFAULT 0;
