# SPDX-License-Identifier: MIT
"""Secrets on a real engine: they reach their container and no other place, and survive what may happen to them."""
import json
import stat
import threading

import pytest

from bed.scene import Scene
from bed.wait import wait_for

VALUE = "the-plain-text-of-the-secrets-test"
LATER = "the-later-text-of-the-secrets-test"


@pytest.fixture(scope="module", name="scene")
def fixture_scene(tmp_path_factory):
    """One engine and one registry for all tests."""
    with Scene(tmp_path_factory.mktemp("secrets")) as scene:
        yield scene


def with_env(scene, env, stage="domains: [{name}.localhost]", **settings):
    """A server whose project has this env."""
    return scene.app(stage=stage, more=f"    env: {env}", **settings)


def set_secret(app, name, value):
    """Set one by the command line, as people do."""
    done = app.run("secrets", "set", name, given=value + "\n")
    assert done.returncode == 0, done.stderr
    return done.stdout


def secrets(app):
    """What is told of them, by name."""
    return {one["name"]: one for one in app.get("/api/v1/secrets")["items"]}


def environment(app):
    """The variables of the container that runs."""
    running = [one for one in app.containers() if one["State"] == "running"]
    assert len(running) == 1
    pairs = app.scene.engine.api.inspect(running[0]["Id"])["Config"]["Env"]
    return dict(pair.split("=", 1) for pair in pairs)


def places_with(app, text):
    """Every file of the server's data, and its log, that holds the text."""
    files = [path for path in (*app.data.rglob("*"), app.log) if path.is_file()]
    assert any(path.name == "slipway.db" for path in files)
    return [path for path in files if text.encode() in path.read_bytes()]


def test_a_secret_reaches_its_container_and_no_other_place(scene):
    """Set, deployed, changed, deployed again: the engine alone has seen the values."""
    with with_env(scene, "{PASSWORD: {secret: db}, MODE: plain, GONE: x}",
                  "domains: [{name}.localhost], env: {{GONE: null}}") as app:
        assert "version 1" in set_secret(app, "db", VALUE)
        scene.push(app, "v1")
        first = app.live("v1")
        assert environment(app)["PASSWORD"] == VALUE and environment(app)["MODE"] == "plain"
        assert "GONE" not in environment(app)
        assert not app.stage(app.stage_name)["is_outdated"]
        set_secret(app, "db", LATER)
        assert app.stage(app.stage_name)["is_outdated"] and environment(app)["PASSWORD"] == VALUE
        second = app.live("v1", force=True)
        assert environment(app)["PASSWORD"] == LATER
        assert not app.stage(app.stage_name)["is_outdated"]
        assert second["env"] == [{"name": "PASSWORD", "change": "changed"}] and first["env"] == []
        assert "changed PASSWORD" in app.run("show", str(second["id"])).stdout
        answers = json.dumps([app.get(path) for path in (
            "/api/v1/secrets", "/api/v1/stages", "/api/v1/deploys", f"/api/v1/deploys/{second['id']}",
            f"/api/v1/deploys/{second['id']}/log", f"/api/v1/projects/{app.name}", "/health")])
        labels = json.dumps([one["Labels"] for one in app.containers()])
        listed = app.run("secrets", "list").stdout
        assert app.stage_name in listed and "db" in listed
        for value in (VALUE, LATER):
            assert places_with(app, value) == []
            assert value not in answers + labels + listed
        known = app.get("/api/v1/secrets")["key"].encode()
        assert any(known in path.read_bytes() for path in app.data.iterdir() if path.is_file())  # the search finds
        key = app.data / "secrets.key"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_what_is_missing_fails_before_the_pull(scene):
    """Nothing is pulled or made, the version is not to blame, and the same hook brings it afterwards."""
    with with_env(scene, "{PASSWORD: {secret: db}, HOME_OF: {env: NOT_THERE_AT_ALL}}") as app:
        scene.push(app, "v1")
        over = app.wait_over(app.deploy(app.stage_name, "v1"))
        assert over["state"] == "FAILED" and "env HOME_OF: the server has no environment" in over["reason"]
        assert app.containers() == []
        app.config_file.write_text(app.config_file.read_text("utf-8").replace("NOT_THERE_AT_ALL", "HOME"), "utf-8")
        done = app.run("apply", str(app.config_file))
        assert "there is no secret 'db' yet" in done.stderr and done.returncode == 0
        over = app.wait_over(app.deploy(app.stage_name, "v1"))
        assert over["state"] == "FAILED" and "slipway secrets set db" in over["reason"]
        assert app.stage(app.stage_name)["quarantine"] == []
        set_secret(app, "db", VALUE)
        status, answer = app.webhook(app.name, scene.registry.reference(app.repository, "v1"))
        assert status == 202 and app.wait_over(answer["id"])["state"] == "LIVE"
        refused = app.run("secrets", "remove", "db")
        assert refused.returncode == 5 and f"{app.stage_name} needs the secret 'db'" in refused.stderr


