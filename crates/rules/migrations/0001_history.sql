-- What the rules did. A firing is written once when it happens, and once more when its actions have ended.
CREATE TABLE firing (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  rule TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  severity TEXT NOT NULL,
  count INTEGER NOT NULL,
  since INTEGER NOT NULL,
  why TEXT NOT NULL,
  event TEXT NOT NULL,
  results TEXT NOT NULL
);
CREATE INDEX firing_rule ON firing(rule, id);

-- Messages to channels: the queue and, once they are through, its history.
CREATE TABLE delivery (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  firing INTEGER,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,
  created INTEGER NOT NULL,
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  count INTEGER NOT NULL,
  severity INTEGER NOT NULL,
  manual INTEGER NOT NULL,
  chain TEXT NOT NULL,
  rule TEXT NOT NULL,
  title TEXT NOT NULL,
  message TEXT NOT NULL,
  finished INTEGER,
  detail TEXT NOT NULL
);
CREATE INDEX delivery_queue ON delivery(channel, state, id);
CREATE INDEX delivery_firing ON delivery(firing);

-- Matches that did not become a firing, counted by reason.
CREATE TABLE held (
  rule TEXT NOT NULL,
  key TEXT NOT NULL,
  why TEXT NOT NULL,
  count INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (rule, key, why)
);
