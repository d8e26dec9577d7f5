### The page of one program, and what its buttons do.

log = Log
log-file = Log file
log-cut = Only the end of the log is shown.
log-empty = Nothing has been written yet.
log-none = This program keeps no log for this channel.
follow = Follow
refresh = Refresh
did-start = { $name } was started.
did-stop = { $name } was stopped.
did-restart = { $name } was restarted.
did-send = The request for { $name } is on its way; the state shows what comes of it.
action-refused = { $name }: { $reason }
why-already-started = it runs already
why-not-running = it does not run
why-start-failed = it ended right after its start; the log may say why
why-spawn = it could not be started: { $reason }
why-still-stopping = it has not stopped yet; try again in a moment
why-shutting-down = pistack is shutting down
why-unknown = there is no program of this name any more
why-level = your level does not allow this
confirm-title = Are you sure?
confirm-stop = { $name } is part of pistack itself. When it is stopped, this dashboard stops working until someone starts it again on the console (pistack start { $name }).
confirm-restart = { $name } is part of pistack itself. While it restarts, this dashboard is away for a few seconds.
confirm-stop-button = Stop it
confirm-restart-button = Restart it