def test_a_rotation_survives_being_killed(scene):
    """The server is killed while it makes new keys, again and again: every value can be opened afterwards."""
    with with_env(scene, "{PASSWORD: {secret: s3}}") as app:
        for number in range(40):
            app.call("PUT", f"/api/v1/secrets/s{number}", {"value": f"{VALUE}-{number}"})
        for round_ in range(6):
            stop = threading.Event()
            rotating = threading.Thread(target=rotate_until, args=(app, stop))
            rotating.start()
            wait_for(lambda: len(keys_in_file(app)) > 1, 10, "a new key to be written", 0.0005)
            app.kill()
            stop.set()
            rotating.join()
            app.start()
            told = app.get("/api/v1/secrets")
            assert len(told["items"]) == 40 and all(one["is_readable"] for one in told["items"]), round_
            assert {one["key"] for one in told["items"]} == {told["key"]}
            wait_for(lambda: len(keys_in_file(app)) == 1, 10, "the old keys to leave the file")
        scene.push(app, "v1")
        app.live("v1")
        assert environment(app)["PASSWORD"] == f"{VALUE}-3"
        assert places_with(app, VALUE) == []


def rotate_until(app, stop):
    """Ask for new keys without end."""
    while not stop.is_set():
        try:
            app.call("POST", "/api/v1/secrets/rotate", {}, timeout_s=5)
        except OSError:
            return


def keys_in_file(app):
    """The lines of the key's file."""
    return (app.data / "secrets.key").read_text("ascii").split()


def test_keys_that_are_missing_or_wrong(scene):
    """Without its key the server does not start; with another it does, tells, and takes new values."""
    with with_env(scene, "{PASSWORD: {secret: db}}") as app:
        set_secret(app, "db", VALUE)
        assert app.terminate() == 0
        key = app.data / "secrets.key"
        kept = key.read_text("ascii")
        key.unlink()
        app.launch()
        assert app.process.wait(20) != 0
        assert "the store holds 1 secret, and the file with their key is not there" in app.log_tail()
        made = app.run("secrets", "generate", str(key), SLIPWAY_TOKEN="")
        assert made.returncode == 0 and stat.S_IMODE(key.stat().st_mode) == 0o600 and made.stdout == ""
        assert app.run("secrets", "generate", str(key)).returncode == 1  # it is not replaced
        app.start()
        assert not secrets(app)["db"]["is_readable"]
        assert [line for line in app.log_lines() if line["event"] == "secrets.unreadable"]
        assert " is missing" in app.run("secrets", "list").stdout
        scene.push(app, "v1")
        over = app.wait_over(app.deploy(app.stage_name, "v1"))
        assert over["state"] == "FAILED" and "is sealed with the key" in over["reason"]
        assert app.run("secrets", "rotate").returncode == 5
        key.write_text(key.read_text("ascii") + kept, "ascii")  # both
        assert app.terminate() == 0
        app.start()
        assert secrets(app)["db"]["is_readable"]
        app.live("v1")
        assert environment(app)["PASSWORD"] == VALUE


