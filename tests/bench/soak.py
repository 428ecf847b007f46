#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`make soak`: thousands of deploys by one server, and what it has grown by at the end.

The server, its store, its HTTP and (with --edge) HAProxy are real; engine and registry are simulated, so that
thousands of deploys take minutes. Deploys come by API and webhook, some fail, some are canceled, superseded or
rolled back to; readers of event streams come and go, some in the middle of a stream. Samples are taken all the
while; memory, descriptors, turns of the loop and rows of the store have to stay where they were when everything
had been used once.
"""
import argparse
import http.client
import json
import os
import random
import shutil
import sqlite3
import statistics
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "bench"))

from bed import reports  # noqa: E402
from bed.fake_engine import FakeEngine  # noqa: E402
from bed.slipway import TOKEN, ApiFault, Slipway  # noqa: E402
from bed.wait import wait_for  # noqa: E402
from fake_registry import FakeRegistry  # noqa: E402

STAGES = 8
READERS = 6
KEPT = 10  # SLIPWAY_KEEP_DEPLOYS
TARGETS = 2  # SLIPWAY_KEEP_ROLLBACKS
SAMPLES = 100
LONG = 2000  # deploys
WARM = 20  # samples until everything was used once
MEMORY_KB = 1024  # that may come on top, until SQLite's cache and malloc's free lists have found their size
MEMORY_SHORT_KB = 2048  # the same for a run of some hundreds, which is warm only at its end
WAL_BYTES = 20 << 20


def document(engine, registry):
    """Return slipway.yml: stages of one and of two containers."""
    projects = "".join(f"""  soak{i}:
    image: {registry.address}/soak/app{i}
    port: {engine.port}
    replicas: {1 + i % 2}
    warm_keep: 0s
    health: {{http: /health, successes: 1, interval: 20ms, min_uptime: 0s, deadline: 10s}}
    stages:
      production: {{tags: "*", domains: [soak{i}.localhost]}}
