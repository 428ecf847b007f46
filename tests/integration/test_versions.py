# SPDX-License-Identifier: MIT
"""Several versions of a stage at once, each reached by its tag, on the real engine and edge."""
import contextlib
import threading

import pytest

from bed.behind_caddy import ask
from bed.checker import Checker
from bed.faults import kill_haproxy, lines, none_failed
from bed.front import Front
from bed.scene import Scene
from bed.wait import wait_for

STAGE = 'domains: [{name}.localhost, "{{tag}}-{name}.localhost"], max_instances: 3'


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("versions")) as scene:
        yield scene


@contextlib.contextmanager
def _app(scene, tags, stage=STAGE, **more):
    with scene.app(stage=stage, **more) as app:
        app.address = app.edge_address
        for tag in tags:
            scene.push(app, tag)
        yield app


def _name(app, tag):
    return f"{tag}-{app.host}"


def _version(app, tag=None):
    """Who answers under a tag's name, or under the stage's: (status, version)."""
    status, headers, _ = ask(app, Host=_name(app, tag) if tag else app.host)
    return status, headers.get("App-Version")


def _instance(app, tag):
    return ask(app, Host=_name(app, tag))[1].get("App-Instance", "nobody")


def _is_reached(app, *tags):
    wait_for(lambda: all(_version(app, tag) == (200, tag) for tag in tags), 30, f"{tags} to be reached")


def _kept(app):
    return [one["tag"] for one in app.stage(app.stage_name)["kept"]]


def test_each_is_reached_by_its_tag_and_the_oldest_goes(scene):
    """The stage's own name leads to the newest; who is evicted ends what is in flight, and nobody else notices."""
    with _app(scene, ("v1", "v2", "v3", "v4")) as app:
        for tag in ("v1", "v2", "v3"):
            app.live(tag)
        _is_reached(app, "v1", "v2", "v3")
        assert _version(app) == (200, "v3") and _kept(app) == ["v2", "v1"]
        stage = app.stage(app.stage_name)
        assert stage["kept"][0]["domains"] == [_name(app, "v2")] and stage["kept"][0]["until_ms"] == 0
        told = app.run("status", app.stage_name).stdout
        assert f"v2 (deploy {stage['kept'][0]['deploy']}) at {_name(app, 'v2')}, v1 (deploy " in told
        with Checker([], rate=200, workers=8) as checker:
            checker.add(app.host, app.edge_address, app=app.repository)
            for tag in ("v2", "v3"):
                checker.add(_name(app, tag), app.edge_address, app=app.repository)
                checker.expect(_name(app, tag), tag)
            checker.wait_requests(100)
            slow = []
            visitor = threading.Thread(
                target=lambda: slow.append(ask(app, "/slow?ms=4000", 10, Host=_name(app, "v1"))))
            visitor.start()
            app.live("v4")
            checker.wait_version(app.host, "v4", 10)
            wait_for(lambda: _version(app, "v1")[0] in (404, 503), 10, "nobody to be led to v1")
            assert app.versions() == ["v1", "v2", "v3", "v4"]  # somebody is still served
            visitor.join()
            assert slow[0][0] == 200 and slow[0][1]["App-Version"] == "v1"
            wait_for(lambda: app.versions() == ["v2", "v3", "v4"], 20, "v1 to go")
            _is_reached(app, "v2", "v3", "v4")
            none_failed(checker)
        assert _kept(app) == ["v3", "v2"] and not lines(app, "edge.drift", "warn")


def test_a_tag_that_is_deployed_anew(scene):
    """Under load on the tag's own name: the new one takes it over. The others stay, whoever restarts."""
    with _app(scene, ("v1", "v2")) as app:
        app.live("v1")
        app.live("v2")
        _is_reached(app, "v1", "v2")
        with Checker([], rate=200, workers=8) as checker:
            for host in (app.host, _name(app, "v1"), _name(app, "v2")):
                checker.add(host, app.edge_address, app=app.repository)
            checker.wait_requests(100)
            before = {c["Id"] for c in app.containers() if c["Labels"]["slipway.tag"] == "v2"}
            scene.push(app, "v2", HEALTH="ok", DRAIN_MS=1)
            app.live("v2")
            wait_for(lambda: not before & {c["Id"] for c in app.containers()}, 20, "the old v2 to go")
            assert _kept(app) == ["v1"] and app.versions() == ["v1", "v2"]
            restart = app.run("restart", app.stage_name, "--wait")
            assert restart.returncode == 0 and _kept(app) == ["v1"]
            app.kill()
            app.start()
            wait_for(lambda: app.versions() == ["v1", "v2"], 20, "what was restarted alone")
            _is_reached(app, "v1", "v2")
            none_failed(checker)


