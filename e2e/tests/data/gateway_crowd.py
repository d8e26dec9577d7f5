"""500 clients that send their request by the byte, 500 idle WebSockets, and meanwhile somebody who just wants a page.

Usage: gateway_crowd.py HTTPS_PORT CA_FILE GATEWAY_PID UPSTREAM_PORT COUNT; prints one JSON object. The WebSockets end at
an upstream of its own (a route `/ws` must lead to UPSTREAM_PORT), which answers the handshake and then waits.
"""
import asyncio
import json
import resource
import ssl
import sys
import time

PORT, CA, PID, UPSTREAM, COUNT = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
context = ssl.create_default_context(cafile=CA)
UPGRADE = (b"GET /ws/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def pss():
    with open(f"/proc/{PID}/smaps_rollup") as table:
        for line in table:
            if line.startswith("Pss:"):
                return int(line.split()[1])


async def upstream(reader, writer):
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        await writer.drain()
        await reader.read()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def connect():
    return await asyncio.open_connection("127.0.0.1", PORT, ssl=context, server_hostname="localhost")


async def slow(over):
    try:
        _, writer = await connect()
        for byte in b"GET /api/auth/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"y" * 1000:
            if over.is_set():
                break
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.5)
        writer.close()
        return True
    except (ConnectionError, ssl.SSLError):
        return False  # sent away, as it should be


async def websocket(over, opened):
    try:
        reader, writer = await connect()
        writer.write(UPGRADE)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " in head.split(b"\r\n")[0]:
            opened.append(writer)
        await over.wait()
        writer.close()
    except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
        pass


async def fetch():
    began = time.perf_counter()
    reader, writer = await connect()
    writer.write(b"GET /api/auth/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer.startswith(b"HTTP/1.1 200"), time.perf_counter() - began


async def main():
    server = await asyncio.start_server(upstream, "127.0.0.1", UPSTREAM, backlog=1000)
    before, over, opened = pss(), asyncio.Event(), []
    crowd = []
    for _ in range(COUNT):
        crowd.append(asyncio.create_task(websocket(over, opened)))
        crowd.append(asyncio.create_task(slow(over)))
        await asyncio.sleep(0.002)
    for _ in range(600):
        if len(opened) >= COUNT:
            break
        await asyncio.sleep(0.05)
    times, good = [], 0
    for _ in range(200):
        ok, seconds = await fetch()
        good += ok
        times.append(seconds)
    during = pss()
    over.set()
    await asyncio.gather(*crowd)
    after = before
    for _ in range(300):
        after = pss()
        if after < before + (during - before) / 2:
            break
        await asyncio.sleep(0.1)
    server.close()
    times.sort()
    print(json.dumps({"websockets": len(opened), "good": good, "p99": times[int(len(times) * 0.99)],
                      "pss_before_kb": before, "pss_during_kb": during, "pss_after_kb": after}))


asyncio.run(main())
