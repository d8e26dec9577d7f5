### The audit record.

audit-title = Audit record
audit-lead = Who did what, from where and when. Equal failures are folded into one line.
col-when = When
col-what = What
col-who = Who
audit-kind = Kind, such as login or user*
audit-older = Older
audit-none = Nothing was recorded.
audit-refused = refused
audit-done = done
audit-times = { $count ->
        [one] once
       *[other] { $count } times
    }
audit-clock = the clock was not set
