"""A receiver of webhooks and an ntfy-compatible server over HTTPS, for the tests.

    hook_server.py CERTIFICATE KEY SECRET

Prints its port, then one JSON line a request: path, header fields, body, and whether the signature is right.
`POST /` publishes as ntfy does (docs.ntfy.sh/publish, "Publish as JSON"), `/hang` never answers, `/moved` redirects.
"""

import hashlib
import hmac
import http.server
import json
import ssl
import sys
import threading

SECRET = sys.argv[3].encode()
LOCK = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time = self.headers.get("X-Hook-Timestamp", "")
        right = hmac.new(SECRET, time.encode() + b"." + body, hashlib.sha256).hexdigest()
        given = self.headers.get("X-Hook-Signature", "")
        seen = {
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": json.loads(body),
            "signed": hmac.compare_digest("sha256=" + right, given),
        }
        with LOCK:
            print(json.dumps(seen), flush=True)
        if self.path == "/hang":
            threading.Event().wait()
        if self.path == "/moved":
            self.send_response(307)
            self.send_header("Location", "/hook")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        answer = b"{}"
        if self.path == "/":
            if not seen["body"].get("topic"):
                self.send_response(400)
                self.end_headers()
                return
            answer = json.dumps({"id": "x", "event": "message", **seen["body"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
