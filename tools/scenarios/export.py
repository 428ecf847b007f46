# SPDX-License-Identifier: MIT
"""Configuration as code: exported and applied again to the byte, a diff, a plan; the store backed up and restored."""
import contextlib
import json
import sqlite3
import threading

from show import say

PROJECTS = """projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    warm_keep: 0s
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 5s}
    env: {LOG_LEVEL: info, GREETING: "a: b # no comment"}
    stages:
      production: {tags: {semver: ">=1.0.0"}, domains: [shop.localhost]}
      staging: {tags: "*", auto: false, env: {LOG_LEVEL: debug}}
"""
STAGE = "shop/production"
HOST = "shop.localhost"
BACKUPS = 20


def run(demo):
    """Out as a file and in again; what differs; who was first; a backup that is put back."""
    demo.serve(PROJECTS)
    place = demo.slipway.directory
    exported, changed, copy = place / "exported.yml", place / "changed.yml", place / "copy.db"

    def first():
        demo.push("shop/web", "1.0.0")
        return demo.first(STAGE, "1.0.0", HOST)

    def twice():
        text = demo.run("export")
        exported.write_text(text, "utf-8")
        demo.run("apply", str(exported))
        if demo.slipway.run("export").stdout != text:
            raise SystemExit("demo: exported again it is another file")
        return f"{len(text)} bytes, applied and exported again: the same bytes"

    def difference():
        changed.write_text(exported.read_text("utf-8").replace("port: 8080", "port: 8080\n    replicas: 2"), "utf-8")
        demo.run("diff", str(exported))
        demo.run("diff", str(changed), code=1)
        demo.run("apply", str(changed), "--dry-run")
        return "0 for the same, 1 for another; nothing was done"

    def together():
        tag = json.loads(demo.slipway.run("diff", str(changed), "--json").stdout)["etag"]
        demo.run("apply", str(changed), "--if-match", tag)
        demo.run("apply", str(exported), "--if-match", tag, code=5)
        demo.run("deploy", STAGE, "1.0.0", "--wait")
        running = len(demo.engine.api.containers(label="slipway.stage=production"))
        if running != 2:
            raise SystemExit(f"demo: {running} replicas run")
        return "the second of two people is refused; 2 replicas"

    def backups():
        done = threading.Event()
        applied = []

        def change():
            while not done.is_set():
                applied.append(demo.slipway.run("apply", str((exported, changed)[len(applied) % 2])))

        writer = threading.Thread(target=change)
        writer.start()
        try:
            for _ in range(BACKUPS):
                if demo.slipway.run("db", "backup", str(copy)).returncode:
                    raise SystemExit("demo: a backup failed")
                with contextlib.closing(sqlite3.connect(copy)) as store:
                    if store.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                        raise SystemExit("demo: a backup is damaged")
        finally:
            done.set()
            writer.join()
        demo.slipway.run("apply", str(changed))
        demo.run("db", "backup", str(copy))
        return f"{BACKUPS} backups, all sound, while {len(applied)} changes were made"

    def restored():
        demo.run("db", "restore", str(copy), code=1)
        wanted = demo.slipway.run("export").stdout
        demo.slipway.terminate()
        (demo.slipway.data / "slipway.db").write_bytes(b"lost")
        demo.run("db", "status", code=1)
        demo.run("db", "restore", str(copy))
        demo.slipway.start()
        if demo.slipway.run("export").stdout != wanted:
            raise SystemExit("demo: something is lost")
        demo.push("shop/web", "1.1.0")
        demo.run("deploy", STAGE, "1.1.0", "--wait")
        demo.served(HOST, "1.1.0")
        return "a lost store is put back; the next deploy is live"

    for name, action in (("1.0.0: first deploy", first), ("export, apply, export", twice), ("diff and plan", difference),
                         ("two people at once", together), ("backups under load", backups),
                         ("the store is lost", restored)):
        demo.step(name, action)
    say("\nEqual configurations are equal files, and a backup never stops the server.")