def test_a_key_of_the_environment(scene, tmp_path):
    """Changed by its owner, since Slipway cannot write it; files give values, too."""
    old, new = (scene_key(scene, tmp_path / str(number)) for number in range(2))
    (tmp_path / "smtp").write_text("from a file\n", "utf-8")
    (tmp_path / "outside").symlink_to("/etc/hostname")
    with with_env(scene, f"{{A: {{secret: db}}, B: {{file: {tmp_path}/smtp}}, C: {{env: GIVEN}}}}",
                  SLIPWAY_KEY=old, SLIPWAY_SECRET_PATHS=str(tmp_path), GIVEN="of the server") as app:
        set_secret(app, "db", VALUE)
        refused = app.run("secrets", "rotate")
        assert refused.returncode == 5 and "SLIPWAY_KEY" in refused.stderr
        assert app.terminate() == 0
        app.settings["SLIPWAY_KEY"] = f"{new},{old}"
        app.start()
        wait_for(lambda: [one for one in app.log_lines() if one["event"] == "secrets.key_old"], 10, "the line")
        assert app.terminate() == 0
        app.settings["SLIPWAY_KEY"] = new
        app.start()
        scene.push(app, "v1")
        app.live("v1")
        found = environment(app)
        assert (found["A"], found["B"], found["C"]) == (VALUE, "from a file", "of the server")
        assert not (app.data / "secrets.key").exists() and places_with(app, new) == []
        text = app.config_file.read_text("utf-8").replace("/smtp", "/outside")
        app.config_file.write_text(text, "utf-8")
        assert app.run("apply", str(app.config_file)).returncode == 0
        over = app.wait_over(app.deploy(app.stage_name, "v1", force=True))
        assert over["state"] == "FAILED" and "lies in none of the folders" in over["reason"]
        app.config_file.write_text(text.replace(f"{tmp_path}/outside", "/etc/passwd"), "utf-8")
        refused = app.run("apply", str(app.config_file))
        assert refused.returncode == 7 and "must lie in a folder of SLIPWAY_SECRET_PATHS" in refused.stderr


def scene_key(scene, directory):
    """A key as `slipway secrets generate` prints it."""
    with scene.app(edge=False) as app:
        directory.mkdir()
        key = app.run("secrets", "generate").stdout.strip()
    assert len(key) == 64
    return key


def test_bad_input(scene):
    """Values never come by the command line; what is no text, too long or badly named is refused."""
    with scene.app(edge=False) as app:
        assert app.run("secrets", "set", "db", VALUE).returncode == 2
        assert app.run("secrets", "set").returncode == 2
        assert app.run("secrets", "forget", "db").returncode == 2
        assert app.run("secrets", "list", "--file", "x").returncode == 2
        assert "is empty" in app.run("secrets", "set", "db", given="\n").stderr
        assert app.run("secrets", "set", "db", given="x" * 9000).returncode == 2
        path = app.directory / "value"
        path.write_bytes(b"\xff\xfe")
        assert "no text" in app.run("secrets", "set", "db", "--file", str(path)).stderr
        path.write_bytes("zwei\nZeilen \u00fc\n".encode())
        assert app.run("secrets", "set", "db", "--file", str(path)).returncode == 0
        assert app.run("secrets", "remove", "nothing").returncode == 3
        for name, body, status in (("db", {"value": ""}, 400), ("db", {"value": 1}, 400), ("db", {}, 400),
                                   ("db", {"value": "x", "more": 1}, 400), ("db", {"value": "a\0b"}, 400),
                                   ("db", {"value": "x" * 8192}, 400), ("-db", {"value": "x"}, 400),
                                   ("a%20b", {"value": "x"}, 400), ("x" * 64, {"value": "x"}, 400),
                                   ("db", {"value": "x" * 8191}, 200)):
            answer = app.call("PUT", f"/api/v1/secrets/{name}", body)
            assert answer[0] == status, (name, str(body)[:40], answer)
        assert app.call("PUT", "/api/v1/secrets/db", "value", headers={"Content-Type": "text/plain"})[0] == 415
        assert app.call("GET", "/api/v1/secrets", token=None)[0] == 401
        assert app.call("POST", "/api/v1/secrets/rotate", {"x": 1})[0] == 400
        assert app.call("DELETE", "/api/v1/secrets/db")[0] == 204
        assert secrets(app) == {}
