# SPDX-License-Identifier: MIT
"""Faults of Caddy: an admin endpoint that fails in every way, routes deleted and edited by hand, others who change
things in between, Caddy or Slipway gone in the middle, names while the server is away."""
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from bed.behind_caddy import ask, behind_caddy, load, ours, post, reason, version
from bed.caddy import Caddy
from bed.faults import haproxy_pids, kill_haproxy, lines, signal_all, wait_line
from bed.scene import Scene
from bed.wait import wait_for

WAYS = ("edge", "direct")
ROUTES = "/config/apps/http/servers/edge/routes"


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("caddy")) as scene:
        yield scene


@pytest.fixture(name="caddy")
def _caddy(tmp_path):
    with Caddy(tmp_path / "caddy") as caddy:
        yield caddy


# The admin endpoint fails: what is told, and what becomes of the deploy.
PASSING = {
    "the first read is reset": {"method": "GET", "reset": True, "times": 1},
    "a change is done and its answer lost": {"method": "POST|PUT|PATCH", "lose": True, "times": 1},
    "a change is reset before": {"method": "POST|PUT|PATCH", "reset": True, "times": 1},
    "it is slow": {"delay_s": 1, "times": 4},
    "it hangs once": {"method": "GET", "hang": True, "times": 1},
    "a change is refused once": {"method": "POST|PUT|PATCH", "status": 500, "times": 1,
                                 "body": b'{"error":"loading new config: later"}'},
    "it says nonsense once": {"method": "GET", "status": 502, "body": b"<html>", "times": 1},
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_survived(scene, caddy, fault):
    """The route is set once, others' routes stay."""
    before = caddy.others()
    with behind_caddy(scene, caddy) as app:
        scene.push(app, "v1")
        rule = caddy.fault(**PASSING[fault])
        app.live("v1")
        assert rule.hits >= 1
        assert len(ours(caddy)) == 1 and caddy.others() == before
        assert version(app) == "v1"


LASTING = {
    "away": (None, "cannot be reached"),
    "forbidden": ({"status": 403, "body": b'{"error":"host not allowed: x"}'}, "admin.origins"),
    "broken": ({"status": 500, "body": b'{"error":"it is broken"}'}, "it is broken"),
}


@pytest.mark.parametrize("fault", LASTING)
def test_a_fault_that_lasts_fails_the_deploy(scene, caddy, fault):
    """With words that help, and what serves is not touched; afterwards deploys go on."""
    rule, words = LASTING[fault]
    with behind_caddy(scene, caddy) as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        with load(app, rate=50):
            if rule:
                rule = caddy.fault(**rule)
            else:
                caddy.api.stop()
            over = app.wait_over(app.deploy(app.stage_name, "v2"), 150)
            assert words in reason(over)
            assert version(app) == "v1"
            if rule:
                rule.times = rule.hits
            else:
                caddy.api.start()
            app.live("v2")


@pytest.mark.parametrize("way", WAYS)
def test_a_route_that_vanished_is_set_again(scene, caddy, way):
    """While the server was away; it looks when it starts."""
    with behind_caddy(scene, caddy, way) as app:
        scene.push(app, "v1")
        app.live("v1")
        identity = ours(caddy)[0]["@id"]
        app.kill()
        assert caddy.ask("DELETE", f"/id/{identity}")[0] == 200
        app.start()
        wait_line(app, "proxy.drift", "warn", "is not in Caddy's server 'edge'")
        wait_line(app, "proxy.mended", "info")
        assert caddy.route(identity) and version(app) == "v1"


def test_a_caddy_that_forgot_is_told_again(scene, caddy):
    """It was started without what it had saved; with it, nothing has to be told."""
    with behind_caddy(scene, caddy) as app:
        scene.push(app, "v1")
        app.live("v1")
        told = len(caddy.writes())
        caddy.restart(resumes=True)
        assert version(app) == "v1" and len(caddy.writes()) == told
        caddy.restart(resumes=False)
        wait_for(lambda: ours(caddy), 20, "the route to be set again")
        wait_for(lambda: version(app) == "v1", 10, "the app to be served")


def test_an_edit_is_reported_and_kept(scene, caddy):
    """With `drift: report`: it is shown, a deploy says what to do, and goes on when that is done."""
    with behind_caddy(scene, caddy, more="\n    drift: report") as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        route = ours(caddy)[0]
        route["handle"].insert(1, {"handler": "headers", "response": {"set": {"By-Hand": ["yes"]}}})
        app.kill()
        assert caddy.ask("PATCH", f"/id/{route['@id']}", route)[0] == 200
        app.start()
        wait_line(app, "proxy.drift", "warn", "was edited in Caddy")
        assert "drift: mend" in reason(app.wait_over(app.deploy(app.stage_name, "v2"), 120))
        assert caddy.route(route["@id"]) == route and version(app) == "v1"
        assert caddy.ask("DELETE", f"/id/{route['@id']}")[0] == 200
        app.live("v2")
        assert version(app) == "v2"


def test_an_edit_in_the_middle_ends_the_deploy(scene, caddy):
    """With `drift: report`: while a swap is under way somebody makes the route answer itself. It is left to him, and
    the deploy comes to an end all the same."""
    with behind_caddy(scene, caddy, more="\n    drift: report") as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        route = ours(caddy)[0]
        theirs = {**route, "handle": [{"handler": "static_response", "body": "by hand"}]}
        deploy = app.deploy(app.stage_name, "v2")
        wait_for(lambda: any(step["to"] == "CONFIRMING" for step in app.show(deploy)["steps"]), 30, "the switch", 0.003)
        assert caddy.ask("PATCH", f"/id/{route['@id']}", theirs)[0] == 200
        assert "drift: mend" in reason(app.wait_over(deploy, 120))
        assert caddy.route(route["@id"]) == theirs and app.versions() == ["v1"]


def test_an_edit_is_put_right(scene, caddy):
    """With `drift: mend`, the default; the deploy's log says what was there."""
    with behind_caddy(scene, caddy) as app:
        scene.push(app, "v1")
        app.live("v1")
        route = ours(caddy)[0]
        wrong = {**route, "handle": [{"handler": "static_response", "body": "by hand"}]}
        app.kill()
        assert caddy.ask("PATCH", f"/id/{route['@id']}", wrong)[0] == 200
        app.start()
        wait_line(app, "proxy.mended", "info")
        assert caddy.route(route["@id"]) == route
        assert lines(app, "proxy.drift", "warn", "something that is no proxying")


def test_a_change_of_others_in_between_is_not_lost(scene, caddy):
    """Theirs came after ours was prepared: it is read again, and both stand."""
    with behind_caddy(scene, caddy) as app:
        scene.push(app, "v1")
        caddy.fault(method="POST|PUT|PATCH", delay_s=1.5, times=1)
        deploy = app.deploy(app.stage_name, "v1")
        wait_for(caddy.writes, 30, "the change to be under way")
        theirs = {"@id": "others-new", "match": [{"host": ["new.others.test"]}],
                  "handle": [{"handler": "static_response", "body": "new"}]}
        assert caddy.ask("PUT", f"{ROUTES}/0", theirs)[0] == 200
        assert app.wait_over(deploy)["state"] == "LIVE"
        statuses = [one.status for one in caddy.writes()]  # 500: fields that 2.6 does not know
        assert statuses[0] == 412 and statuses[-1] == 200 and statuses.count(200) == 1, statuses
        assert caddy.route("others-new") == theirs and len(ours(caddy)) == 1


@pytest.mark.parametrize("resumes", (True, False))
def test_caddy_restarts_in_the_middle(scene, caddy, resumes):
    """Of a swap: the deploy gets there, with what Caddy had saved or without."""
    with behind_caddy(scene, caddy) as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        caddy.fault(method="GET", hang=True, times=1)
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, "SWAPPING")
        caddy.restart(resumes=resumes)
        assert app.wait_over(deploy, 120)["state"] == "LIVE"
        wait_for(lambda: version(app) == "v2", 10, "v2 to serve")
        assert len(ours(caddy)) == 1