def test_who_comes_by_the_tag_is_served_to_the_end(scene):
    """The same tag anew, and a restart: what is in flight by its own name ends before the old containers do, though they
    would not wait for it."""
    with _app(scene, ("v1",), stage=STAGE + ", drain_timeout: 20s, stop_timeout: 1s") as app:
        scene.push(app, "v2", DRAIN_MS=1)
        app.live("v1")
        app.live("v2")
        _is_reached(app, "v1", "v2")
        for again in (lambda: scene.push(app, "v2", DRAIN_MS=2), lambda: None):
            slow = []
            visitor = threading.Thread(
                target=lambda slow=slow: slow.append(ask(app, "/slow?ms=3000", 10, Host=_name(app, "v2"))[0]))
            visitor.start()
            wait_for(lambda: app.stage(app.stage_name)["in_flight"] > 0, 10, "the slow request")
            again()
            app.live("v2", force=True)
            visitor.join()
            assert slow == [200]
        _is_reached(app, "v1", "v2")


def test_one_digest_has_two_tags(scene):
    """Each tag is reached by its name, and a version that gets a new digest leaves the other one alone; two tags that
    make one name are one."""
    with _app(scene, ("v1", "v2"), stage=STAGE.replace("3", "4")) as app:
        app.live("v1")
        app.live("v2")
        scene.registry.retag(app.repository, "v1", "stable")
        over = app.live("stable")
        assert "nothing was started" not in over["reason"]
        wait_for(lambda: _version(app, "stable") == (200, "v1"), 10, "stable to be reached")
        assert _version(app, "v1") == (200, "v1") and _kept(app) == ["v2", "v1"]
        scene.push(app, "v1", HEALTH="ok", DRAIN_MS=1)
        app.live("v1")
        instance = next(c for c in app.containers() if c["Labels"]["slipway.tag"] == "v1" and c["State"] == "running")
        wait_for(lambda: _instance(app, "v1") in instance["Id"], 10, "the new v1")
        assert _kept(app) == ["stable", "v2"] and _version(app, "stable") == (200, "v1")
        scene.push(app, "V1")
        app.live("V1")
        wait_for(lambda: _version(app, "v1") == (200, "V1"), 10, "the newer one to have the name")
        assert _kept(app) == ["stable", "v2"]


def test_one_again(scene):
    """The number is made 1: the next deploy of the live tag takes its name; and when it is made 3 again gives it back."""
    with _app(scene, ("v1", "v2")) as app:
        app.live("v1")
        app.live("v2")
        _is_reached(app, "v1", "v2")
        path = app.directory / "slipway.yml"
        good = path.read_text("utf-8")
        with Checker([], rate=200, workers=8) as checker:
            for host in (app.host, _name(app, "v2")):
                checker.add(host, app.edge_address, app=app.repository)
            checker.wait_requests(100)
            for text, most in ((good.replace("max_instances: 3", "max_instances: 1"), 1), (good, 3)):
                path.write_text(text, "utf-8")
                assert app.run("apply", str(path)).returncode == 0
                app.live("v2", force=True)
                _is_reached(app, "v2")
                wait_for(lambda: app.versions() == ["v2"], 40, f"one of them, with {most}")
            none_failed(checker)


def test_a_name_of_another_stage(scene):
    """It is told before anything goes live under it."""
    with _app(scene, ("v1", "v2"), stages='      other: {{domains: ["v2-{name}.localhost"]}}') as app:
        assert app.wait_over(app.deploy(f"{app.name}/other", "v1"))["state"] == "LIVE"
        app.live("v1")
        over = app.wait_over(app.deploy(app.stage_name, "v2"))
        assert over["state"] == "ROLLED_BACK" and f"is served by {app.name}/other" in over["reason"]
        assert _version(app, "v2") == (200, "v1") and _version(app) == (200, "v1")


