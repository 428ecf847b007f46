# SPDX-License-Identifier: MIT
"""Every list of the API over a large store: a million steps, 10,000 deploys, 1,000 stages.

The rows are written into the store's file while no server runs, in the form that the server itself writes;
the configuration comes by the server. Each list is asked for many times on one connection.
"""
import http.client
import sqlite3
import statistics
import time

from bed.slipway import TOKEN

STAGES = 1000
DEPLOYS = 10_000
STEPS = 1_000_000
LINES = 200_000
ROUNDS = 40
STATES = ("LIVE", "LIVE", "LIVE", "ROLLED_BACK", "FAILED", "SUPERSEDED")
CROWD = "crowd"  # one project of many stages, which its lists have to merge


def projects():
    """The projects of slipway.yml: a crowded one with 200 stages, and one with a stage for each of the others."""
    crowd = "".join(f"      s{i}: {{domains: [s{i}.localhost]}}\n" for i in range(STAGES // 5))
    many = [(f"  p{i}:\n    image: registry.invalid/p{i}\n    port: 8080\n    health: {{http: /health}}\n"
             f"    stages:\n      production: {{domains: [p{i}.localhost]}}\n") for i in range(STAGES * 4 // 5)]
    return [f"  {CROWD}:\n    image: registry.invalid/crowd\n    port: 8080\n    health: {{http: /health}}\n"
            f"    stages:\n{crowd}", *many]


def _digest(i):
    return f"sha256:{i:064x}"


def fill(path):
    """Write deploys, steps and lines; the newest LIVE deploy of each stage is its live one."""
    store = sqlite3.connect(path)
    stages = store.execute("SELECT id, spec FROM stage ORDER BY id").fetchall()
    first = store.execute("SELECT max(id) FROM (SELECT max(id) AS id FROM stage UNION SELECT max(id) FROM poll_actor"
                          " UNION SELECT max(id) FROM sweep_actor)").fetchone()[0] + 1
    now_ms = int(time.time() * 1000)
    live = {}
    rows = []
    for i in range(DEPLOYS):
        stage, spec = stages[(i * 7919) % len(stages)]
        state = STATES[i % len(STATES)] if stage in live else "LIVE"
        if state == "LIVE":
            live[stage] = (first + 2 * i, spec, _digest(i))
        rows.append((first + 2 * i, state, 9, 0, stage, spec, 0, first + 2 * i + 1, 0, "WEBHOOK", 1, 0,
                     now_ms - (DEPLOYS - i) * 60000, now_ms - (DEPLOYS - i) * 60000 + 900, f"v{i}", _digest(i), ""))
    store.executemany("INSERT INTO deploy(id, state, epoch, deadline_ms, stage, spec, elder, swap, tries, trigger,"
                      " has_route, is_forced, created_ms, ended_ms, tag, digest, reason) VALUES"
                      " (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", rows)
    store.executemany("UPDATE stage_actor SET live = ?, live_spec = ?, live_digest = ? WHERE id = ?",
                      [(*value, stage) for stage, value in live.items()])
    store.executemany("INSERT INTO journal(at_ms, kind, actor, deploy, stage, from_, on_, to_) VALUES(?,?,?,?,?,?,?,?)",
                      ((now_ms, "DEPLOY" if i % 2 else "STAGE", first, first + 2 * (i % DEPLOYS) if i % 2 else 0, 1,
                        "PULLING", "PULLED", "STARTING") for i in range(STEPS)))
    store.executemany("INSERT INTO deploy_log(deploy, at_ms, level, text) VALUES(?,?,?,?)",
                      ((first + 2 * (i % DEPLOYS), now_ms, "info", "container app-production-12-0 runs at 10.0.0.2:8080")
                       for i in range(LINES)))
    store.commit()
    store.close()
    return first


def paths(first):
    """Every list, and what the start of a stream reads."""
    middle = first + DEPLOYS
    return {
        "projects": "/api/v1/projects", "stages": "/api/v1/stages", "stages of a project": f"/api/v1/stages?project={CROWD}",
        "deploys": "/api/v1/deploys?limit=500", "of a stage": "/api/v1/deploys?project=p7&stage=production&limit=500",
        "of a project": f"/api/v1/deploys?project={CROWD}&limit=500", "in a rare state": "/api/v1/deploys?state=CANCELED",
        "failed ones of a project": f"/api/v1/deploys?project={CROWD}&state=FAILED&limit=500",
        "from the middle": f"/api/v1/deploys?before={middle}&limit=500", "a deploy": f"/api/v1/deploys/{middle}",
        "its log": f"/api/v1/deploys/{middle}/log", "health": "/health",
    }


def measure(server, first):
    """Return {name: (median ms, slowest ms, bytes)}."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    found = {}
    for name, path in paths(first).items():
        took = []
        for _ in range(ROUNDS):
            begin = time.monotonic()
            connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
            answer = connection.getresponse()
            body = answer.read()
            took.append((time.monotonic() - begin) * 1000)
            assert answer.status == 200, (path, body[:300])
        found[name] = (statistics.median(took), max(took), len(body))
    connection.close()
    return found
