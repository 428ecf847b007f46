# SPDX-License-Identifier: MIT
"""Which name leads where: templates, wildcards, and what a proxy before the edge says of its clients."""
import http.client

import pytest

from bed.scene import Scene
from bed.wait import wait_for


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("domains")) as scene:
        yield scene


def ask(app, host, path="/", **headers):
    """(status, body) of one request through the edge."""
    connection = http.client.HTTPConnection(app.edge_address, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8")
    finally:
        connection.close()


def headers_seen(app, **headers):
    """What the app was told about its client."""
    status, body = ask(app, app.host, "/headers", **headers)
    assert status == 200
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in body.splitlines() if ": " in line)}


def test_words_are_put_in(scene):
    """{project} and {stage} at once; one list of the project serves all its stages."""
    with scene.app(more='    domains: ["{stage}.{project}.localhost"]', stage="auto: true",
                   stages="      staging: {{auto: true}}") as app:
        scene.push(app, "v1")
        app.live("v1")
        assert app.wait_over(app.deploy(f"{app.name}/staging", "v1"))["state"] == "LIVE"
        for stage in ("production", "staging"):
            assert app.get(f"/api/v1/projects/{app.name}/stages/{stage}")["domains"] == [
                f"{stage}.{app.name}.localhost"]
            assert ask(app, f"{stage}.{app.name}.localhost")[0] == 200


def test_each_deploy_its_own_name(scene):
    """{tag} is put in for each deploy; the name of the version before leads nowhere any more."""
    with scene.app(stage='domains: ["{{tag}}.{name}.localhost", "{name}.localhost"]') as app:
        scene.push(app, "v1")
        scene.push(app, "Feature_X.2")
        app.live("v1")
        assert ask(app, f"v1.{app.name}.localhost")[0] == 200
        app.live("Feature_X.2")
        assert ask(app, f"feature-x-2.{app.name}.localhost")[0] == 200
        assert ask(app, app.host)[0] == 200
        assert ask(app, f"v1.{app.name}.localhost")[0] in (404, 503)


def test_a_wildcard_serves_what_has_no_name_of_its_own(scene):
    """One label in place of the star; an exact name comes first, whoever was there before."""
    with scene.app(stage='domains: ["*.{name}.localhost"]',
                   stages='      exact: {{domains: ["exact.{name}.localhost"]}}') as app:
        scene.push(app, "v1")
        scene.push(app, "v2")
        app.live("v1")
        assert "v1" in ask(app, f"exact.{app.name}.localhost")[1]
        assert app.wait_over(app.deploy(f"{app.name}/exact", "v2"))["state"] == "LIVE"
        assert "v2" in ask(app, f"exact.{app.name}.localhost")[1]
        assert "v1" in ask(app, f"ANY.{app.name}.localhost")[1]
        assert ask(app, f"{app.name}.localhost")[0] in (404, 503)
        assert ask(app, f"a.b.{app.name}.localhost")[0] in (404, 503)


def test_clients_are_not_believed(scene):
    """What a client says of itself is dropped."""
    with scene.app() as app:
        scene.push(app, "v1")
        app.live("v1")
        seen = headers_seen(app, **{"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https",
                                    "Forwarded": "for=6.6.6.6"})
        assert seen["x-forwarded-for"] == "127.0.0.1"
        assert seen["x-forwarded-proto"] == "http"
        assert "forwarded" not in seen


def test_a_trusted_proxy_is_believed(scene):
    """SLIPWAY_EDGE_TRUSTED: its words about the client are kept, and it is added to the list."""
    with scene.app(SLIPWAY_EDGE_TRUSTED="10.0.0.0/8, 127.0.0.1") as app:
        scene.push(app, "v1")
        app.live("v1")
        seen = headers_seen(app, **{"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https",
                                    "X-Forwarded-Host": "shop.example.org", "X-Forwarded-Port": "443"})
        assert seen["x-forwarded-for"] == "6.6.6.6, 127.0.0.1"
        assert seen["x-forwarded-proto"] == "https"
        assert seen["x-forwarded-host"] == "shop.example.org" and seen["x-forwarded-port"] == "443"
        assert headers_seen(app)["x-forwarded-for"] == "127.0.0.1"


def test_a_stage_without_a_proxy(scene):
    """`proxy: none`: gate and change, and no name leads there."""
    with scene.app(stage="proxy: none") as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
            app.live(tag)
        wait_for(lambda: app.versions() == ["v2"], 10, "the old version to go")
        assert ask(app, app.host)[0] in (404, 503)
        stage = app.get(f"/api/v1/projects/{app.name}/stages/production")
        assert stage["proxy"]["name"] == "none" and stage["proxy"]["promise"] == "nothing is promised"


def test_the_history_says_what_was_promised(scene):
    """Each deploy's log tells the way of its switch."""
    with scene.app() as app:
        scene.push(app, "v1")
        deploy = app.live("v1")["id"]
        texts = [line["text"] for line in app.get(f"/api/v1/deploys/{deploy}/log")["items"]]
        assert any("the edge: no request fails" in text for text in texts), texts
