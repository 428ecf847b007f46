# SPDX-License-Identifier: MIT
"""`slipway db` on real files: beside a server under load, and killed at any moment."""
import contextlib
import json
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from bed.slipway import Slipway, binary
from bed.wait import wait_for

FAILED, USAGE = 1, 2
YAML = {"Content-Type": "application/yaml"}
STAGES = 200
LINES = 60_000  # of a log: some 20 MB, so that a copy takes long enough to be cut off
KILLS = 8


def config(number):
    """Every stage says the same number: a copy of one moment holds one number."""
    stages = "".join(f"      s{i}: {{env: {{NUMBER: '{number}'}}}}\n" for i in range(STAGES))
    return ("version: 1\nengines: {local: {host: 'unix:///nonexistent/docker.sock'}}\nprojects:\n  shop:\n"
            f"    image: r.example.org/shop\n    health: none\n    auto: false\n    stages:\n{stages}")


@pytest.fixture(name="server")
def fixture_server(tmp_path):
    """A server whose engine is away; the tests start it when they want it to run."""
    server = Slipway(tmp_path / "server", config(0), edge=False)
    server.start()
    yield server
    server.stop()


def numbers(path):
    """Return what the stages of a sound store say."""
    with contextlib.closing(sqlite3.connect(path)) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = store.execute("SELECT json_extract(json, '$.env.NUMBER') FROM stage JOIN spec ON spec.id = stage.spec")
        return {row[0] for row in found}


def apply(server, number):
    """Make every stage say that number."""
    status, _, answer = server.call("POST", "/api/v1/apply", config(number), headers=YAML)
    assert status == 200 and answer["changes"] == STAGES, answer


def test_the_store_is_looked_after(server):
    """Each action, what it says, and what it refuses while a server runs."""
    copy = server.directory / "copy.db"
    said = server.run("db", "status").stdout
    assert "served now" in said and f"{STAGES} stages" in said and "integrity ok" in said
    told = json.loads(server.run("db", "status", "--json").stdout)
    assert told["served"] and told["version"] == told["known_version"] and told["trouble"] == ""
    assert server.run("db", "backup", copy).stdout == f"backed up to {copy}\n"
    for words in (("restore", copy), ("rollback",), ("migrate",)):
        refused = server.run("db", *words)
        assert refused.returncode == FAILED and "serves the data directory" in refused.stderr
    apply(server, 1)
    assert server.terminate() == 0
    assert "not served" in server.run("db", "status").stdout
    restored = server.run("db", "restore", copy)
    assert restored.returncode == 0 and f"restored from {copy}" in restored.stdout
    assert numbers(server.data / "slipway.db") == {"0"}
    kept = restored.stdout.split("kept as ")[1].strip()
    assert numbers(kept) == {"1"}
    server.start()
    assert "NUMBER: \"0\"" in server.run("export").stdout


def test_the_schema_goes_back_and_forth(server):
    """As before a downgrade; and the same program brings it up again."""
    assert server.terminate() == 0
    newest = json.loads(server.run("db", "status", "--json").stdout)["version"]
    said = server.run("db", "rollback").stdout
    assert f"schema version {newest - 1} now, it was {newest}" in said and "is kept as" in said
    assert f"this slipway brings it to {newest}" in server.run("db", "status").stdout
    assert server.run("db", "rollback", "--to", "1").returncode == 0
    refused = server.run("db", "rollback")
    assert refused.returncode == FAILED and "no way back" in refused.stderr
    assert server.run("db", "rollback", "--to", "7up").returncode == FAILED
    assert f"version {newest} now, it was 1" in server.run("db", "migrate").stdout
    assert f"version {newest} already" in server.run("db", "migrate").stdout
    server.start()
    assert "NUMBER: \"0\"" in server.run("export").stdout


def test_what_makes_no_sense_is_refused(server):
    """The command line, and places without a store."""
    for words in ((), ("dance",), ("backup", "a", "b"), ("restore",), ("status", "--yaml"), ("backup", "--fast")):
        assert server.run("db", *words).returncode == USAGE, words
    nowhere = server.run("db", "status", SLIPWAY_DATA=str(server.directory / "nowhere"))
    assert nowhere.returncode == FAILED and "there is no store in" in nowhere.stderr
    lost = server.run("db", "backup", server.directory / "no" / "such" / "folder.db")
    assert lost.returncode == FAILED and "folder.db" in lost.stderr


