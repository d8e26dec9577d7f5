### The interfaces of the services.

api-title = Interfaces for programs
api-lead = Each service describes its HTTP interface; it can be tried out right here, with what your session may do.
api-auth = Users, sessions and tokens.
api-supervisor = Programs: list, start, stop, logs and events.
api-email = Sending mail.
api-info = Network, weather and the board.
api-io = GPIO lines: read and set.
api-rules = Rules, channels and what they did.
ca-title = Certificate
ca-lead = Install this root certificate on your phone or computer, and the browser trusts this board without a warning.
ca-download = Download the root certificate
ca-none = There is no root certificate: the gateway has not made one yet, or uses a certificate of your own.
api-try = Try it
api-try-lead = Calls go out in your name, with what your session may do. A call that changes something really does it.
api-service = Service
api-needs-script = This page needs JavaScript. The document itself:
