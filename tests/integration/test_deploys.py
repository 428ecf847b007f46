# SPDX-License-Identifier: MIT
"""Deploys on the real engine, registry and edge: what runs afterwards, and what is said about it."""
import pytest

from bed.fault_proxy import Fault, FaultProxy
from bed.scene import Scene
from bed.slipway import ApiFault
from bed.wait import wait_for


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("deploys")) as scene:
        yield scene


def test_a_version_replaces_another(scene):
    """Three replicas as one set; the digest that was asked for runs; nothing of the old is left."""
    with scene.app(stage="domains: [{name}.localhost], replicas: 3") as app:
        scene.push(app, "v1")
        digest = scene.push(app, "v2")
        first = app.live("v1")
        assert app.versions() == ["v1"] * 3
        second = app.live("v2")
        assert app.versions() == ["v2"] * 3
        assert len(app.containers()) == 3
        for container in app.containers():
            assert container["Labels"]["slipway.digest"] == digest
            assert container["Labels"]["slipway.deploy"] == str(second["id"])
            assert scene.engine.api.inspect(container["Id"])["Config"]["Image"].endswith(digest)
        assert second["elder"] == first["id"] and second["digest"] == digest
        states = [step["to"] for step in second["steps"] if step["actor"] == "DEPLOY"]
        assert states == ["RESOLVING", "QUEUED", "PULLING", "STARTING", "PROBING", "PROBING", "SWAPPING",
                          "DRAINING", "RETIRING", "LIVE"]  # healthy, and then the stage's word


def test_the_configuration_arrives_in_the_container(scene):
    """Env, command limits, labels, restart policy, volume."""
    more = """    env: {GREETING: "hello: world"}
    labels: {team: blue}
    memory: 64m
    cpus: 0.5
    restart: on-failure
    user: "0"
    volumes: ["data-of-a-test:/data"]"""
    with scene.app(more=more) as app:
        scene.push(app, "v1")
        app.live("v1")
        found = scene.engine.api.inspect(app.containers()[0]["Id"])
        assert "GREETING=hello: world" in found["Config"]["Env"]
        assert found["Config"]["Labels"]["team"] == "blue"
        assert found["HostConfig"]["Memory"] == 64 << 20
        assert found["HostConfig"]["NanoCpus"] == 500_000_000
        assert found["HostConfig"]["RestartPolicy"]["Name"] == "on-failure"
        assert found["Config"]["User"] == "0"
        assert [(m["Name"], m["Destination"]) for m in found["Mounts"]] == [("data-of-a-test", "/data")]


def test_an_app_that_answers_slowly_is_deployed(scene):
    """Ten answers of more than a second each would outlast the confirmation: fewer are enough then."""
    with scene.app() as app:
        scene.push(app, "v1", HEALTH_SLOW_MS=1200)
        over = app.live("v1")
        assert [line for line in app.log_of(over["id"]) if "answers in a row" in line["text"]]


def test_a_worker_has_no_route(scene):
    """Gate, then the old one is stopped; no swap."""
    with scene.app(stage='tags: "*"') as app:
        scene.push(app, "v1")
        scene.push(app, "v2")
        app.live("v1")
        over = app.live("v2")
        assert app.versions() == ["v2"]
        assert not [step for step in over["steps"] if step["actor"] == "SWAP"]


def test_the_same_digest_is_skipped_unless_forced(scene):
    """Live already: nothing is done, and it says so."""
    with scene.app() as app:
        scene.push(app, "v1")
        first = app.live("v1")
        again = app.wait_over(app.deploy(app.stage_name, "v1"))
        assert again["state"] == "SKIPPED" and f"deploy {first['id']}" in again["reason"]
        forced = app.live("v1", force=True)
        assert forced["is_live"] and not app.show(first["id"])["is_live"]


def test_the_newest_waits_and_older_ones_are_superseded(scene):
    """Four wishes at once: the first runs, the last is live in the end, those between say who came after."""
    with scene.app() as app:
        for tag in ("v1", "v2", "v3", "v4"):
            scene.push(app, tag)
        ids = [app.deploy(app.stage_name, tag) for tag in ("v1", "v2", "v3", "v4")]
        over = [app.wait_over(one) for one in ids]
        assert [one["state"] for one in over][-1] == "LIVE"
        assert {one["state"] for one in over[1:3]} <= {"SUPERSEDED", "LIVE"}
        assert [one for one in over if one["state"] == "SUPERSEDED"], over
        for one in over:
            if one["state"] == "SUPERSEDED":
                assert "superseded by deploy" in one["reason"]
        assert app.versions() == ["v4"]


def test_going_back(scene):
    """To the version before, to a named deploy, and not where there is nothing."""
    with scene.app() as app:
        for tag in ("v1", "v2", "v3"):
            scene.push(app, tag)
        with pytest.raises(ApiFault) as none:
            app.rollback(app.stage_name)
        assert none.value.status == 409 and "nothing to go back to" in none.value.message
        first = app.live("v1")
        app.live("v2")
        app.live("v3")
        assert app.wait_over(app.rollback(app.stage_name))["tag"] == "v2"
        text = app.config_file.read_text("utf-8")
        app.config_file.write_text(text.replace("    port: 8080\n", "    port: 8080\n    env: {WHEN: now}\n"), "utf-8")
        assert app.run("apply", str(app.config_file)).returncode == 0
        assert app.wait_over(app.rollback(app.stage_name, to=first["id"]))["state"] == "LIVE"
        assert app.versions() == ["v1"]  # with the environment of today
        assert "WHEN=now" in scene.engine.api.inspect(app.containers()[0]["Id"])["Config"]["Env"]


