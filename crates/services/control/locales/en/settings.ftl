### Settings.

set-title = Settings
set-look = Language and theme
set-channels = Channels
set-channels-lead = By these the board tells people what happens: from rules, and of what concerns accounts.
set-no-channels = There is no channel yet. Write one into pistack.toml:
set-to = Leads to
set-last = Last message
set-test = Send test
set-test-sent = The test message went through { $channel }.
set-test-failed = The test message did not go through { $channel }: { $reason }
set-sent = sent
set-handed-over = given to the fallback
set-waiting = waiting
set-failed = failed
set-unused = none yet
set-waiting-count = { $count ->
    [one] one message is waiting
   *[other] { $count } messages are waiting
}
set-rules-down = The rules service does not answer just now.
set-gateway-down = The gateway does not tell of this just now.
set-trust = Scan this with a phone, or open the page on the device that is to trust the board. It has the steps for each system; compare the fingerprint below.
set-root = Root of the local authority
set-local = This board’s certificate
set-configured = Your certificate, from the configuration
set-imported = Your certificate, imported
set-acme = Certificate of a public authority
set-not-shown = not shown to browsers
set-for = For
set-issuer = Signed by
set-until = Until
set-fingerprint = SHA-256
set-days-left = { $days ->
    [one] one day left
   *[other] { $days } days left
}
set-good = good
set-soon = ends soon
set-bad = not good
set-copies = Copies of the accounts
set-copies-lead = { $count ->
    [one] A copy of the accounts is made every day, and the newest one is kept on the board. When the accounts are damaged, it is put in their place.
   *[other] A copy of the accounts is made every day, and the newest { $count } are kept on the board. When the accounts are damaged, the newest good one is put in their place.
}
set-no-copies = No copy yet. The first one is made two minutes after the start.
set-copies-elsewhere = The accounts lie on a database server. Back them up there.
set-copy = Copy
set-copy-now = Copy now
set-size = Size
set-did-copy = A copy was made.
set-routes = Routes in force
set-routes-lead = What the gateway sends where, and who may. Counted since it started.
set-path = Address
set-who = For
set-requests = Requests
set-request-count = { $requests }, of them { $errors } failed
set-route-down = down
set-update = pistack never updates itself. With the Debian package:
set-configuration = Which files the configuration is read from, and whether they are right, says the console:
