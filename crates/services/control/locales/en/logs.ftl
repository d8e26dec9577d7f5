### The page of logs.

logs-programs = Programs
logs-no-programs = There is no program whose log you may read.
logs-search = Search
logs-search-hint = text or regular expression
logs-output = Output
logs-both = both
logs-from = From
logs-to = To
logs-wrap = Wrap lines
logs-show = Show
logs-lines = Log lines
logs-choose = Tick one or more programs and choose “Show”.
logs-none = { $name } has written no log yet, or goes into the log of the supervisor.
logs-no-times = The lines of { $name } carry no times, so the time range does not apply to them.
logs-bad-search = The search is no regular expression: { $reason }. Put a backslash before . * + ? ( ) [ ] {"{"} {"}"} | ^ $ that mean themselves.
logs-no-match = No line fits
logs-match = Match { NUMBER($number) } of { NUMBER($count) }
logs-cut = (the log is long: only its end was searched)
logs-prev = Older match
logs-next = Newer match
logs-latest = Newest lines
logs-older = Older lines
logs-newer = Newer lines
logs-download = Download
logs-waiting = new lines wait