def test_cancel_while_it_pulls_and_while_it_is_probed(scene):
    """Canceled deploys leave nothing behind, and the old version serves."""
    with FaultProxy(scene.registry.address) as slow, scene.app(
            address=slow.address, health="{http: /health, interval: 50ms, min_uptime: 0s, deadline: 60s}") as app:
        scene.push(app, "v1")
        app.live("v1")
        scene.push(app, "v2")
        slow.add(Fault(path=r"/blobs/", delay_s=20))
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, "PULLING")
        app.post(f"/api/v1/deploys/{deploy}/cancel")
        assert app.wait_over(deploy)["state"] == "CANCELED"
        slow.clear()
        scene.push(app, "v3", HEALTH="fail")
        deploy = app.deploy(app.stage_name, "v3")
        app.wait_state(deploy, "PROBING")
        app.post(f"/api/v1/deploys/{deploy}/cancel")
        assert app.wait_over(deploy)["state"] == "CANCELED"
        assert app.versions() == ["v1"] and len(app.containers()) == 1
        with pytest.raises(ApiFault) as over:
            app.post(f"/api/v1/deploys/{deploy}/cancel")
        assert over.value.status == 409 and "over" in over.value.message


def test_unknown_names_are_told(scene):
    """A tag, a project, a stage, a deploy that are not there."""
    with scene.app() as app:
        scene.push(app, "v1")
        over = app.wait_over(app.deploy(app.stage_name, "v9"))
        assert over["state"] == "FAILED" and "v9" in over["reason"]
        for call in (lambda: app.deploy("nobody/production", "v1"), lambda: app.deploy(f"{app.name}/nowhere", "v1"),
                     lambda: app.show(987654)):
            with pytest.raises(ApiFault) as missing:
                call()
            assert missing.value.status == 404


def test_many_hooks_for_one_digest_are_one_deploy(scene):
    """21 hooks, one deploy that does something."""
    with scene.app() as app:
        scene.push(app, "v1")
        image = scene.registry.reference(app.repository, "v1")
        answers = [app.webhook(app.name, image) for _ in range(21)]
        assert {status for status, _ in answers} == {202}
        for _, body in answers:
            app.wait_over(body["id"])
        done = [d for d in app.deploys(project=app.name, limit=100) if d["state"] != "SKIPPED"]
        assert [d["state"] for d in done] == ["LIVE"]


def test_webhooks_that_do_not_fit(scene):
    """An unknown uuid is not found; another image or tag is ignored; a broken body is refused."""
    with scene.app(stage='tags: "v*", domains: [{name}.localhost]') as app:
        scene.push(app, "v1")
        assert app.call("POST", "/api/webhook/0b0e3e3b-4353-4e8a-987a-71c6c29112f2", {"image": "a/b:c"},
                        token=None)[0] == 404
        for image in (scene.registry.reference(app.repository, "dev-1"), scene.registry.reference("other/app", "v1")):
            status, body = app.webhook(app.name, image)
            assert status == 200 and "ignored" in body
        assert app.webhook(app.name, "UPPER CASE")[0] == 400
        assert app.deploys(project=app.name) == []


def test_polling_records_first_then_deploys(scene):
    """What is there at the first look is not deployed; a new tag is, and a tag that moved."""
    with scene.app(stage='tags: "v*", poll: 1s, domains: [{name}.localhost]') as app:
        scene.push(app, "v1")
        wait_for(lambda: app.stage(app.stage_name)["poll"]["tag"] == "v1", 20, "the first look")
        assert app.deploys(project=app.name) == []
        scene.push(app, "v2")
        wait_for(lambda: app.versions() == ["v2"], 30, "v2 to be found and live")
        digest = scene.push(app, "v2", GREETING="moved")
        wait_for(lambda: (app.stage(app.stage_name)["live"] or {}).get("digest") == digest, 30, "the moved tag")


@pytest.mark.parametrize("behaviour, words", [
    ({"HEALTH": "fail"}, "503"),
    ({"EXIT_AT_START": "7"}, "7"),
    ({"MEMORY_HOG_MB": "200"}, "memory"),
    ({"PORT": "9999"}, "8080"),
])
def test_a_version_that_fails_its_gate_is_rolled_back(scene, behaviour, words):
    """The reason is told, the last lines are kept, the old version serves untouched."""
    with scene.app(more="    memory: 48m\n    restart: \"no\"") as app:
        scene.push(app, "v1")
        scene.push(app, "v2", **behaviour)
        app.live("v1")
        before = app.containers()[0]["Id"]
        over = app.wait_over(app.deploy(app.stage_name, "v2"))
        assert over["state"] == "ROLLED_BACK" and words in over["reason"].lower(), over["reason"]
        assert [line for line in app.log_of(over["id"]) if line["level"] == "out"]
        assert [c["Id"] for c in app.containers()] == [before]


@pytest.mark.parametrize("health", ["{tcp: true, successes: 2, interval: 50ms, min_uptime: 0s}",
                                    "{none: true, min_uptime: 1s}"])
def test_other_gates(scene, health):
    """TCP, and none at all but a minimum uptime."""
    with scene.app(health=health) as app:
        scene.push(app, "v1", LISTEN_DELAY_MS="300")
        app.live("v1")
        assert app.versions() == ["v1"]
