# SPDX-License-Identifier: MIT
"""Images are removed by rule: what one can go back to, what runs, and what is somebody else's stays; the disk has a floor;
what is offered for a rollback is to be had."""
import json

import pytest
from bed.image import push_app
from bed.scene import Scene
from bed.wait import wait_for


@pytest.fixture(scope="module", name="scene")
def fixture_scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("images")) as one:
        yield one


def image(app, digest):
    """How engine and Slipway name it."""
    return f"{app.scene.registry.address}/{app.repository}@{digest}"


def there(app, digest):
    return app.scene.engine.api.image(image(app, digest)) is not None


def versions(app, *tags):
    """Push these tags and have each of them live in turn; returns their digests and deploys."""
    digests, deploys = {}, {}
    for tag in tags:
        digests[tag] = app.scene.push(app, tag)
        deploys[tag] = app.live(tag)["id"]
    return digests, deploys


def fates(app):
    """Why each image stays or goes, by its digest."""
    (engine,) = app.get(f"/api/v1/retention?project={app.name}")["engines"]
    assert engine["failure"] == ""
    return {one["digest"]: one["why"] for one in engine["images"]}


def run(app):
    """Remove what may go; returns what the command printed."""
    done = app.run("retention", "run")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_what_nothing_needs_goes(scene):
    """One version before the live one stays; a pin, a name given by hand, a container, and the images of others, too."""
    with scene.app(stage="domains: [{name}.localhost], keep_versions: 1", SLIPWAY_KEEP_IMAGES="0s") as app:
        digests, deploys = versions(app, "v1", "v2", "v3", "v4", "v5")
        digests["bad"] = scene.push(app, "bad", EXIT_AT_START="1")
        assert app.wait_over(app.deploy(app.stage_name, "bad"))["state"] != "LIVE"
        foreign = push_app(scene.registry, f"{app.repository}-foreign", "v1")
        other = f"{scene.registry.address}/{app.repository}-foreign@{foreign}"
        scene.engine.api.pull(other)
        tagged = {"repo": "by.hand/kept", "tag": "mine"}
        scene.engine.api.call("POST", f"/images/{image(app, digests['v3'])}/tag", tagged)
        holder = scene.engine.api.create(image(app, digests["v2"]))
        assert app.run("retention", "pin", str(deploys["v1"])).returncode == 0
        try:
            assert fates(app) == {digests["v5"]: "live", digests["v4"]: "rollback", digests["v1"]: "pinned",
                                  digests["v3"]: "tagged", digests["v2"]: "container", digests["bad"]: "free"}
            shown = app.run("retention", app.stage_name).stdout
            assert f"a rollback may go to it at {app.stage_name}" in shown and "nothing needs it" in shown
            assert "would go" not in shown
            told = app.run("retention", app.stage_name, "--keep-deploys", "1", "--keep-days", "0").stdout
            assert "2 would go, with their steps and logs" in told  # not what is live, a rollback's or pinned
            assert f"  {deploys['v2']}  v2" in told and f"  {deploys['v3']}  v3" in told
            assert f"removed {image(app, digests['bad'])}" in run(app)
            assert not there(app, digests["bad"])
            assert all(there(app, digests[tag]) for tag in ("v1", "v2", "v3", "v4", "v5"))
        finally:
            scene.engine.api.remove(holder)
            scene.engine.api.remove_image("by.hand/kept:mine")
        assert app.run("retention", "unpin", str(deploys["v1"])).returncode == 0
        assert "3 images removed" in run(app)
        assert [there(app, digests[tag]) for tag in ("v1", "v2", "v3", "v4", "v5")] == [False] * 3 + [True] * 2
        assert scene.engine.api.image(other) is not None
        scene.registry.stop(keep_data=True)
        try:
            assert app.wait_over(app.rollback(app.stage_name))["tag"] == "v4"  # its image is there
        finally:
            scene.registry.start()
        assert app.versions() == ["v4"]


