#!/usr/bin/env python3
"""Records what supervisor 4.3.0 itself does with random programs and listeners, in virtual time.

    python3 -m venv v && v/bin/pip install supervisor==4.3.0 && v/bin/python supervisord.py > supervisord.json

`supervisord.rs` plays the same to the engine and compares events, log lines, signals and answers. Times are not
compared: supervisord acts a moment after a deadline, the engine at it.
"""
import json
import random
import signal
import sys

import supervisor.process as process_module
from supervisor import events
from supervisor.datatypes import RestartUnconditionally, RestartWhenExitUnexpected
from supervisor.dispatchers import PEventListenerDispatcher
from supervisor.http import NOT_DONE_YET
from supervisor.process import EventListenerPool, Subprocess
from supervisor.rpcinterface import SupervisorNamespaceRPCInterface
from supervisor.states import ProcessStates
from supervisor.tests.base import DummyOptions, DummyPConfig, PopulatedDummySupervisor
from supervisor.xmlrpc import RPCError

EPSILON = 1e-6
RESTART = {"never": False, "unexpected": RestartWhenExitUnexpected, "always": RestartUnconditionally}


class Clock:
    now = 1000.0

    def time(self):
        self.now += 1e-9  # no two moments are the same
        return self.now


class Logger:
    def __init__(self, trace):
        def line(level):
            def log(message, **kw):
                message = message % kw if kw else message
                if " output:\n" not in message:
                    trace.append("%s: %s" % (level, message))
            return log
        for name, level in [("info", "Info"), ("warn", "Warn"), ("error", "Error"), ("critical", "Critical"),
                            ("debug", "Debug"), ("trace", "Trace"), ("blather", "Blather")]:
            setattr(self, name, line(level))


class Options(DummyOptions):
    def __init__(self, world):
        DummyOptions.__init__(self)
        self.world = world
        self.logger = Logger(world.trace)

    def fork(self):
        return self.world.fork()

    def kill(self, pid, number):
        self.world.kill(pid, number)


class World:
    """One program under supervisord's own state machine and RPC interface."""

    def __init__(self, case):
        self.trace = case["trace"]
        self.case = case
        self.runs = list(case["runs"])
        self.pid = 100
        self.death = None
        self.waiting = []
        self.clock = Clock()
        process_module.time = self.clock
        events.clear()
        events.subscribe(events.Event, self.event)
        options = Options(self)
        spec = dict(case["spec"])
        spec["autorestart"] = RESTART[spec["autorestart"]]
        config = DummyPConfig(options, "cat", "/bin/cat", **spec)
        supervisord = PopulatedDummySupervisor(options, "cat", config)
        self.process = Subprocess(config)
        self.process.group = supervisord.process_groups["cat"]
        self.process.group.processes["cat"] = self.process
        self.rpc = SupervisorNamespaceRPCInterface(supervisord)

    def event(self, event):
        self.trace.append("event %s %s" % (events.getEventNameByType(event.__class__), event.payload()))

    def fork(self):
        run = self.runs.pop(0) if self.runs else {}
        if run.get("fails"):
            raise OSError(11, "no")
        self.run = run
        self.pid += 1
        if run.get("life"):
            self.death = (self.clock.now + run["life"] / 1000.0, status(run["exit"]))
        return self.pid

    def kill(self, pid, number):
        self.trace.append("signal %d to %s" % (number, "group" if pid < 0 else "child"))
        assert abs(pid) == self.pid
        after, end = None, None
        if number == signal.SIGKILL:
            after, end = 0.0, signal.SIGKILL
        elif number == signal.SIGTERM and not self.run.get("stubborn"):
            after, end = self.run.get("stop", 0) / 1000.0, status(self.run.get("stop_exit", ["code", 0]))
        if after is not None and (self.death is None or self.death[0] > self.clock.now + after):
            self.death = (self.clock.now + after, end)

    def call(self, index, what):
        kind, wait = what
        try:
            if kind == "start":
                result = self.rpc.startProcess("cat", wait)
            elif kind == "stop":
                result = self.rpc.stopProcess("cat", wait)
            elif kind == "stopgroup":
                result = self.rpc.stopProcessGroup("cat", wait)
            elif kind == "startgroup":
                result = self.rpc.startProcessGroup("cat", wait)
            else:
                result = self.rpc.signalProcess("cat", kind)
        except RPCError as error:
            self.reply(index, "%s (%d)" % (error.text, error.code))
        else:
            if callable(result):
                self.waiting.append((index, result, kind.startswith("stop")))
                self.poll()
            else:
                self.reply(index, result)

    def reply(self, index, result):
        if isinstance(result, list):
            rows = ["%(group)s:%(name)s %(status)d %(description)s" % row for row in result]
            result = "[%s]" % ", ".join(rows)
        self.trace.append("reply %d: %s" % (index, result))

    def poll(self):
        for entry in self.waiting[:]:
            index, callback, _ = entry
            try:
                value = callback()
            except RPCError as error:
                value = "%s (%d)" % (error.text, error.code)
            if value is not NOT_DONE_YET:
                self.waiting.remove(entry)
                self.reply(index, value)

    def settle(self):
        while True:
            self.poll()
            before = self.process.state
            self.process.transition()
            self.poll()
            if self.process.state == before:
                return

    def next_deadline(self):
        process = self.process
        times = []
        if self.death:
            times.append(self.death[0])
        if process.state == ProcessStates.STARTING:
            times.append(process.laststart + process.config.startsecs + EPSILON)
        if process.state in (ProcessStates.BACKOFF, ProcessStates.STOPPING):
            times.append(process.delay + EPSILON)
        if process.state == ProcessStates.STOPPING and any(stop for _, _, stop in self.waiting):
            times.append(process.laststopreport + 2 + EPSILON)
        return min(times) if times else None

    def run_until(self, target):
        while True:
            due = self.next_deadline()
            if due is None or due > target:
                break
            self.clock.now = max(due, self.clock.now)
            if self.death and self.death[0] <= self.clock.now:
                _, end = self.death
                self.death = None
                self.process.finish(self.process.pid, end)
                self.poll()
            self.settle()
        self.clock.now = target

    def play(self):
        self.settle()
        for index, (at, *what) in enumerate(self.case["steps"]):
            self.run_until(1000.0 + at / 1000.0)
            self.call(index + 1, what)
            self.settle()
        self.run_until(1000.0 + self.case["end"] / 1000.0)


