### What happened on the board.

events-lead = What happened on this board, in one line of time: about the last ten thousand events of programs, 30 days of rules, 90 days of logins.
events-kinds = Show only
events-program = Programs
events-rule = Rules
events-login = Logins
events-gpio = GPIO
events-config = Configuration
events-clock = Clock
events-power = Power and disk
events-stack = Stack
events-search = Search
events-search-hint = program, rule, text
events-utc = From and to are in UTC.
events-subject = About
events-by = From
events-none = Nothing like that happened.
events-count = { $count ->
        [one] One event
       *[other] { $count } events
    }
events-missing = { $what } are missing here: { $reason }
events-of-programs = Events of programs and of the stack
events-of-rules = Firings of rules
events-of-logins = Logins
events-of-lines = Edges of GPIO lines
events-runs = runs
events-ended = ended as expected
events-crashed = ended unexpectedly
events-backoff = ended too soon after its start; attempt { $tries }
events-fatal = could not be started and was given up
events-stopped = was stopped
events-rose = went high
events-fell = went low
events-hook = the hook was called
events-group-added = added to the configuration
events-group-removed = removed from the configuration
events-supervisor-runs = The supervisor runs
events-supervisor-stops = The supervisor is stopping
events-left-out = { $count ->
        [one] (one more before this is left out)
       *[other] ({ $count } more before this are left out)
    }
events-fired = fired because of { $key }
events-digest = { $count ->
        [one] spoke again about { $key }: once more
       *[other] spoke again about { $key }: { $count } more times
    }
events-resolved = is over for { $key }
events-action-failed = { $action } failed: { $detail }
events-refused = refused: { $what }
rules-down = The rules do not answer just now. They are restarted by themselves; try again in a few seconds.
mail-down = The mail service does not answer just now. It is restarted by itself; mails that wait are safe.
events-clock-jumped = The clock jumped by { $seconds } s.
events-rules-read = Rules and channels were read again.
