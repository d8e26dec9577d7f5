"""Speaks with io_service over a WebSocket through the gateway.

Arguments: the gateway's port, the CA's file, a token. Prints what it heard as one JSON document.
"""

import json
import ssl
import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


def main():
    port, ca, token = sys.argv[1:4]
    context = ssl.create_default_context(cafile=ca)
    url = f"wss://localhost:{port}/api/io/ws"
    headers = {"Authorization": f"Bearer {token}"}
    heard = {}
    with connect(url, ssl=context, additional_headers=headers, open_timeout=10) as socket:

        def ask(command):
            socket.send(json.dumps(command))
            events = []
            while True:
                message = json.loads(socket.recv(timeout=10))
                if "kind" in message:
                    events.append(message)
                else:
                    return message, events

        # Nothing is heard of a line before one asks for it.
        heard["unheard"] = ask({"set": {"relay": True}, "id": 1})
        heard["subscribed"] = ask({"sub": ["relay*"], "id": "two"})[0]
        answer, events = ask({"set": {"relay": False}, "id": 3})
        while not events:
            events.append(json.loads(socket.recv(timeout=10)))
        heard["set"], heard["event"] = answer, events[0]
        heard["input"] = ask({"set": {"door": True}, "id": 4})[0]
        heard["unknown"] = ask({"set": {"nope": True}, "id": 5})[0]
        heard["nonsense"] = ask({"dance": True})[0]
        socket.send("no json")
        heard["text"] = json.loads(socket.recv(timeout=10))
        socket.ping().wait(10)
        heard["still_open"] = ask({"set": {"relay": False}, "id": 6})[0]
    try:
        connect(url, ssl=context, open_timeout=10).recv()
    except ConnectionClosed:
        heard["stranger"] = "closed"
    except Exception as error:  # the handshake is refused with a status
        heard["stranger"] = getattr(getattr(error, "response", None), "status_code", str(error))
    print(json.dumps(heard))


main()
