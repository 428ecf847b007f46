# SPDX-License-Identifier: MIT
"""Tag policies: which version is deployed by itself, and whether that is told truly."""
import time

import pytest

from bed.scene import Scene
from bed.wait import wait_for


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("tags")) as scene:
        yield scene


def tags_of(app, query=""):
    """Return what the API tells of the stage's tags."""
    return app.get(f"/api/v1/projects/{app.name}/stages/production/tags{query}")


def codes_of(answer):
    """Return (tag, code) of each."""
    return [(item["tag"], item["code"]) for item in answer["items"]]


def polled(app):
    """Look at the registry now, and wait until the poll has an answer."""
    app.run("poll", app.stage_name)
    wait_for(lambda: app.stage(app.stage_name)["poll"]["state"] == "WAITING", 20, "the poll to end")


def test_explain_and_what_is_done_agree(scene):
    """By a range of versions: what is explained is what polls and webhooks do."""
    with scene.app(stage='tags: {{semver: "^1.2"}}, poll: 1h', edge=False) as app:
        digests = {tag: scene.push(app, tag) for tag in ("1.2.0", "1.10.0", "1.11.0-rc.1", "2.0.0", "latest")}
        answer = tags_of(app)
        assert codes_of(answer) == [("1.10.0", "kept"), ("1.2.0", "kept"), ("1.11.0-rc.1", "prerelease"),
                                    ("2.0.0", "range"), ("latest", "no-version")]
        assert answer["policy"] == "semver ^1.2" and answer["total"] == 5 and not answer["truncated"]
        assert answer["live"] is None
        assert answer["chosen"] == {"tag": "1.10.0", "digest": digests["1.10.0"], "deploys": True, "code": "kept",
                                    "reason": "it would be deployed"}
        polled(app)  # the first look only records
        assert tags_of(app)["chosen"]["code"] == "seen"
        assert app.deploys() == []
        status, ignored = app.webhook(app.name, f"{scene.registry.address}/{app.repository}:2.0.0")
        assert status == 200 and "no stage" in ignored["ignored"]
        status, begun = app.webhook(app.name, f"{scene.registry.address}/{app.repository}:1.2.0")
        assert status == 202 and app.wait_over(begun["id"])["state"] == "LIVE"
        digests["1.12.0"] = scene.push(app, "1.12.0")
        assert tags_of(app)["chosen"]["deploys"]
        polled(app)
        wait_for(lambda: (app.stage(app.stage_name)["live"] or {})["tag"] == "1.12.0", 30, "the poll's deploy")
        answer = tags_of(app, "?limit=3")
        assert codes_of(answer) == [("1.12.0", "live"), ("1.10.0", "older"), ("1.2.0", "older")]
        assert answer["chosen"] == {"tag": "1.12.0", "digest": digests["1.12.0"], "deploys": False, "code": "live",
                                    "reason": "its digest serves already"}
        shown = app.run("explain", app.stage_name).stdout
        assert "newest: 1.12.0" in shown and "its digest serves already" in shown
        assert "'latest' is no semantic version" in shown
        assert "and 4 more" in app.run("explain", app.stage_name, "--limit", "2").stdout


def test_the_tags_come_in_pages(scene):
    """Page by page they are what they are at once, each with its place; a tag that is gone is told."""
    with scene.app(stage='tags: {{semver: "^1"}}', edge=False) as app:
        for tag in ("1.0.0", "1.1.0", "1.2.0", "2.0.0", "latest"):
            scene.push(app, tag)
        whole = tags_of(app)
        assert whole["next"] is None and len(whole["items"]) == 5
        pages, after = [], ""
        while after is not None:
            page = tags_of(app, f"?limit=2&after={after}")
            pages, after = pages + [page["items"]], page["next"]
        assert [len(page) for page in pages] == [2, 2, 1]
        assert [item for page in pages for item in page] == whole["items"]
        assert [item["place"] for item in pages[1]] == [3, 0]
        shown = app.run("explain", app.stage_name, "--limit", "2", "--after", "1.1.0").stdout
        assert shown.splitlines()[1].split()[:2] == ["3", "1.0.0"] and "and more" in shown
        status, _, answer = app.call("GET", f"/api/v1/projects/{app.name}/stages/production/tags?after=9.9.9")
        assert status == 400 and "no tag '9.9.9'" in answer["error"]["message"]


