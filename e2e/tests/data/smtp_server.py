"""A real SMTP server for the tests: aiosmtpd on a free port, STARTTLS offered, each message written to a file."""
import pathlib, socket, ssl, sys, time
from aiosmtpd.controller import Controller

folder, cert, key = (pathlib.Path(p) for p in sys.argv[1:4])

class Keep:
    count = 0
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('nobody@'):
            return '550 5.1.1 no such user'
        envelope.rcpt_tos.append(address)
        return '250 OK'
    async def handle_DATA(self, server, session, envelope):
        Keep.count += 1
        tls = b'tls' if session.ssl else b'plain'
        target = folder / f'{Keep.count}.mail'
        target.with_suffix('.part').write_bytes(tls + b'\n' + ','.join(envelope.rcpt_tos).encode() + b'\n' + envelope.content)
        target.with_suffix('.part').rename(target)
        return '250 OK'

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(cert, key)
with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    port = free.getsockname()[1]
controller = Controller(Keep(), hostname='127.0.0.1', port=port, ready_timeout=30, tls_context=context)
controller.start()
print(port, flush=True)
time.sleep(600)