def status(end):
    kind, number = end
    return number << 8 if kind == "code" else number


def random_case(rng):
    life = lambda: rng.choice([rng.randrange(7, 900), rng.randrange(7, 2900), rng.randrange(1000, 9000)])
    end = lambda: rng.choice([["code", 0], ["code", rng.randrange(0, 4)], ["signal", rng.choice([6, 9, 11, 15])]])
    runs = []
    for _ in range(rng.randrange(0, 6)):
        if rng.random() < 0.2:
            runs.append({"fails": True})
            continue
        run = {"stop": rng.randrange(0, 3000) if rng.random() < 0.7 else 0, "stop_exit": end()}
        if rng.random() < 0.7:
            run["life"], run["exit"] = life(), end()
        if rng.random() < 0.2:
            run["stubborn"] = True
        runs.append(run)
    as_group = rng.random() < 0.3
    spec = {
        "startsecs": rng.choice([0, 1, 1, 2]), "startretries": rng.randrange(0, 4),
        "autorestart": rng.choice(sorted(RESTART)), "exitcodes": rng.choice([[0], [], [0, 2]]),
        "autostart": rng.random() < 0.7, "stopwaitsecs": rng.choice([1, 3]),
        "stopasgroup": as_group, "killasgroup": as_group or rng.random() < 0.3,
    }
    kinds = ["start", "stop", "start", "stop", "stopgroup", "startgroup", "USR1", "nonsense"]
    steps = sorted([rng.randrange(1, 25_000), rng.choice(kinds), rng.random() < 0.6] for _ in range(rng.randrange(0, 7)))
    return {"spec": spec, "runs": runs, "steps": steps, "end": 60_000, "trace": []}


class Ears:
    """One listener in a pool of supervisord's own."""

    def __init__(self, case):
        self.trace = case["trace"]
        events.clear()
        process_module.GlobalSerial.serial = 3
        self.options = options = DummyOptions()
        options.logger = Logger(self.trace)
        options.readfd = lambda fd: self.data
        config = DummyPConfig(options, "ears", "/bin/ears")
        self.process = Subprocess(config)
        config.make_process = lambda group: self.process
        group = DummyPConfig(options, "ears", "")
        group.process_configs = [config]
        group.buffer_size = case["buffer"]
        group.pool_events = [events.RemoteCommunicationEvent]
        from supervisor.dispatchers import default_handler
        group.result_handler = default_handler
        self.pool = EventListenerPool(group)
        self.process.group = self.pool
        self.process.write = lambda text: self.trace.append("stdin %s" % text.decode())
        self.born()

    def born(self):
        self.process.state = ProcessStates.RUNNING
        self.dispatcher = PEventListenerDispatcher(self.process, "stdout", 5)

    def step(self, kind, data):
        if kind == "event":
            events.notify(events.RemoteCommunicationEvent("t", data))
        elif kind == "say":
            self.data = data.encode("latin-1")
            self.dispatcher.handle_read_event()
        else:
            process_module.GlobalSerial.serial += 3
            if self.process.event is not None:
                events.notify(events.EventRejectedEvent(self.process, self.process.event))
            self.born()
        self.pool.transition()


# What a listener should say in each of its states, and what it should not.
PROPER = {30: ["READY\n"], 20: ["RESULT 2\nOK", "RESULT 2\nOKREADY\n", "RESULT 4\nFAIL", "RESULT 4\nFAILREADY\n"],
          10: [""], 40: [""]}
ODD = ["R", "EADY\n", "READY", "\n", "RESULT ", "2\nOK", "RESULT 3\nOK", "x", "RESULT x\n", "READY\nREADY\n",
       "RESULT +2\nOK", "RESULT  1_0\n0123456789", "ready\n", "RESULTS2\nOK", "\xff\n", "RESULT 2\nok"]


def random_listener(rng):
    case = {"buffer": rng.choice([1, 2, 3, 10]), "steps": [], "trace": []}
    ears, dies, strange = Ears(case), 0, rng.choice([0.0, 0.1, 0.3])
    for number in range(rng.randrange(1, 40)):
        state = ears.process.listener_state
        roll = rng.random()
        if roll < 0.4:
            step = ["event", rng.choice(["a", "zażółć", "", "two\nlines"]) + str(number)]
        elif dies < 4 and (roll < 0.43 or state == 40):
            dies += 1
            step = ["die", ""]
        else:
            step = ["say", rng.choice(ODD if rng.random() < strange else PROPER[state])]
        if step != ["say", ""]:
            case["steps"].append(step)
            ears.step(*step)
    return case


def main():
    rng = random.Random(43)
    programs, listeners = [], []
    for _ in range(100):
        case = random_case(rng)
        World(case).play()
        programs.append(case)
    for _ in range(100):
        listeners.append(random_listener(rng))
    write = lambda cases: ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
    sys.stdout.write('{"programs": [\n%s\n], "listeners": [\n%s\n]}\n' % (write(programs), write(listeners)))


main()
