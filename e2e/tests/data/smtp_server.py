"""A real SMTP server for the tests: aiosmtpd on a free port, each message written to a file.

Arguments: folder, certificate, key, then any of: implicit (TLS from the first byte), auth (user:secret is asked for),
plain (no TLS at all).
"""
import pathlib, socket, ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

folder, cert, key = (pathlib.Path(p) for p in sys.argv[1:4])
words = set(sys.argv[4:])

class Keep:
    count = 0
    seen = set()
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('nobody@'):
            return '550 5.1.1 no such user'
        if address.startswith('grey@') and address not in Keep.seen:
            Keep.seen.add(address)
            return '451 4.7.1 greylisted'
        envelope.rcpt_tos.append(address)
        return '250 OK'
    async def handle_DATA(self, server, session, envelope):
        if any(address.startswith('lost@') for address in envelope.rcpt_tos):
            server.transport.abort()
            return '250 OK'
        Keep.count += 1
        tls = b'tls' if session.ssl or 'implicit' in words else b'plain'
        who = b' as ' + session.auth_data if session.authenticated else b''
        target = folder / f'{Keep.count}.mail'
        target.with_suffix('.part').write_bytes(tls + who + b'\n' + ','.join(envelope.rcpt_tos).encode() + b'\n' + envelope.content)
        target.with_suffix('.part').rename(target)
        return '250 OK'

def log_in(server, session, envelope, mechanism, data):
    good = data.login == b'user' and data.password == b'secret'
    return AuthResult(success=good, auth_data=data.login, handled=good)

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(cert, key)
options = {'enable_SMTPUTF8': True}
if 'auth' in words:
    options |= {'authenticator': log_in, 'auth_required': True, 'auth_require_tls': 'implicit' not in words and 'plain' not in words}

class Server(Controller):
    def factory(self):
        starttls = None if words & {'implicit', 'plain'} else context
        return SMTP(self.handler, tls_context=starttls, **options)

with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    port = free.getsockname()[1]
controller = Server(Keep(), hostname='127.0.0.1', port=port, ready_timeout=30, ssl_context=context if 'implicit' in words else None)
controller.start()
print(port, flush=True)
time.sleep(600)
