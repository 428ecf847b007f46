# SPDX-License-Identifier: MIT
"""Nginx Proxy Manager, driven: every way in which it fails is told and harmless."""
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest

from bed.behind_npm import OTHER, apply, ask, behind, cancel, edited, leads_to, over, wait_step
from bed.certificates import Authority
from bed.checker import Checker
from bed.faults import lines, wait_line
from bed.front import EMAIL, PASSWORD, Front
from bed.scene import Scene
from bed.wait import wait_for


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("npm")) as scene:
        yield scene


@pytest.fixture(name="front")
def _front(tmp_path):
    with Front(tmp_path / "front", "npm-direct") as front:
        yield front


@pytest.mark.parametrize("kind", ["password", "two factors", "permission", "only looking", "away", "setup"])
def test_who_may_not_or_cannot(scene, front, kind):
    """The deploy fails with the reason, and what serves is not touched."""
    words = {"password": "does not take the login", "two factors": "second factor", "permission": "may not do this",
             "only looking": "may not do this", "away": "cannot be reached", "setup": "no password for"}[kind]
    with behind(scene, front) as app:
        app.live("v1")
        app.kill()
        if kind == "password":
            app.settings["PROXY_PASSWORD"] = "a-wrong-password-for-tests-only"
        elif kind == "setup":
            del app.settings["PROXY_PASSWORD"]
        elif kind == "two factors":
            front.proxy.account("two@example.com", PASSWORD, has_two_factors=True)
        elif kind == "permission":
            front.proxy.account("none@example.com", PASSWORD, roles=(), proxy_hosts="hidden")
        elif kind == "only looking":
            front.proxy.account("looks@example.com", PASSWORD, roles=(), proxy_hosts="view", visibility="all")
        app.start()
        name = {"two factors": "two", "permission": "none", "only looking": "looks"}.get(kind)
        if name:
            text = app.config_file.read_text("utf-8").replace(EMAIL, f"{name}@example.com")
            apply(app, text)
        if kind == "away":
            with front.proxy.api_down():
                done = over(app, "v2")
        else:
            done = over(app, "v2")
        assert done["state"] == "ROLLED_BACK" and words in done["reason"], done["reason"]
        assert PASSWORD not in app.log.read_text("utf-8") and "wrong-password" not in app.log.read_text("utf-8")
        assert ask(app, front)[1] == "v1" and app.versions() == ["v1"]
        assert wait_line(app, "proxy.fault", "error", words)