def test_a_registry_that_does_not_tell(scene):
    """There is no repository yet: the answer says so."""
    with scene.app(edge=False) as app:
        over = app.run("explain", app.stage_name)
        assert over.returncode != 0 and "no repository" in over.stderr


def held_of(app):
    """Return the tags in quarantine, the newest first."""
    return [one["tag"] for one in app.stage(app.stage_name)["quarantine"]]


def hook(app, tag):
    """Say that a tag was pushed; returns how its deploy ended."""
    status, begun = app.webhook(app.name, f"{app.scene.registry.address}/{app.repository}:{tag}")
    assert status == 202
    return app.wait_over(begun["id"])


def test_what_was_rolled_back_stays_away(scene):
    """By a failed check and by a person: neither hook nor poll brings it again, over a restart; a person may."""
    with scene.app(stage='tags: "v*", poll: 1h', edge=False) as app:
        scene.push(app, "v1")
        polled(app)
        app.live("v1")
        scene.push(app, "v2", EXIT_AT_START="1")
        polled(app)
        bad = wait_for(lambda: app.deploys(state="ROLLED_BACK"), 30, "the bad version to be given up")[0]
        assert bad["tag"] == "v2" and held_of(app) == ["v2"]
        again = hook(app, "v2")
        assert again["state"] == "SKIPPED" and f"see deploy {bad['id']}" in again["reason"]
        app.kill()
        app.start()
        assert hook(app, "v2")["state"] == "SKIPPED"
        scene.push(app, "v3")
        app.run("poll", app.stage_name)  # a newer digest is not held
        wait_for(lambda: app.stage(app.stage_name)["live"]["tag"] == "v3", 30, "the poll's deploy")
        assert app.wait_over(app.rollback(app.stage_name))["tag"] == "v1"
        assert held_of(app) == ["v3", "v2"]
        assert hook(app, "v3")["state"] == "SKIPPED"
        answer = tags_of(app)
        assert answer["chosen"]["tag"] == "v3" and answer["chosen"]["code"] == "quarantined"
        assert "v3" in app.run("status", app.stage_name).stdout.split("quarantine", 1)[1]
        app.live("v3")  # a person may, and that ends it
        assert held_of(app) == ["v2"]
        done = app.run("lift", app.stage_name)
        assert done.returncode == 0 and held_of(app) == []
        assert app.run("lift", app.stage_name).returncode != 0
        assert hook(app, "v2")["state"] == "ROLLED_BACK"


def test_an_immutable_tag_that_moves(scene):
    """It is an alarm, once, and not deployed by itself; a person may, and then it is right."""
    with scene.app(stage='tags: {{glob: "v*", immutable: true}}, poll: 1h', edge=False) as app:
        scene.push(app, "v1")
        polled(app)
        app.live("v1")
        moved = scene.push(app, "v1", MARK="other")
        over = hook(app, "v1")
        assert over["state"] == "FAILED" and "tag v1 is immutable and has moved" in over["reason"]
        polled(app)
        polled(app)
        assert [(one["tag"], one["digest"]) for one in app.stage(app.stage_name)["moved"]] == [("v1", moved)]
        assert tags_of(app)["chosen"]["code"] == "moved"
        assert "tag v1 has moved and must not" in app.run("status", app.stage_name).stdout
        assert [line["tag"] for line in app.log_lines() if line.get("event") == "tag.moved"] == ["v1"]
        assert app.live("v1")["digest"] == moved
        assert app.stage(app.stage_name)["moved"] == []


def test_young_versions_wait(scene):
    """A hook does not bring them, a poll does once they are old enough."""
    with scene.app(stage='tags: {{glob: "v*", min_age: 3s}}, poll: 1s', edge=False) as app:
        scene.push(app, "v1")
        wait_for(lambda: app.stage(app.stage_name)["poll"]["tag"] == "v1", 20, "the first look")
        app.live("v1")
        scene.push(app, "v2")
        begin = time.monotonic()
        over = hook(app, "v2")
        assert over["state"] == "FAILED" and "'min_age' is 3s" in over["reason"]
        wait_for(lambda: app.stage(app.stage_name)["live"]["tag"] == "v2", 30, "the poll's deploy")
        assert time.monotonic() - begin >= 3
