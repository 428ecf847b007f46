# SPDX-License-Identifier: MIT
"""What a stage says of its containers, looked up in the engine; and what it may not say."""
import json

import pytest

from bed.docker_api import ApiError
from bed.scene import Scene
from bed.wait import wait_for

LIMITS = """    memory: 64m
    cpus: 0.5
    pids: 99
    user: "0:0"
    restart: on-failure
    labels: {org.example.team: shop}
    stop_signal: SIGINT
    stop_timeout: 7s
    init: false
    read_only: true
    tmpfs: ["/tmp:8m", /run]
    ulimits: ["nofile=512:1024", core=0]
    log_driver: local
    log_options: {max-size: 1m}
    cap_drop: [ALL]
    networks: [extra-of-a-test]"""
POWERS = """    cap_add: [CHOWN]
    devices: ["/dev/null:/dev/nothing:rw"]
    host_pid: true
    host_ipc: true
    privileged: false"""
NAMES = "privileged,host-pid,host-ipc,host-network,cap:CHOWN,device:/dev/null"


@pytest.fixture(scope="module", name="scene")
def fixture_scene(tmp_path_factory):
    """One engine and one registry for all tests."""
    with Scene(tmp_path_factory.mktemp("containers")) as scene:
        scene.engine.api.create_network("extra-of-a-test")
        yield scene
        scene.engine.api.remove_network("extra-of-a-test")


def only_one(app):
    """The container that runs, as the engine shows it."""
    running = [one for one in app.containers() if one["State"] == "running"]
    assert len(running) == 1
    return app.scene.engine.api.inspect(running[0]["Id"])


def made_for(app, deploy):
    """A container of the deploy, as the engine shows it; one that cannot start is made anew now and then."""
    for one in app.containers():
        if one["Labels"]["slipway.deploy"] == str(deploy):
            try:
                return app.scene.engine.api.inspect(one["Id"])
            except ApiError:
                return None
    return None


def refuse(app, old, new):
    """Apply the configuration with a change; it must be refused, and why is returned."""
    text = app.config_file.read_text("utf-8")
    assert old in text
    path = app.directory / "refused.yml"
    path.write_text(text.replace(old, new), "utf-8")
    done = app.run("apply", str(path))
    assert done.returncode == 7, done.stdout + done.stderr
    return done.stderr


def test_every_limit_is_set(scene):
    """Each key is what `docker inspect` shows."""
    with scene.app(stage="tags: 'v*'", more=LIMITS, edge=False) as app:
        scene.push(app, "v1")
        app.live("v1")
        shown = only_one(app)
        config, host = shown["Config"], shown["HostConfig"]
        assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (64 << 20, 64 << 20, 500_000_000)
        assert host["PidsLimit"] == 99 and config["User"] == "0:0"
        assert host["RestartPolicy"]["Name"] == "on-failure" and config["Labels"]["org.example.team"] == "shop"
        assert config["StopSignal"] == "SIGINT" and config["StopTimeout"] == 7
        assert host["Init"] is False and host["ReadonlyRootfs"] is True
        assert host["Tmpfs"] == {"/tmp": "size=8388608", "/run": ""}
        assert sorted((one["Name"], one["Soft"], one["Hard"]) for one in host["Ulimits"]) == [
            ("core", 0, 0), ("nofile", 512, 1024)]
        assert host["LogConfig"] == {"Type": "local", "Config": {"max-size": "1m", "max-file": "3"}}
        assert host["CapDrop"] == ["ALL"] and not host["CapAdd"] and not host["Privileged"]
        assert set(shown["NetworkSettings"]["Networks"]) == {"slipway", "extra-of-a-test"}


def test_entrypoint_and_command(scene):
    """Both replace those of the image, word by word."""
    with scene.app(stage="tags: 'v*'", edge=False) as app:
        scene.push(app, "v1")
        app.live("v1")
        config = only_one(app)["Config"]
        words = (config["Entrypoint"] or []) + (config["Cmd"] or [])
        text = app.config_file.read_text("utf-8")
        changed = f"    entrypoint: {json.dumps(words[:1])}\n    command: {json.dumps([*words[1:], 'more'])}\n    stages:"
        app.config_file.write_text(text.replace("    stages:", changed), "utf-8")
        assert app.run("apply", str(app.config_file)).returncode == 0
        app.live("v1", force=True)
        config = only_one(app)["Config"]
        assert config["Entrypoint"] == words[:1] and config["Cmd"] == [*words[1:], "more"]


