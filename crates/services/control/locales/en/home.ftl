### The home page: programs and their states.

programs = Programs
group-solo = Programs
group-stack = pistack’s own services
no-programs = No program is configured.
col-program = Program
col-state = State
col-since = Since
col-pid = PID
col-group = Group
col-details = Details
col-actions = Actions
start = Start
stop = Stop
restart = Restart
filter = Filter
filter-nothing = No program fits the filter.
live = Live
live-lost = Connection lost, trying again
all-up = { $count ->
        [one] The one program is running
       *[other] All { $count } programs are running
    }
some-up = { $count ->
        [one] { NUMBER($up) } of { $count } program is running
       *[other] { NUMBER($up) } of { $count } programs are running
    }
none-at-all = No programs
not-for-level = Your level does not include the programs. Ask for the level Admin to see them or Root to control them.
supervisor-down = The supervisor service does not answer just now. The programs themselves keep running.
events-lost = Live updates are paused: the supervisor service does not answer.
changed-to = { $name }: { $state }
state-running = running
state-starting = starting
state-backoff = retrying
state-stopping = stopping
state-stopped = stopped
state-finished = finished
state-exited = exited
state-fatal = failed
state-unknown = unknown
detail-exit = exit status { $code }
detail-signal = ended by a signal
detail-never = never started
col-restarts = Restarts
show-all = all
show-down = down
show-changed = changed
show-title = Which programs
group-all = All groups
filter-apply = Show
spark-text = CPU over ten minutes: { $low } to { $high }, now { $now }
select = Select { $name }
several-title = With the selected programs
did-several = { $count ->
        [one] Asked for it for one program.
       *[other] Asked for it for { $count } programs.
    }
several-none = No program was selected.
several-refused = { $count ->
        [one] One program refused: { $names }
       *[other] { $count } programs refused: { $names }
    }
undo = Undo
start-it-again = Start it again
