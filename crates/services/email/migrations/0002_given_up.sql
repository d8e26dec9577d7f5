-- Mails of the rules that were given up and of which the rules do not know yet: their channel's fallback is to have them.
CREATE TABLE given_up (
  seq INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  reason TEXT NOT NULL
);