@pytest.mark.parametrize("way", WAYS)
def test_slipway_is_killed_in_the_middle(scene, caddy, way):
    """In several moments of swaps, and started again: each deploy ends well, and no request fails."""
    with behind_caddy(scene, caddy, way) as app:
        scene.push(app, "v0")
        app.live("v0")
        with load(app, rate=200) as checker:
            for number, state in enumerate(("SWITCHING", "CONFIRMING", "DRAINING"), 1):
                tag = f"v{number}"
                scene.push(app, tag)
                deploy = app.deploy(app.stage_name, tag)
                wait_for(lambda: any(step["to"] == state for step in app.show(deploy)["steps"]), 30, state, 0.003)
                app.kill()
                app.start()
                assert app.wait_over(deploy)["state"] == "LIVE"
                checker.wait_version(app.host, tag)


def has_missed_names(caddy):
    """Whether it has asked in vain."""
    return b"failed getting dynamic upstreams" in caddy.log.read_bytes()


def ask_until_missed(app, caddy):
    """What Caddy knows is good for a moment; returns the first answer that had to wait."""
    answer = None
    while not has_missed_names(caddy):
        answer = ask(app, timeout_s=40)
    return answer


def test_requests_wait_for_names(scene, caddy):
    """Nobody tells names: a GET and a POST with its body wait, and are answered once somebody does."""
    with behind_caddy(scene, caddy) as app:
        scene.push(app, "v1")
        app.live("v1")
        app.kill()
        signal_all(set(app.edge_pids()) - set(haproxy_pids(app)), signal.SIGKILL)
        with ThreadPoolExecutor() as pool:
            early = pool.submit(ask_until_missed, app, caddy)
            wait_for(lambda: has_missed_names(caddy), 20, "Caddy to miss the names", 0.01)
            late = [pool.submit(ask, app, timeout_s=40), pool.submit(post, app, b"its body", timeout_s=40)]
            app.start()
            assert [one.result()[0] for one in (early, *late)] == [200, 200, 200]
            assert late[1].result()[2] == b"its body"
        kill_haproxy(app)


def test_caddy_goes_on_while_the_server_is_away(scene, caddy):
    """The keeper of the edge tells names; when that one is killed the server does, until it ends."""
    with behind_caddy(scene, caddy) as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        with load(app) as checker:
            app.kill()
            checker.wait_requests(600, 20)
            app.start()
        signal_all(set(app.edge_pids()) - set(haproxy_pids(app)), signal.SIGKILL)
        wait_line(app, "names.listening", "info")
        wait_for(lambda: version(app) == "v1", 10, "the app to be served")
        with load(app) as checker:
            app.live("v2")
            checker.wait_version(app.host, "v2")
        kill_haproxy(app)  # nobody else ends it now
