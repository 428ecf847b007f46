# SPDX-License-Identifier: MIT
"""Quick deploy: an image that no project has is inspected, becomes one, and serves; by a person or by a webhook."""
import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from bed.fault_proxy import Fault, FaultProxy
from bed.image import OTHER_MACHINE, MACHINE, push_app
from bed.registry import Registry
from bed.scene import Scene
from bed.slipway import ApiFault


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("quick")) as scene:
        yield scene


@pytest.fixture(name="app")
def _app(scene):
    """A server that takes new projects from webhooks, too."""
    with scene.app(SLIPWAY_QUICK_DEPLOY="webhook", SLIPWAY_QUICK_DOMAIN="{stage}-{project}.localhost") as app:
        yield app


def hook(app, image, **headers):
    """Say to the webhook of all projects that an image was pushed; returns (status, answer)."""
    path = app.get("/api/v1/webhook")["webhook_path"]
    status, _, answer = app.call("POST", path, json.dumps({"image": image}), token=None,
                                 headers={"Content-Type": "application/json", **headers})
    return status, answer


def version_at(app, host):
    """Whose version answers through the edge."""
    connection = http.client.HTTPConnection(app.edge_address, timeout=10)
    connection.request("GET", "/", headers={"Host": host})
    return connection.getresponse().headers["App-Version"]


def projects(app):
    """The names of the projects there are."""
    return sorted(one["name"] for one in app.get("/api/v1/projects")["items"])


def refusal(app, path, **body):
    """The status and message of an answer that is none."""
    with pytest.raises(ApiFault) as caught:
        app.post(f"/api/v1/{path}", body)
    return caught.value.status, caught.value.message


def test_a_person_inspects_and_deploys(scene, app):
    """What the image says is shown and becomes the project; the rest of the configuration stays as it is."""
    digest = push_app(scene.registry, "team/Hello.World".lower(), "v1", behaviour={}, machines=[OTHER_MACHINE, MACHINE],
                      healthcheck={"Test": ["CMD", "/bin/true"], "Interval": 10**9})
    image = f"{scene.registry.address}/team/hello.world:v1"
    before = app.run("export").stdout
    shown = app.run("inspect", image)
    assert shown.returncode == 0, shown.stderr
    assert digest in shown.stdout and f"linux/{MACHINE}" in shown.stdout and "ports        8080" in shown.stdout
    assert "  hello-world:\n" in shown.stdout and "health: {docker: true}" in shown.stdout
    assert app.run("export").stdout == before
    found = json.loads(app.run("inspect", image, "--json").stdout)
    assert (found["digest"], found["ports"], found["healthcheck"]) == (digest, [8080], True)
    assert found["suggestion"]["domain"] == "dev-hello-world.localhost" and found["bytes"] > 1000
    done = app.run("quick", image, "--stage", "try", "--wait")
    assert done.returncode == 0, done.stderr
    live = app.stage("hello-world/try")["live"]
    assert (live["tag"], live["digest"]) == ("v1", digest)
    assert version_at(app, "try-hello-world.localhost") == "v1"
    after = app.run("export").stdout
    assert set(before.splitlines()) <= set(after.splitlines()) and "hello-world" in after
    again = app.run("quick", image)
    assert again.returncode == 5 and "there is a project 'hello-world' already" in again.stderr
    assert app.call("POST", "/api/v1/apply?dry=1", after, headers={"Content-Type": "application/yaml"})[2]["changes"] == 0


def test_what_cannot_be_is_refused(scene, app):
    """In words, and nothing is there afterwards."""
    push_app(scene.registry, "team/worker", "v1", behaviour={"MODE": "worker"}, port=None)
    at = scene.registry.address
    there = projects(app)
    status, message = refusal(app, "quick", image=f"{at}/team/none:v1")
    assert status == 502 and "there is no 'v1' of 'team/none'" in message
    assert refusal(app, "quick", image=f"{at}/team/worker")[0] == 400
    assert refusal(app, "quick", image="no image at all")[0] == 400
    assert "exposes no port" in refusal(app, "quick", image=f"{at}/team/worker:v1", domain="w.localhost")[1]
    assert "belongs to" in refusal(app, "quick", image=f"{at}/team/worker:v1", domain=app.host, port=80)[1]
    assert "'A_b'" in refusal(app, "quick", image=f"{at}/team/worker:v1", project="A_b")[1]
    assert "is a name" in refusal(app, "quick", image=f"{at}/team/worker:v1", by="a\nb")[1]
    assert projects(app) == there
    got = app.post("/api/v1/quick", {"image": f"{at}/team/worker:v1"})
    assert (got["project"], got["stage"], got["domain"], got["port"]) == ("worker", "dev", "", 0)
    assert app.wait_over(got["id"])["state"] == "LIVE"