def test_what_is_young_or_switched_off_stays(scene):
    with scene.app(stage="domains: [{name}.localhost], keep_versions: 1") as app:
        digests, _ = versions(app, "v1", "v2", "v3")
        assert fates(app)[digests["v1"]] == "young"
        app.terminate()
        app.settings |= {"SLIPWAY_KEEP_IMAGES": "0s", "SLIPWAY_REMOVE_IMAGES": "off"}
        app.start()
        assert fates(app)[digests["v1"]] == "off"
        assert "0 images removed" in run(app) and there(app, digests["v1"])


def test_killed_in_the_middle(scene):
    """Whatever was removed by then, what is needed is there, and the rest goes later."""
    with scene.app(stage="domains: [{name}.localhost], keep_versions: 1", SLIPWAY_KEEP_IMAGES="0s") as app:
        digests, _ = versions(app, "v1", "v2", "v3", "v4", "v5", "v6")
        app.post("/api/v1/retention/run")
        wait_for(lambda: not there(app, digests["v1"]) or not there(app, digests["v4"]), 20, "a removal")
        app.kill()
        app.start()
        run(app)
        assert [there(app, digests[f"v{i}"]) for i in range(1, 7)] == [False] * 4 + [True] * 2
        assert app.versions() == ["v6"]
        app.live("v1")  # what has gone is pulled again
        assert fates(app)[digests["v1"]] == "live"


def test_a_rollback_is_offered_when_its_image_is_to_be_had(scene):
    """On the engine, or in the registry; what is nowhere any more says so, and going there leaves all as it is."""
    with scene.app() as app:
        digests, deploys = versions(app, "v1", "v2", "v3")
        for tag in ("v1", "v2"):
            scene.engine.forget_image(image(app, digests[tag]))
        scene.registry.delete(app.repository, digests["v1"])
        path = f"/api/v1/projects/{app.name}/stages/production/rollbacks"
        found = {one["tag"]: (one["image"], one["offered"]) for one in app.get(path)["items"]}
        assert found == {"v3": ("engine", False), "v2": ("registry", True), "v1": ("gone", False)}
        shown = app.run("rollback", app.stage_name, "--list").stdout
        assert "the registry has it no more" in shown and json.loads(
            app.run("rollback", app.stage_name, "--list", "--json").stdout) == app.get(path)
        over = app.wait_over(app.rollback(app.stage_name, to=deploys["v1"]))
        assert over["state"] == "FAILED" and app.versions() == ["v3"], over
        assert app.wait_over(app.rollback(app.stage_name))["tag"] == "v2"


def test_the_disk_has_a_floor(scene):
    """Too little room: not pulled, and told how to mend it; what is live goes on, what is there needs no room."""
    with scene.app() as app:
        versions(app, "v1")
        app.terminate()
        app.settings["SLIPWAY_DISK_FLOOR_MB"] = "1000000000"
        app.start()
        v2 = scene.push(app, "v2")
        over = app.wait_over(app.deploy(app.stage_name, "v2"))
        assert over["state"] == "FAILED" and "less than SLIPWAY_DISK_FLOOR_MB (1000000000)" in over["reason"]
        assert not there(app, v2) and app.versions() == ["v1"]
        app.live("v1", force=True)
        (engine,) = app.get("/api/v1/retention")["engines"]
        assert engine["disk"]["is_known"] and 0 < engine["disk"]["free_bytes"] < engine["disk"]["all_bytes"]


def test_pins_have_their_rules(scene):
    with scene.app() as app:
        scene.push(app, "bad", EXIT_AT_START="1")
        failed = app.wait_over(app.deploy(app.stage_name, "bad"))["id"]
        done = app.run("retention", "pin", str(failed))
        assert done.returncode == 5 and "never went live" in done.stderr
        assert app.run("retention", "pin", "99999").returncode == 3
        assert app.run("retention", "pin").returncode == 2
        assert app.run("retention", "no/such").returncode == 3