def test_a_certificate_that_is_not_trusted(scene, front, tmp_path):
    """Said with the key that mends it, and not as if nobody listened."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*Authority(tmp_path / "authority").issue("site"))
    with socket.create_server(("127.0.0.1", 0)) as plain, context.wrap_socket(plain, server_side=True) as server, \
            ThreadPoolExecutor(1) as pool:
        pool.submit(refuse_all, server)
        with behind(scene, front) as app:
            apply(app, app.config_file.read_text("utf-8").replace(
                f"http://{front.proxy.api_address}", f"https://127.0.0.1:{server.getsockname()[1]}"))
            done = over(app, "v1")
        server.shutdown(socket.SHUT_RDWR)
    assert done["state"] == "ROLLED_BACK" and "'ca_file' of the proxy" in done["reason"], done


def refuse_all(server):
    """Take callers, none of whom gets further than the certificate, until it is shut down."""
    while True:
        try:
            server.accept()[0].close()
        except ssl.SSLError:
            continue
        except OSError:
            return


def test_nobody_has_set_it_up(scene, tmp_path):
    """A new Nginx Proxy Manager takes no login at all: that is another thing than a wrong password."""
    front = Front(tmp_path / "front", "npm-direct")
    front.proxy.start()
    try:
        with behind(scene, front) as app:
            assert "has no user yet" in over(app, "v1")["reason"]
    finally:
        front.stop()


def test_tokens_that_are_no_good_any_more(scene, front):
    """Old, forged: a new login, and nobody notices."""
    with behind(scene, front) as app:
        app.live("v1")
        front.proxy.expire_tokens()
        app.live("v2")
        front.proxy.revoke_tokens()
        app.live("v1")
        assert not lines(app, "proxy.fault")


@pytest.mark.parametrize("rule", [{"status": 500}, {"status": 503}, {"delay_s": 2}, {"reset": True}, {"lose": True}],
                         ids=["500", "503", "slow", "reset", "answer lost"])
def test_a_change_with_an_unclear_end_is_made_again(scene, front, rule):
    """The next try says it once more, and the version is confirmed."""
    with behind(scene, front) as app:
        app.live("v1")
        fault = front.proxy.fault(method="PUT", path="/proxy-hosts/", times=1, **rule)
        app.live("v2")
        assert fault.hits == 1 and ask(app, front)[1] == "v2"


def test_a_broken_nginx_elsewhere(scene, front):
    """A file of somebody else that nginx refuses: it is told, nothing is retired, and it ends when it is mended."""
    with behind(scene, front) as app:
        app.live("v1")
        front.proxy.break_nginx()
        deploy = app.deploy(app.stage_name, "v2")
        wait_for(lambda: [s for s in app.show(deploy)["steps"] if s["to"] == "RESTORING"], 60, "the deploy to go back")
        assert ask(app, front)[1] == "v1" and "v1" in app.versions()
        front.proxy.mend_nginx()
        done = app.wait_over(deploy, 90)
        assert done["state"] == "ROLLED_BACK" and "Nginx Proxy Manager failed (500" in done["reason"], done
        assert ask(app, front)[1] == "v1"
        app.live("v2")


def test_what_nginx_does_not_take_is_given_back_at_once(scene, front):
    """Its site would be gone: "nginx_online" is believed, not the status 200."""
    with behind(scene, front) as app:
        row = front.proxy.host(app.host, forward_port=9)
        front.proxy.edit(row["id"], locations=[{"path": "/x", "forward_scheme": "http", "forward_port": 80,
                                                "forward_host": "nobody-knows.invalid"}])
        done = over(app, "v1")
        assert done["state"] == "ROLLED_BACK" and "nginx does not take proxy host" in done["reason"], done


def test_a_domain_that_something_else_has(scene, front):
    """A redirection, a 404 host: said with the remedy."""
    with behind(scene, front) as app:
        front.proxy.answer(400, f"{app.host} is already in use", method="POST", path="/proxy-hosts")
        done = over(app, "v1")
        assert done["state"] == "ROLLED_BACK" and "is already in use" in done["reason"]
        assert "redirection" in done["reason"]


def test_a_host_that_is_removed_by_hand(scene, front):
    """It is told, and made again."""
    with behind(scene, front) as app:
        app.live("v1")
        front.proxy.delete(front.proxy.find(app.host)["id"])
        wait_line(app, "proxy.drift", "warn", "no proxy host has the domain", 40)
        wait_for(lambda: ask(app, front)[1] == "v1", 20, "the host to be there again")
        wait_line(app, "proxy.mended", "info")


def test_a_host_that_goes_between_the_look_and_the_change(scene, front):
    """Looked at once more, it is made anew."""
    with behind(scene, front) as app:
        app.live("v1")
        fault = front.proxy.fault(method="PUT", path="/proxy-hosts/", delay_s=1, times=1)
        deploy = app.deploy(app.stage_name, "v2")
        wait_for(lambda: fault.hits == 1, 30, "the change to come")
        front.proxy.delete(front.proxy.find(app.host)["id"])
        done = app.wait_over(deploy, 60)
        assert done["state"] == "LIVE", done
        assert ask(app, front)[1] == "v2"


@pytest.mark.parametrize("kind", ["disabled", "offline"])
def test_a_host_that_a_person_takes_off(scene, front, kind):
    """Told once, however often it is looked at, and no fault of the proxy; well again when the person mends it."""
    words = {"disabled": "is disabled: enable it", "offline": "nginx does not take proxy host"}[kind]
    nowhere = [{"path": "/x", "forward_scheme": "http", "forward_port": 80, "forward_host": "nobody-knows.invalid"}]
    with behind(scene, front) as app:
        app.live("v1")
        number = front.proxy.find(app.host)["id"]
        if kind == "disabled":
            front.proxy.disable(number)
        else:
            front.proxy.edit(number, locations=nowhere)
        wait_line(app, "proxy.drift", "warn", words, 40)
        looks = len(front.proxy.requests("GET", "/nginx/proxy-hosts"))
        wait_for(lambda: len(front.proxy.requests("GET", "/nginx/proxy-hosts")) >= looks + 2, 60, "another look")
        assert len(lines(app, "proxy.drift")) == 1 and not lines(app, "proxy.fault")
        assert words in app.get(f"/api/v1/projects/{app.name}/stages/production")["proxy"]["why"]
        if kind == "disabled":
            front.proxy.enable(number)
        else:
            wait_for(lambda: edited(front, number, locations=[]), 40, "nginx to be asked by nobody else")
        wait_for(lambda: not app.get(f"/api/v1/projects/{app.name}/stages/production")["proxy"].get("why"), 40,
                 "all to be well")
        wait_for(lambda: ask(app, front)[1] == "v1", 10, "nginx to have loaded it")


def test_a_host_changed_in_mid_swap_keeps_no_other_from_going_back(scene, front):
    """Two hosts of one stage; one is led away by a person while the new version is confirmed, and may not be led
    back. The other goes back to the version that stays."""
    with behind(scene, front, domains="{name}.localhost, b.{name}.localhost") as app:
        apply(app, app.config_file.read_text("utf-8").replace("way: direct", "way: direct\n    drift: report"))
        one = front.proxy.host(app.host)
        two = front.proxy.host(f"b.{app.host}")
        app.live("v1")
        own = front.proxy.row(one["id"])["advanced_config"]
        front.proxy.edit(one["id"], advanced_config=own + "if ($request_uri ~ slipway) { return 500; }\n")
        deploy = app.deploy(app.stage_name, "v2")
        wait_step(app, deploy, "CONFIRMING")
        front.proxy.edit(two["id"], forward_host="127.0.0.1", forward_port=9)
        front.proxy.edit(one["id"], advanced_config=own)  # from here on it could be confirmed
        cancel(app, deploy)
        assert ask(app, front)[1] == "v1" and leads_to(front.proxy.row(two["id"])) == OTHER


@pytest.mark.parametrize("at", ["SWITCHING", "CONFIRMING"])
def test_killed_in_mid_swap(scene, front, at):
    """kill -9 of slipway in the swap: it goes on at the next start, and no request fails that need not."""
    with behind(scene, front) as app:
        app.live("v1")
        if at == "SWITCHING":
            front.proxy.fault(method="PUT", path="/proxy-hosts/", delay_s=2, times=1)
        with Checker([], rate=100, workers=3).start() as checker:
            checker.add(app.host, front.address(app), app=app.repository)
            deploy = app.deploy(app.stage_name, "v2")
            wait_for(lambda: [s for s in app.show(deploy)["steps"] if s["to"] == at], 30, at)
            app.kill()
            app.start()
            assert app.wait_over(deploy, 60)["state"] == "LIVE"
            checker.wait_version(app.host, "v2")
            reasons = checker.stop()["reasons"]
            assert not {name for name, count in reasons.items() if count} - {"stale", "reset"}, reasons


def test_nginx_restarted_in_mid_swap(scene, front):
    """It is gone for a moment; the version is confirmed when it is back."""
    with behind(scene, front) as app:
        app.live("v1")
        deploy = app.deploy(app.stage_name, "v2")
        wait_for(lambda: [s for s in app.show(deploy)["steps"] if s["to"] == "CONFIRMING"], 30, "CONFIRMING")
        front.proxy.restart()
        assert app.wait_over(deploy, 60)["state"] == "LIVE"
        assert ask(app, front)[1] == "v2"
