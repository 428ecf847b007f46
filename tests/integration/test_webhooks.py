# SPDX-License-Identifier: MIT
"""Webhooks of every sender, from recorded shapes (tests/webhooks) and from a real registry: what is deployed, what
is ignored, and who is believed."""
import hashlib
import hmac
import json

import pytest

from bed.image import push_app
from bed.registry import Registry
from bed.scene import Scene
from bed.slipway import ROOT, ApiFault
from bed.wait import wait_for
from bed.webhooks import recorded, recordings

SECRET = "It's a Secret to Everybody"
STAGE = 'tags: "v*", domains: [{name}.localhost]'


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("webhooks")) as scene:
        yield scene


def send(app, shape, path=None, **more):
    """POST a recorded shape to the webhook of the app's project; returns (status, body)."""
    path = path or app.get(f"/api/v1/projects/{app.name}/webhook")["webhook_path"]
    headers, body = recorded(shape, app.repository)
    status, _, answer = app.call("POST", path, body, token=None, headers={**headers, **more})
    return status, answer


def sign(body):
    """As GitHub, Gitea and Forgejo do."""
    return hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()


def test_every_recorded_shape(scene):
    """Those that tell of a push deploy what the registry has; the others do nothing."""
    with scene.app(stage=STAGE) as app:
        digest = scene.push(app, "v1.2.3")
        first = None
        for shape in recordings():
            is_push = shape.endswith(("_push", "_created", "_package", "_url", "_url_only", "_form", "_old", "_many",
                                      "_several", "_cloudevent", "_hub", "gitlab_registry", "generic"))
            is_push = is_push and shape != "github_push"
            body = json.dumps({"image": f"{scene.registry.address}/{app.repository}:v1.2.3"})
            if shape.startswith("generic"):  # the one that names the registry to the letter
                path = app.get(f"/api/v1/projects/{app.name}/webhook")["webhook_path"]
                status, _, answer = app.call("POST", path, body, token=None,
                                             headers={"Content-Type": "application/json"})
                is_push = True
            else:
                status, answer = send(app, shape)
            assert (status == 202) == is_push, (shape, status, answer)
            assert is_push or answer["ignored"], (shape, answer)
            if is_push:
                first = first or answer["id"]
                over = app.wait_over(answer["id"])
                assert over["state"] == ("LIVE" if answer["id"] == first else "SKIPPED"), (shape, over)
                assert over["digest"] == digest and over["trigger"] == "WEBHOOK"
        assert len([d for d in app.deploys(limit=100) if d["state"] == "LIVE"]) == 1


def test_a_body_that_lies(scene):
    """Neither the digest of a body nor a tag that the registry does not have is believed."""
    with scene.app(stage=STAGE) as app:
        true = scene.push(app, "v1")
        path = app.get(f"/api/v1/projects/{app.name}/webhook")["webhook_path"]
        image = f"{scene.registry.address}/{app.repository}"
        other = "sha256:" + "ab" * 32
        _, _, answer = app.call("POST", path, {"image": image, "tag": "v1", "digest": other}, token=None)
        over = app.wait_over(answer["id"])
        assert over["state"] == "LIVE" and over["digest"] == true
        _, _, answer = app.call("POST", path, {"image": f"{image}:v9@{other}"}, token=None)
        over = app.wait_over(answer["id"])
        assert over["state"] == "FAILED" and "no tag 'v9'" in over["reason"]
        assert app.stage(app.stage_name)["live"]["digest"] == true