def test_volumes_of_all_and_of_one(scene, tmp_path):
    """Shared by name, isolated by stage, folders of the host only where its owner allows it."""
    allowed = tmp_path / "allowed"
    (allowed / "assets").mkdir(parents=True)
    (allowed / "out").symlink_to("/etc")
    (tmp_path / "allowed-too").mkdir()
    volumes = f"""    volumes:
      - shared-of-a-test:/shared
      - own:/own:isolated
      - {allowed}/assets:/assets:ro
      - {allowed}:/data:isolated"""
    with scene.app(stage="tags: 'v*'", more=volumes, edge=False, SLIPWAY_ALLOW_VOLUME_PATHS=str(allowed)) as app:
        scene.push(app, "v1")
        app.live("v1")
        mounts = {one["Destination"]: one for one in only_one(app)["Mounts"]}
        assert mounts["/shared"]["Name"] == "shared-of-a-test" and mounts["/shared"]["RW"]
        assert mounts["/own"]["Name"] == f"{app.name}-production-own"
        assert mounts["/assets"]["Source"] == f"{allowed}/assets" and not mounts["/assets"]["RW"]
        assert mounts["/data"]["Source"] == f"{allowed}/{app.name}/production"
        assert (allowed / app.name / "production").is_dir()
        for path in ("/etc", f"{tmp_path}/allowed-too", str(tmp_path)):
            assert "lies in no folder" in refuse(app, f"{allowed}/assets:", f"{path}:")
        text = app.config_file.read_text("utf-8")
        app.config_file.write_text(text.replace(f"{allowed}/assets:", f"{allowed}/out:"), "utf-8")
        assert app.run("apply", str(app.config_file)).returncode == 0  # where it leads is looked at by each deploy
        over = app.wait_over(app.deploy(app.stage_name, "v1", force=True))
        assert over["state"] == "FAILED" and "leads to /etc, in none of the folders" in over["reason"]
        socket = scene.engine.host.removeprefix("unix://")
        (allowed / "out").unlink()
        (allowed / "out").symlink_to(socket)
        over = app.wait_over(app.deploy(app.stage_name, "v1", force=True))
        assert over["state"] == "FAILED" and "SLIPWAY_ALLOW_DOCKER_SOCKET=on" in over["reason"]
        assert app.stage(app.stage_name)["quarantine"] == [] and app.versions() == ["v1"]


def test_powers_are_the_owners(scene):
    """None by slipway.yml alone; what was allowed once is looked at again by each deploy."""
    with scene.app(stage="tags: 'v*'", edge=False, SLIPWAY_ALLOW_POWERS=NAMES) as app:
        text = app.config_file.read_text("utf-8")
        app.config_file.write_text(text.replace("    stages:", POWERS + "\n    stages:"), "utf-8")
        assert app.run("apply", str(app.config_file)).returncode == 0
        scene.push(app, "v1")
        app.live("v1")
        host = only_one(app)["HostConfig"]
        assert host["CapAdd"] == ["CHOWN"] and not host["Privileged"]
        assert host["PidMode"] == "host" and host["IpcMode"] == "host"
        assert [(one["PathOnHost"], one["PathInContainer"], one["CgroupPermissions"]) for one in host["Devices"]] == [
            ("/dev/null", "/dev/nothing", "rw")]
        text = app.config_file.read_text("utf-8")
        app.config_file.write_text(text.replace("privileged: false", "privileged: true"), "utf-8")
        assert app.run("apply", str(app.config_file)).returncode == 0
        deploy = app.deploy(app.stage_name, "v1", force=True)  # not every host can start such a one: it is made
        assert wait_for(lambda: made_for(app, deploy), 20, "the container to be made")["HostConfig"]["Privileged"]
        app.call("POST", f"/api/v1/deploys/{deploy}/cancel", {})
        app.wait_over(deploy)
        app.config_file.write_text(text, "utf-8")
        assert app.run("apply", str(app.config_file)).returncode == 0
        assert app.terminate() == 0
        app.settings["SLIPWAY_ALLOW_POWERS"] = NAMES.replace("host-pid,", "")
        app.start()
        over = app.wait_over(app.deploy(app.stage_name, "v1", force=True))
        assert over["state"] == "FAILED" and "'host-pid' is not allowed by the server's owner" in over["reason"]
        assert "wants 'host-pid'" in refuse(app, "host_ipc: true", "host_ipc: false")
        assert app.versions() == ["v1"]


def test_the_network_of_the_host(scene):
    """For a worker: no address, no network of Slipway's."""
    health = "{none: true, min_uptime: 100ms}"
    with scene.app(stage="tags: 'v*'", health=health, edge=False, SLIPWAY_ALLOW_POWERS="host-network") as app:
        text = app.config_file.read_text("utf-8").replace("    port: 8080\n", "    host_network: true\n")
        app.config_file.write_text(text, "utf-8")
        assert app.run("apply", str(app.config_file)).returncode == 0
        scene.push(app, "v1", PORT="0")
        app.live("v1")
        shown = only_one(app)
        assert shown["HostConfig"]["NetworkMode"] == "host" and set(shown["NetworkSettings"]["Networks"]) == {"host"}
        assert "'host_network' beside 'port'" in refuse(app, "host_network: true", "host_network: true\n    port: 8080")