def test_a_backup_under_load_is_of_one_moment(server):
    """Somebody changes every stage, again and again, in one transaction each."""
    done = threading.Event()
    applied = []

    def change():
        while not done.is_set():
            applied.append(len(applied) + 1)
            apply(server, applied[-1])

    writer = threading.Thread(target=change)
    writer.start()
    seen = set()
    try:
        for _ in range(12):
            copy = server.directory / "copy.db"
            assert server.run("db", "backup", copy).returncode == 0
            found = numbers(copy)
            assert len(found) == 1
            seen |= found
    finally:
        done.set()
        writer.join()
    assert len(seen) > 1, "nothing was written meanwhile"
    assert server.get("/health")["status"] == "healthy"


def enlarge(server):
    """Make the store large."""
    with contextlib.closing(sqlite3.connect(server.data / "slipway.db")) as store, store:
        store.executemany("INSERT INTO deploy_log(deploy, at_ms, level, text) VALUES(1, 1, 'out', ?)",
                          ((f"{n:0300}",) for n in range(LINES)))


def killed_after(server, seconds, *words):
    """Run and kill; returns whether it was killed in time."""
    with subprocess.Popen([binary(), *map(str, words)], env=server.environment(), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        process.kill()
        return process.wait() == -signal.SIGKILL


def test_killed_in_the_middle(server):
    """A backup and a restore that are killed leave the old one or the new one, whole."""
    copy, store = server.directory / "copy.db", server.data / "slipway.db"
    apply(server, 1)
    assert server.terminate() == 0
    enlarge(server)
    assert server.run("db", "backup", copy).returncode == 0
    begin = time.monotonic()
    assert server.run("db", "backup", server.directory / "other.db").returncode == 0
    took = time.monotonic() - begin
    server.start()
    apply(server, 2)
    cut = sum(killed_after(server, took * (i + 1) / KILLS, "db", "backup", copy) for i in range(KILLS - 1))
    assert cut > 0 and numbers(copy) in ({"1"}, {"2"})
    assert server.terminate() == 0 and numbers(store) == {"2"}
    shutil.copy(server.directory / "other.db", copy)
    for i in range(KILLS):
        killed_after(server, took * (i + 1) / KILLS, "db", "restore", copy)
        found = numbers(store)
        assert found in ({"1"}, {"2"})
        if found == {"1"}:
            break
    assert server.run("db", "restore", copy).returncode == 0
    server.start()
    assert "NUMBER: \"1\"" in server.run("export").stdout


def events(server, name):
    """Return the lines of the log with that event."""
    return [line for line in server.log_lines() if line["event"] == name]


def test_by_rule(tmp_path):
    """The server makes them by itself, keeps so many, and tells when it cannot."""
    with Slipway(tmp_path / "one", config(3), edge=False, SLIPWAY_BACKUP_INTERVAL="1s",
                 SLIPWAY_BACKUP_KEEP="2") as server:
        wait_for(lambda: len(events(server, "backup.made")) >= 3, 30, "three backups")
        told = server.get("/health")["backups"]
        assert told["interval_ms"] == 1000 and not told["overdue"] and told["why"] == ""
        assert abs(time.time() * 1000 - told["newest_ms"]) < 60000
        assert "backup" not in server.run("status").stderr
        assert server.terminate() == 0
        found = sorted((server.data / "backups").glob("slipway-*Z.db"))
        assert len(found) == 2 and numbers(found[0]) == {"3"}
        assert str(server.data / "backups" / "slipway-") in events(server, "backup.made")[0]["msg"]
    blocked = tmp_path / "file"
    blocked.write_text("no folder", "ascii")
    with Slipway(tmp_path / "two", config(3), edge=False, SLIPWAY_BACKUP_INTERVAL="1h",
                 SLIPWAY_BACKUPS=str(blocked / "in")) as server:
        wait_for(lambda: events(server, "backup.failed"), 20, "a backup to fail")
        assert "Not a directory" in events(server, "backup.failed")[0]["msg"]
        health = server.get("/health")
        assert health["status"] == "healthy" and "Not a directory" in health["backups"]["why"]
        assert health["backups"]["newest_ms"] == 0
        assert "slipway: backup: " in server.run("status").stderr