def test_a_webhook_brings_a_new_project(scene, app):
    """Once; later ones deploy to it. A registry that is not configured brings none, nor does a project's webhook."""
    push_app(scene.registry, "team/new", "v1", behaviour={})
    image = f"{scene.registry.address}/team/new"
    status, answer = app.webhook(app.name, f"{image}:v1")
    assert (status, projects(app)) == (200, [app.name]), answer
    status, answer = hook(app, f"{image}:v1", **{"Idempotency-Key": "first"})
    assert status == 202 and answer["deploys"][0]["project"] == "new", answer
    over = app.wait_over(answer["id"])
    assert (over["state"], over["trigger"], over["stage"]) == ("LIVE", "WEBHOOK", "dev")
    assert version_at(app, "dev-new.localhost") == "v1"
    assert hook(app, f"{image}:v1", **{"Idempotency-Key": "first"}) == (200, {
        "ignored": "this delivery was acted on before", "id": answer["id"]})
    push_app(scene.registry, "team/new", "v2", behaviour={})
    status, answer = hook(app, f"{image}:v2")
    assert status == 202 and answer["deploys"] == [{"id": answer["id"], "project": "new", "stage": "dev"}]
    status, answer = hook(app, f"{image}-else:v2")
    assert status == 502 and "team/new-else" in answer["error"]["message"]
    with Registry(scene.directory / "stranger") as stranger:
        push_app(stranger, "team/evil", "v1", behaviour={})
        status, answer = hook(app, f"{stranger.address}/team/evil:v1")
        assert status == 200 and "not one of the configuration" in answer["ignored"]
    assert projects(app) == sorted([app.name, "new"])


def test_webhooks_that_come_while_an_image_is_looked_at(scene):
    """One delivery is acted on once, whatever it says; another tag of the image is of the project that it became."""
    for image in ("one:v1", "two:v1", "more:v1", "more:v2"):
        push_app(scene.registry, "test/" + image.split(":", maxsplit=1)[0], image.split(":")[1], behaviour={})
    with FaultProxy(scene.registry.address) as proxy, scene.app(
            address=proxy.address, edge=False, SLIPWAY_QUICK_DEPLOY="webhook") as app:
        proxy.add(Fault(path="/manifests/", delay_s=1, times=4))
        with ThreadPoolExecutor() as pool:
            asked = [pool.submit(hook, app, f"{proxy.address}/test/{image}", **headers) for image, headers in (
                ("one:v1", {"Idempotency-Key": "same"}), ("two:v1", {"Idempotency-Key": "same"}),
                ("more:v1", {}), ("more:v2", {}))]
            answers = [one.result() for one in asked]
        assert proxy.count(path="/manifests/v[12]$") >= 4
        assert sorted(status for status, _ in answers[:2]) == [200, 202], answers
        assert [status for status, _ in answers[2:]] == [202, 202], answers
        assert {one["deploys"][0]["project"] for _, one in answers[2:]} == {"more"}
        assert len(projects(app)) == 3
        assert {app.show(one["id"])["tag"] for _, one in answers[2:]} == {"v1", "v2"}


def test_it_can_be_switched_off(scene):
    """For webhooks, which is so unless it is asked for, and for people."""
    push_app(scene.registry, "team/off", "v1", behaviour={})
    image = f"{scene.registry.address}/team/off:v1"
    with scene.app(edge=False) as app:
        assert hook(app, image)[0] == 200
        assert projects(app) == [app.name]
    with scene.app(edge=False, SLIPWAY_QUICK_DEPLOY="off") as app:
        assert refusal(app, "quick", image=image)[0] == 409
        assert refusal(app, "inspect", image=image)[0] == 409
        assert projects(app) == [app.name]