def test_only_who_knows_the_secret(scene, tmp_path):
    """A signature or the secret itself; a wrong one never, none only where that is allowed."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n", "utf-8")
    with scene.app(stage=STAGE, more=f"    webhook: {{secret_file: {secret}}}") as app:
        scene.push(app, "v1.2.3")
        headers, body = recorded("github_package", app.repository)
        status, answer = send(app, "github_package")
        assert status == 401 and "its secret" in answer["error"]["message"]
        good = {"X-Hub-Signature-256": "sha256=" + sign(body)}
        for bad in ({"X-Hub-Signature-256": "sha256=" + "0" * 64}, {"Authorization": "Bearer no"},
                    {"X-Hub-Signature-256": "sha256=" + sign(body + " ")}, {**good, "X-Gitlab-Token": "no"}):
            status, answer = send(app, "github_package", **bad)
            assert status == 401 and "wrong" in answer["error"]["message"], bad
        assert app.deploys(project=app.name) == []
        for proof in (good, {"X-Gitea-Signature": sign(body)}, {"X-Gitlab-Token": SECRET},
                      {"Authorization": SECRET}, {"Authorization": f"Bearer {SECRET}"}):
            status, answer = send(app, "github_package", **{**proof, "X-GitHub-Delivery": str(proof)})
            assert status == 202, (proof, answer)
        assert send(app, "github_ping", Authorization=SECRET)[1]["ignored"].startswith("a ping")
        assert headers["X-GitHub-Delivery"]
        everyone = app.get("/api/v1/webhook")["webhook_path"]  # it has no secret: no way around this one's
        status, answer = send(app, "quay_push", everyone)
        assert status == 200 and "only what is signed" in answer["ignored"], answer
        allowed = app.config_file.read_text("utf-8").replace(f"{secret}}}", f"{secret}, require_signature: false}}")
        app.config_file.write_text(allowed, "utf-8")
        assert f"project {app.name}" in app.run("apply", str(app.config_file)).stdout
        assert send(app, "docker_hub")[0] == 202
        assert send(app, "docker_hub", Authorization="no")[0] == 401
        secret.unlink()
        status, answer = send(app, "docker_hub")
        assert status == 503 and "cannot be read" in answer["error"]["message"]
        shown = app.get(f"/api/v1/projects/{app.name}/webhook")
        assert shown["secret"]["from"] == "file" and "No such file" in shown["secret"]["why"]
        assert any(line["event"] == "webhook.no_secret" for line in app.log_lines())
        assert SECRET not in app.log.read_text("utf-8")


def test_a_delivery_that_comes_again(scene):
    """It is acted on once, over kill -9 too; what was ignored may come again."""
    with scene.app(stage=STAGE) as app:
        scene.push(app, "v1.2.3")
        status, answer = send(app, "gitea_created")
        assert status == 202
        deploy = answer["id"]
        app.kill()
        app.start()
        app.wait_over(deploy)
        for _ in range(2):
            status, answer = send(app, "gitea_created")
            assert (status, answer["id"]) == (200, deploy) and "acted on before" in answer["ignored"]
        assert len(app.deploys(project=app.name)) == 1
        held = {"X-GitHub-Delivery": "1", "X-GitHub-Event": "package"}
        other = recorded("github_package", "elsewhere/app")[1]
        path = app.get(f"/api/v1/projects/{app.name}/webhook")["webhook_path"]
        kind = {"Content-Type": "application/json"}
        assert app.call("POST", path, other, token=None, headers={**held, **kind})[0] == 200
        assert send(app, "github_package", **held)[0] == 202


def test_one_url_for_all_projects(scene):
    """By the repository; and a webhook names its project or stage if it likes."""
    stages = '  other:\n    image: {address}/{repository}\n    health: none\n    stages:\n      staging: {{tags: "v*"}}\n'
    with scene.app(stage=STAGE) as app:
        scene.push(app, "v1.2.3")
        more = stages.format(address=scene.registry.address, repository=app.repository)
        app.config_file.write_text(app.config_file.read_text("utf-8") + more, "utf-8")
        assert app.run("apply", str(app.config_file)).returncode == 0
        path = app.get("/api/v1/webhook")["webhook_path"]
        status, answer = send(app, "quay_push", path)
        assert status == 202
        assert [d["project"] for d in answer["deploys"]] == sorted([app.name, "other"])
        own = app.get("/api/v1/projects/other/webhook")["webhook_path"]
        assert [d["project"] for d in send(app, "quay_push", own)[1]["deploys"]] == ["other"]
        image = f"{scene.registry.address}/{app.repository}:v1.2.3"
        for limit, deploys in (({"project": app.name}, 1), ({"stage": "staging"}, 1), ({"stage": "nowhere"}, 0)):
            _, _, answer = app.call("POST", path, {"image": image, **limit}, token=None)
            assert len(answer.get("deploys", [])) == deploys, limit


def test_another_url(scene):
    """rotate: the one before is not found, in the same words as one that never was; other webhooks stay."""
    with scene.app(stage=STAGE, edge=False) as app:
        every = app.run("webhook", "show", "--all").stdout
        before = app.run("webhook", "show", app.name).stdout.strip()
        after = app.run("webhook", "rotate", app.name).stdout.strip()
        assert before != after and app.run("webhook", "show", app.name).stdout.strip() == after
        assert app.run("webhook", "show", "--all").stdout == every
        unknown = app.call("POST", "/api/webhook/0b0e3e3b-4353-4e8a-987a-71c6c29112f2", "{}", token=None)
        old = app.call("POST", before.removeprefix(app.url), "{}", token=None)
        del unknown[2]["error"]["request_id"], old[2]["error"]["request_id"]
        assert (old[0], old[2]) == (404, unknown[2])
        assert send(app, "docker_hub", after.removeprefix(app.url))[0] == 202
        app.kill()
        app.start()
        assert send(app, "azure_push", before.removeprefix(app.url))[0] == 404
        assert send(app, "azure_push", after.removeprefix(app.url))[0] == 202


def test_a_webhook_is_tried(scene):
    """What would be deployed and why not; nothing is."""
    with scene.app(stage=STAGE, stages='      byhand: {{auto: false}}\n', edge=False) as app:
        image = f"{scene.registry.address}/{app.repository}"
        tried = app.run("webhook", "test", app.name, f"{image}:v1")
        assert tried.returncode == 0 and "deploys by hand only" in tried.stdout
        tried = app.run("webhook", "test", "--all", f"{image}:x1")
        assert tried.returncode == 1 and "does not fit 'v*'" in tried.stdout
        assert app.run("webhook", "test", app.name, "elsewhere.org/app:v1").returncode == 1
        with pytest.raises(ApiFault) as fault:
            app.post(f"/api/v1/projects/{app.name}/webhook/test", {"image": "A B"})
        assert fault.value.status == 400
        assert app.deploys(project=app.name) == []


def test_a_push_without_a_tag(scene):
    """GitHub does not always name it: the stage's poll looks at once, if it has one."""
    with scene.app(stage='tags: "v*", poll: 24h, domains: [{name}.localhost]') as app:
        scene.push(app, "v1")
        app.run("poll", app.stage_name)
        wait_for(lambda: app.stage(app.stage_name)["poll"]["tag"] == "v1", 20, "the first look")
        scene.push(app, "v2")
        status, answer = send(app, "github_no_tag")
        assert (status, answer) == (202, {"deploys": [], "looks": 1})
        wait_for(lambda: (app.stage(app.stage_name)["live"] or {}).get("tag") == "v2", 30, "v2 to be live")
    with scene.app(stage=STAGE, edge=False) as app:
        status, answer = send(app, "github_no_tag")
        assert status == 200 and "'poll'" in answer["ignored"]