""" for i in range(STAGES))
    return (f'version: 1\nengines:\n  local: {{host: "{engine.host}"}}\nregistries:\n  "{registry.address}":'
            f" {{insecure: true}}\nprojects:\n{projects}")


class Sample:
    """What the server has at one moment."""

    def __init__(self, server, deploys):
        status = Path(f"/proc/{server.pid}/status").read_text("ascii")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        self.deploys = deploys
        self.memory_kb = int(fields["RssAnon"].split()[0])
        self.descriptors = len(os.listdir(f"/proc/{server.pid}/fd"))
        self.ticks = server.get("/health")["ticks"]
        self.cpu_ms = sum(int((task / "schedstat").read_text("ascii").split()[0])
                          for task in Path(f"/proc/{server.pid}/task").iterdir()) / 1e6
        self.store_bytes = (server.data / "slipway.db").stat().st_size
        self.wal_bytes = (server.data / "slipway.db-wal").stat().st_size


class Soak:
    """One run; `check()` raises what has grown, `figures()` tells."""

    def __init__(self, directory, deploys, edge=False):
        self.wanted = deploys
        self.directory = Path(directory)
        self.edge = edge
        self.lock = threading.Lock()
        self.begun = 0
        self.ended = {}
        self.samples = []
        self.faults = []
        self.is_over = threading.Event()
        self.streams = 0
        self.gaps = 0
        self.server = None
        self.seconds = 0
        self.rows = {}

    # Clients.

    def _take(self):
        """Whether there is one more deploy to ask for."""
        with self.lock:
            self.begun += 1
            return self.begun <= self.wanted and not self.faults

    def _count(self, state):
        with self.lock:
            self.ended[state] = self.ended.get(state, 0) + 1
            total = sum(self.ended.values())
            if total * SAMPLES // self.wanted <= len(self.samples):
                return
            self.samples.append(Sample(self.server, total))

    def _read_stream(self, path, seconds=None, last_id=None):
        """Read an event stream to its end, or for some time; returns the last id seen."""
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {TOKEN}"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        self.streams += 1
        try:
            connection.request("GET", path, headers=headers)
            peer = connection.sock  # http.client lets go of it for an answer that closes
            answer = connection.getresponse()
            assert answer.status == 200, (path, answer.status, answer.read(200))
            until_s = None if seconds is None else time.monotonic() + seconds
            while True:
                if until_s is not None:
                    left_s = until_s - time.monotonic()
                    if left_s <= 0:
                        return last_id
                    peer.settimeout(left_s)
                try:
                    line = answer.readline()
                except TimeoutError:
                    return last_id
                if not line:
                    return last_id
                if line == b"event: gap\n":
                    self.gaps += 1
                if line.startswith(b"id: "):
                    last_id = line[4:].strip().decode()
        finally:
            connection.close()

    def _ask(self, name, chance, tag):
        """Ask for one deploy in one of the ways; returns its id."""
        stage = f"{name}/production"
        if chance.random() < 0.4:
            answer = self.server.webhook(name, f"{self.registry.address}/soak/app{name[4:]}:{tag}")[1]
            return answer["id"]
        if chance.random() < 0.05:
            try:
                return self.server.rollback(stage)
            except ApiFault as fault:
                assert fault.status == 409, fault
        return self.server.deploy(stage, tag, force=chance.random() < 0.2)

    def _drive(self, index):
        chance = random.Random(index)
        name = f"soak{index}"
        for turn in range(self.wanted + 1):
            if not self._take():
                return
            tag = f"{'crash' if chance.random() < 0.1 else 'v'}{turn}"
            deploy = self._ask(name, chance, tag)
            if chance.random() < 0.1:  # a newer one: the first may be superseded
                newer = self._ask(name, chance, f"v{turn}b")
                if newer != deploy:
                    self._finish(deploy, chance)
                    if not self._take():
                        return
                    deploy = newer
            self._finish(deploy, chance)

    def _finish(self, deploy, chance):
        path = f"/api/v1/deploys/{deploy}"
        if chance.random() < 0.05:
            self.server.call("POST", f"{path}/cancel", {})
        if chance.random() < 0.3:  # one that leaves in the middle
            self._read_stream(f"{path}/log", seconds=chance.random() * 0.02)
        self._read_stream(f"{path}/log")
        status, _, over = self.server.call("GET", path)
        assert status == 200 and over["ended_ms"], over
        self._count(over["state"])

    def _read_on(self, index):
        """A reader of all events that comes, goes, and comes back where it was."""
        chance = random.Random(1000 + index)
        last_id = None
        while not self.is_over.is_set():
            last_id = self._read_stream("/api/v1/events", chance.random() * 0.5, last_id)
            if chance.random() < 0.1:
                last_id = "1"  # from the beginning, which is not there any more

    def _run_in_thread(self, target, index):
        try:
            target(index)
        except Exception as fault:  # pylint: disable=broad-except
            with self.lock:
                self.faults.append(f"{target.__name__}({index}): {type(fault).__name__}: {fault}")

    def _start(self, target, count):
        threads = [threading.Thread(target=self._run_in_thread, args=(target, i)) for i in range(count)]
        for thread in threads:
            thread.start()
        return threads

    # The run.

    def run(self):
        """All of it; the server has ended in order afterwards."""
        with FakeEngine(self.directory / "engine") as engine, FakeRegistry() as self.registry:
            self.server = Slipway(self.directory / "server", document(engine, self.registry), edge=self.edge,
                                  SLIPWAY_KEEP_DEPLOYS=str(KEPT), SLIPWAY_KEEP_DAYS="0",
                                  SLIPWAY_KEEP_ROLLBACKS=str(TARGETS), SLIPWAY_SWEEP_INTERVAL="1s")
            try:
                self.server.start()
                if self.edge:
                    wait_for(lambda: self.server.get("/health")["edge"]["ready"], 20, "the edge")
                self._drive_all()
                self._settle(engine)
                code = self.server.terminate()
                assert code == 0, (code, self.server.log_tail())
                self._count_rows()
            finally:
                self.server.stop()
        return self

    def _drive_all(self):
        begin_s = time.monotonic()
        readers = self._start(self._read_on, READERS)
        for thread in self._start(self._drive, STAGES):
            thread.join()
        self.is_over.set()
        for thread in readers:
            thread.join()
        self.seconds = time.monotonic() - begin_s
        assert not self.faults, self.faults[:3]

    def _settle(self, engine):
        """Only what is live still runs, and no stream is left."""
        live = sum(1 + i % 2 for i in range(STAGES)
                   if self.server.stage(f"soak{i}/production")["live"] is not None)
        wait_for(lambda: engine.stats()["containers"] == live, 30, f"{live} containers to be left")
        self.engine_stats = engine.stats()
        self.samples.append(Sample(self.server, sum(self.ended.values())))

    def _count_rows(self):
        with sqlite3.connect(self.server.data / "slipway.db") as store:
            for table in ("deploy", "swap", "journal", "deploy_log", "instance", "spec"):
                self.rows[table] = store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            check = store.execute("PRAGMA integrity_check").fetchone()[0]
        assert check == "ok", check

    # What came of it.

    def _warm(self):
        return self.samples[min(WARM, len(self.samples) // 2):]

    def check(self):
        """Everything that has to hold at the end."""
        warm = self._warm()
        assert sum(self.ended.values()) >= self.wanted, self.ended
        assert self.ended["LIVE"] > self.wanted // 2, self.ended
        if not reports.directory():  # sanitizers keep what was freed
            self._check_memory()
        most = max(s.descriptors for s in warm[:len(warm) // 2])
        assert max(s.descriptors for s in warm[-10:]) <= most + 8, [s.descriptors for s in self.samples]
        kept = STAGES * (KEPT + TARGETS + 2)
        assert self.rows["deploy"] <= kept, self.rows
        assert self.rows["swap"] <= kept and self.rows["instance"] <= 2 * kept, self.rows
        assert self.rows["journal"] <= 40 * kept and self.rows["deploy_log"] <= 40 * kept, self.rows
        assert warm[-1].store_bytes <= 1.5 * warm[0].store_bytes, [s.store_bytes for s in self.samples]
        assert max(s.wal_bytes for s in self.samples) <= WAL_BYTES
        bad = [line for line in self.server.log_lines() if line["event"] in ("store.wal", "log.dropped")
               or line["level"] == "error" and not line["event"].startswith(("port.", "actor."))]
        assert not bad, bad[:3]

    def _check_memory(self):
        warm = self._warm()
        first_kb = statistics.median(s.memory_kb for s in warm[:10])
        last_kb = statistics.median(s.memory_kb for s in warm[-10:])
        room_kb = MEMORY_KB if self.wanted >= LONG else MEMORY_SHORT_KB
        assert last_kb <= first_kb + room_kb, f"memory: {first_kb} KB, then {last_kb} KB"

    def check_cost(self):
        """A deploy costs about as much processor at the end as at the beginning (neighbours cost, too); for long runs."""
        first, last = self._costs()
        assert last <= 1.5 * first, f"a deploy cost {first:.2f} ms of processor at first, {last:.2f} ms at last"

    def _costs(self):
        """Processor ms a deploy, of the first tenth that was warm and of the last."""
        warm = self._warm()[:-1]
        tenth = max(1, len(warm) // 10)

        def mean(a, b):
            return (b.cpu_ms - a.cpu_ms) / max(1, b.deploys - a.deploys)
        return mean(warm[0], warm[tenth]), mean(warm[-1 - tenth], warm[-1])

    def figures(self):
        """The measured figures as lines of text."""
        warm = self._warm()
        first_ms, last_ms = self._costs()
        ticks = warm[-1].ticks
        total = sum(self.ended.values())
        states = ", ".join(f"{state} {count}" for state, count in sorted(self.ended.items()))
        return [
            f"{total} deploys in {self.seconds:.0f} s ({states}); {self.streams} event streams ({self.gaps} were told of a gap);"
            f" {self.engine_stats['created']} containers",
            f"memory of its own {warm[0].memory_kb} KB when warm, {warm[-1].memory_kb} KB at the end, at most"
            f" {max(s.memory_kb for s in self.samples)} KB",
            f"descriptors {warm[0].descriptors} when warm, {warm[-1].descriptors} at the end",
            f"a deploy costs {first_ms:.2f} ms of processor at first, {last_ms:.2f} ms at last; of {ticks['count']} turns of"
            f" the loop the longest took {ticks['longest_us'] / 1000:.0f} ms, {ticks['slow']} took over 50 ms",
            f"store {warm[0].store_bytes >> 10} KB when warm, {warm[-1].store_bytes >> 10} KB at the end; rows left: "
            + ", ".join(f"{table} {count}" for table, count in self.rows.items()),
        ]


def main():
    """Run, tell, check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("deploys", type=int, nargs="?", default=5000)
    parser.add_argument("--edge", action="store_true", help="with the real HAProxy")
    arguments = parser.parse_args()
    place = ROOT / "build" / "soak"
    shutil.rmtree(place, ignore_errors=True)
    soak = Soak(place, arguments.deploys, arguments.edge).run()
    for line in soak.figures():
        print(line)
    (place / "samples.json").write_text(json.dumps([vars(s) for s in soak.samples]), "utf-8")
    soak.check()
    if arguments.deploys >= LONG:
        soak.check_cost()
    print("soak: nothing has grown")
    return 0


if __name__ == "__main__":
    threading.stack_size(512 * 1024)
    sys.exit(main())
