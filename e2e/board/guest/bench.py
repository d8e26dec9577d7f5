"""In the guest: gpiozero with lgpio, or io_service with its stack, on a chip of the kernel's simulator.

    bench.py gpiozero            toggles and reads a second, pull to handler, memory, CPU while one input is watched
    bench.py pistack PROGRAM     pull to server-sent event, memory, CPU while one input is watched

The hand is the same for both: a pull written to the simulator's file, then waited for. Each prints lines of
`figure: {...}`.
"""

import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

OUTPUT, INPUT = 17, 27
CALLS, EDGES, IDLE = 20_000, 300, 60.0
PASSWORD = "bench-only-passphrase"


def figure(**values):
    print("figure: " + json.dumps(values), flush=True)


def pulls(directory):
    """Writes the pull of the input, in turns up and down; gives a function that gives the moment before."""
    file = os.open(f"{directory}/sim_gpio{INPUT}/pull", os.O_WRONLY)
    state = {"up": False}

    def pull():
        state["up"] = not state["up"]
        way = b"pull-up" if state["up"] else b"pull-down"
        began = time.monotonic_ns()
        os.pwrite(file, way, 0)
        return began

    return pull


def quantiles(name, times):
    times.sort()
    figure(**{f"{name}_p50_us": times[len(times) // 2], f"{name}_p95_us": times[len(times) * 95 // 100]})


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit("no Pss")


def on_cpu(pid):
    """Seconds on a processor so far, all threads (proc(5), schedstat)."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as text:
            total += int(text.read().split()[0])
    return total / 1e9


def idle(name, pid):
    before, began = on_cpu(pid), time.monotonic()
    time.sleep(IDLE)
    share = (on_cpu(pid) - before) / (time.monotonic() - began)
    figure(**{f"{name}_idle_percent": share * 100})


def gpiozero():
    import lgpio
    from gpiozero import LED, Button
    from gpiozero.pins.lgpio import LGPIOFactory

    directory = os.environ["PISTACK_TEST_SIM"]

    class Simulated(LGPIOFactory):
        def _get_revision(self):
            return 0xC03111  # there is no board to ask: a Raspberry Pi 4

    factory = Simulated()
    # gpiozero 2.0.1 looks at no `chip` of its caller.
    lgpio.gpiochip_close(factory._handle)
    factory._chip = int(directory.rsplit("gpiochip", 1)[1])
    factory._handle = lgpio.gpiochip_open(factory._chip)
    led = LED(OUTPUT, pin_factory=factory)
    for name, call in (("toggles", led.toggle), ("reads", lambda: led.value)):
        began = time.monotonic()
        for _ in range(CALLS):
            call()
        figure(**{f"gpiozero_{name}": CALLS / (time.monotonic() - began)})
    button = Button(INPUT, pull_up=False, pin_factory=factory)
    heard, at = threading.Event(), [0]

    def handler():
        at[0] = time.monotonic_ns()
        heard.set()

    button.when_pressed = button.when_released = handler
    pull, times = pulls(directory), []
    for _ in range(EDGES):
        heard.clear()
        began = pull()
        if not heard.wait(5):
            raise SystemExit("an edge did not come")
        times.append((at[0] - began) / 1000)
    quantiles("gpiozero_edge", times)
    figure(gpiozero_pss_mb=pss(os.getpid()), gpiozero_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
    idle("gpiozero", os.getpid())
    button.close()
    led.close()


CONFIG = """
[io]
backend = "chardev"
chip = "tests"
[services.io]
port = 25005
[line.relay]
bcm = 17
direction = "output"
[line.door]
bcm = 27
edge = "both"
"""


def wait(what, condition):
    latest = time.monotonic() + 90
    while True:
        try:
            value = condition()
        except (OSError, ValueError, KeyError):
            value = None
        if value:
            return value
        if time.monotonic() > latest:
            raise SystemExit(f"waited 90 s for {what}")
        time.sleep(0.1)


def get(address, path, body=None):
    trusting = ssl._create_unverified_context()
    request = urllib.request.Request(address + path, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, context=trusting, timeout=30) as answer:
        return json.load(answer)


def stream(token):
    """The event stream of io_service, from the moment on at which it is open."""
    connection = socket.create_connection(("127.0.0.1", 25005))
    connection.settimeout(10)
    connection.sendall(
        b"GET /api/io/events?line=door HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token.encode() + b"\r\n\r\n"
    )
    text = b""
    while b"\r\n\r\n" not in text or b"\n\n" not in text.split(b"\r\n\r\n", 1)[1]:
        more = connection.recv(65536)
        if not more:
            raise SystemExit(f"no stream: {text!r}")
        text += more
    return connection


def events(token):
    connection, pull, times = stream(token), pulls(os.environ["PISTACK_TEST_SIM"]), []
    for _ in range(EDGES):
        began, text = pull(), b""
        while b'"kind":' not in text or b"\n\n" not in text:
            text += connection.recv(65536)
        times.append((time.monotonic_ns() - began) / 1000)
    quantiles("pistack_sse", times)


def pistack(program):
    with open("/tmp/pistack.toml", "w") as config:
        config.write(CONFIG)
    command = [program, "-c", "/tmp/pistack.toml", "--state-dir", "/tmp/state"]
    subprocess.run(command + ["user", "passwd", "root", "--stdin"], input=PASSWORD.encode(), check=True)
    up = command + ["up", "--quiet", "--https", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    stack = subprocess.Popen(up)
    try:
        bound = wait("the gateway", lambda: json.load(open("/tmp/state/run/gateway.json")))
        address = "https://" + bound["https"]
        for service in ("auth", "io"):
            wait(service, lambda: get(address, f"/api/{service}/health"))
        login = json.dumps({"name": "root", "password": PASSWORD}).encode()
        token = get(address, "/api/auth/session/login", login)["access_token"]
        status = subprocess.run(command + ["status", "--json"], stdout=subprocess.PIPE, check=True).stdout
        processes = json.loads(status)["processes"]
        pid = next(process["pid"] for process in processes if process["name"] == "io_service")
        events(token)
        time.sleep(3)
        figure(pistack_pss_mb=pss(pid))
        idle("pistack", pid)
    finally:
        stack.send_signal(signal.SIGTERM)
        stack.wait(60)


if sys.argv[1] == "gpiozero":
    gpiozero()
else:
    pistack(sys.argv[2])