def test_back_to_one_of_them(scene):
    """Nothing is started; who left is reached by its own tag. One is removed by hand; a stop ends them all."""
    with _app(scene, ("v1", "v2", "v3")) as app:
        for tag in ("v1", "v2", "v3"):
            app.live(tag)
        before = {c["Id"] for c in app.containers()}
        oldest = app.stage(app.stage_name)["kept"][1]["deploy"]
        over = app.wait_over(app.rollback(app.stage_name, to=oldest))
        assert over["state"] == "LIVE" and over["tag"] == "v1" and "nothing was started" in over["reason"]
        _is_reached(app, "v1", "v2", "v3")
        assert _version(app) == (200, "v1") and _kept(app) == ["v3", "v2"]
        assert {c["Id"] for c in app.containers()} == before

        refused = app.run("remove", app.stage_name, "v1")
        assert refused.returncode == 5 and "v1 is what serves" in refused.stderr
        refused = app.run("remove", app.stage_name, "v9")
        assert refused.returncode == 5 and "no version 'v9' is kept running" in refused.stderr
        assert app.run("remove", app.stage_name, "v3", "--as", "ann").returncode == 0
        wait_for(lambda: app.versions() == ["v1", "v2"], 20, "v3 to go")
        assert _version(app, "v3")[0] in (404, 503) and _kept(app) == ["v2"]
        assert ("remove", "ann") in {(one["action"], one["by"]) for one in app.get("/api/v1/audit")["items"]}
        _is_reached(app, "v1", "v2")

        assert app.run("stop", app.stage_name, "--wait").returncode == 0
        wait_for(lambda: app.containers() == [] and _kept(app) == [], 20, "all of them to go")
        assert [_version(app, tag)[0] for tag in (None, "v1", "v2")] == [503, 404, 404]
        assert app.run("start", app.stage_name, "--wait").returncode == 0
        _is_reached(app, "v1")


def test_fewer_are_wanted_and_one_dies(scene):
    """A smaller number counts at once, for the oldest; one whose containers are all removed is let go, one that crashed
    starts again by itself and is reached again."""
    with _app(scene, ("v1", "v2", "v3"), stage=STAGE + ", replicas: 2") as app:
        for tag in ("v1", "v2", "v3"):
            app.live(tag)
        path = app.directory / "slipway.yml"
        path.write_text(path.read_text("utf-8").replace("max_instances: 3", "max_instances: 2"), "utf-8")
        assert app.run("apply", str(path)).returncode == 0
        wait_for(lambda: app.versions() == ["v2", "v2", "v3", "v3"] and _kept(app) == ["v2"], 30, "v1 to go")
        _is_reached(app, "v2", "v3")
        kept = [c["Id"] for c in app.containers() if c["Labels"]["slipway.tag"] == "v2"]
        scene.engine.api.signal(kept[0], 9)
        _is_reached(app, "v2", "v3")
        scene.engine.api.remove(kept[0])
        wait_for(lambda: app.versions() == ["v2", "v3", "v3"], 10, "one of two")
        _is_reached(app, "v2", "v3")
        assert _kept(app) == ["v2"]
        scene.engine.api.remove(kept[1])
        wait_for(lambda: _kept(app) == [], 20, "what is gone to be let go")
        wait_for(lambda: _version(app, "v2")[0] == 404, 10, "nobody to be led to it")
        assert _version(app) == (200, "v3")


def test_the_edge_starts_anew(scene):
    """HAProxy is killed: its successor has each version from its first request on."""
    with _app(scene, ("v1", "v2")) as app:
        app.live("v1")
        app.live("v2")
        _is_reached(app, "v1", "v2")
        kill_haproxy(app)
        _is_reached(app, "v1", "v2")
        assert _version(app) == (200, "v2")


@pytest.mark.parametrize("way", ["caddy-edge", "npm-edge"])
def test_behind_a_proxy(scene, tmp_path, way):
    """The proxy's host has the names of all that runs, and nobody is told of a drift."""
    with Front(tmp_path, way) as front, _app(scene, ("v1", "v2", "v3"), front=front,
                                             stage=STAGE.replace("3", "2") + front.stage) as app:
        app.address = front.address(app)
        for tag in ("v1", "v2"):
            app.live(tag)
        _is_reached(app, "v1", "v2")
        app.live("v3")
        _is_reached(app, "v2", "v3")
        wait_for(lambda: _version(app, "v1")[1] is None, 30, "v1 not to be reached")
        wait_for(lambda: app.versions() == ["v2", "v3"], 20, "v1 to go")
        assert not lines(app, "proxy.drift", "warn") and _version(app) == (200, "v3")


def test_what_cannot_be(scene):
    """Versions that exclude each other or that nobody could reach are refused, with the way out."""
    with scene.app(stage=STAGE) as app:
        path = app.directory / "slipway.yml"
        good = path.read_text("utf-8")
        many = "max_instances: 3"
        for old, new, text in (
                (many, "max_instances: 9", "1 to 8"),
                (f', "{{tag}}-{app.name}.localhost"', "", "a domain with {tag}"),
                (many, many + ", strategy: recreate", "one version at a time"),
                (many, many + ", hooks: {post_retire: {command: [x]}}", "'post_retire'")):
            assert old in good
            path.write_text(good.replace(old, new), "utf-8")
            refused = app.run("diff", str(path))
            assert refused.returncode != 0 and text in refused.stderr, refused.stdout + refused.stderr
