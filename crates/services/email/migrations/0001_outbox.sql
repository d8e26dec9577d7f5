-- Mails, in the order in which they were accepted. Times are milliseconds since 1970.
CREATE TABLE messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  message_id TEXT NOT NULL,
  -- Who asked: the user's id and name, or the stack itself.
  owner TEXT NOT NULL,
  owner_name TEXT NOT NULL,
  -- 1: answered when tried once, and never tried again.
  once INTEGER NOT NULL,
  -- 1: shown to nobody, deleted when it is out.
  sensitive INTEGER NOT NULL,
  state TEXT NOT NULL,
  subject TEXT NOT NULL,
  size BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  -- 1: the clock could be believed when it was accepted.
  dated INTEGER NOT NULL,
  not_before_ms BIGINT,
  -- The next try; NULL when there is none.
  next_ms BIGINT,
  expires_ms BIGINT NOT NULL,
  finished_ms BIGINT,
  tries INTEGER NOT NULL DEFAULT 0,
  lost_answers INTEGER NOT NULL DEFAULT 0,
  error TEXT
);
-- What waits, in order, and by time.
CREATE INDEX messages_pending ON messages (seq) WHERE next_ms IS NOT NULL;
CREATE INDEX messages_next ON messages (next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX messages_state ON messages (state, seq);
CREATE INDEX messages_owner ON messages (owner, seq);
CREATE INDEX messages_message_id ON messages (message_id);

-- The mails themselves: as they are sent, and as they are read (JSON).
CREATE TABLE bodies (
  seq INTEGER PRIMARY KEY REFERENCES messages (seq) ON DELETE CASCADE,
  raw BLOB NOT NULL,
  content TEXT NOT NULL
);

CREATE TABLE recipients (
  seq INTEGER NOT NULL REFERENCES messages (seq) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  address TEXT NOT NULL,
  state TEXT NOT NULL,
  code INTEGER,
  text TEXT,
  PRIMARY KEY (seq, position)
);

CREATE TABLE attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  seq INTEGER NOT NULL REFERENCES messages (seq) ON DELETE CASCADE,
  at_ms BIGINT NOT NULL,
  took_ms BIGINT NOT NULL,
  stage TEXT NOT NULL,
  outcome TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX attempts_of ON attempts (seq, id);
CREATE INDEX attempts_at ON attempts (at_ms);

-- Keys of requests, each good for seven days.
CREATE TABLE idempotency (
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  hash TEXT NOT NULL,
  id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_at ON idempotency (created_ms);

-- What came back, by webhook.
CREATE TABLE bounces (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  message TEXT,
  recipient TEXT NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  at_ms BIGINT NOT NULL
);
CREATE INDEX bounces_of ON bounces (message);