def test_a_real_registry_notifies(scene, tmp_path):
    """Debian's docker-registry tells of a push by itself: before the tag can be found, of layers and pulls, too, and
    again until it is heard: the server is away when the first image is pushed."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET, "utf-8")
    with scene.app(stage=STAGE, address="127.0.0.1:1",
                   more=f"    webhook: {{secret_file: {secret}}}") as app:
        url = app.run("webhook", "show", app.name).stdout.strip()
        notify = {"endpoints": [{"name": "slipway", "url": url, "headers": {"Authorization": [f"Bearer {SECRET}"]},
                                 "timeout": "1s", "threshold": 2, "backoff": "500ms"}]}
        with Registry(tmp_path / "registry", notifications=notify) as registry:
            text = app.config_file.read_text("utf-8").replace("127.0.0.1:1", registry.address)
            app.config_file.write_text(text, "utf-8")
            assert app.run("apply", str(app.config_file)).returncode == 0
            app.kill()
            pushed = push_to(registry, app, "v1")
            app.start()
            live = wait_for(lambda: app.stage(app.stage_name)["live"], 40, "the push to be deployed")
            assert (live["tag"], live["digest"]) == ("v1", pushed)
            pushed = push_to(registry, app, "v2")
            wait_for(lambda: app.stage(app.stage_name)["live"]["digest"] == pushed, 40, "v2 to be live")
            app.wait_over(app.stage(app.stage_name)["live"]["deploy"])
            assert [d["tag"] for d in app.deploys(state="LIVE")] == ["v2", "v1"]
        lines = [line for line in app.log_lines() if line["event"] == "webhook.received"]
        assert lines and {line["sender"] for line in lines} == {"distribution"}


def push_to(registry, app, tag):
    """Push a version of the app to another registry than the scene's."""
    return push_app(registry, app.repository, tag)


def test_the_recordings_are_those_of_the_unit_test():
    """No shape is sent here that the parser's own test does not know."""
    known = (ROOT / "tests/unit/test_webhook.c").read_text("utf-8")
    assert all(f'"{shape}"' in known for shape in recordings())
