# SPDX-License-Identifier: MIT
"""Nginx Proxy Manager, driven: what a person set stays, and every way in which it fails is told and harmless."""
import http.client
import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest

from bed.certificates import Authority
from bed.checker import Checker
from bed.faults import lines, wait_line
from bed.front import EMAIL, PASSWORD, Front
from bed.long_lived import Stream, WebSocket
from bed.npm import NginxProxyManager
from bed.npm.refusal import Refusal
from bed.scene import Scene
from bed.wait import wait_for

OTHER = "http://127.0.0.1:9"


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("npm")) as scene:
        yield scene


@pytest.fixture(name="front")
def _front(tmp_path):
    with Front(tmp_path / "front", "npm-direct") as front:
        yield front


def behind(scene, front, more="", domains="{name}.localhost", **settings):
    """A server with one stage behind it, and two versions."""
    app = scene.app(stage=f"domains: [{domains}]" + front.stage + more, front=front,
                    SLIPWAY_SWEEP_INTERVAL="1s", **settings)
    for tag in ("v1", "v2"):
        scene.push(app, tag)
    return app


def ask(app, front, path="/", host=None, **headers):
    """(status, version, body) of one request as a visitor makes it."""
    connection = http.client.HTTPConnection(front.address(app), timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host or app.host, **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers["App-Version"], answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def apply(app, text):
    """Apply another configuration."""
    path = app.directory / "next.yml"
    path.write_text(text, "utf-8")
    done = app.run("apply", path)
    assert done.returncode == 0, done.stdout + done.stderr


def over(app, tag):
    """Deploy and wait for its end, whatever it is."""
    return app.wait_over(app.deploy(app.stage_name, tag), 120)


def wait_step(app, deploy, state):
    """Wait until a deploy, or its swap, has come to a state."""
    wait_for(lambda: [s for s in app.show(deploy)["steps"] if s["to"] == state], 30, state)


def cancel(app, deploy):
    """Cancel a deploy and wait for its end."""
    app.post(f"/api/v1/deploys/{deploy}/cancel")
    done = app.wait_over(deploy, 60)
    assert done["state"] not in ("LIVE", "FAILED"), done


def edited(front, number, **columns):
    """A person saves; refused while nginx looks at what another has just written."""
    try:
        return front.proxy.edit(number, **columns)
    except Refusal:
        return None


def leads_to(row):
    """Where a host leads."""
    return f"{row['forward_scheme']}://{row['forward_host']}:{row['forward_port']}"


def test_what_a_person_set_stays(scene, front):
    """A host that was there is used; its columns, its other domain and its own directives stay, and it gets back
    what it had when the deploy fails."""
    with behind(scene, front) as app:
        scene.push(app, "bad", HEALTH="fail")
        listed = front.proxy.access_list("people")["id"]
        row = front.proxy.host([app.host, "also.test"], forward_port=9, block_exploits=True, access_list_id=listed,
                               advanced_config="add_header X-Mine yes always;\n",
                               locations=[{"path": "/api", "forward_scheme": "http", "forward_host": "127.0.0.1",
                                           "forward_port": 9}])
        front.proxy.edit(row["id"], meta={"theirs": {"note": 1}})
        app.live("v1")
        kept = front.proxy.row(row["id"])
        for column in ("domain_names", "block_exploits", "access_list_id", "locations", "enabled", "certificate_id"):
            assert kept[column] == row[column], column
        assert kept["meta"]["theirs"] == {"note": 1}
        assert kept["advanced_config"].startswith("add_header X-Mine yes always;\n")
        assert kept["meta"]["slipway"]["before"] == {"forward_scheme": "http", "forward_host": "127.0.0.1",
                                                     "forward_port": 9}
        assert ask(app, front)[0] == 401  # its access list protects it still
        basic = {"Authorization": "Basic cmVhZGVyOmEtcGFzc3dvcmQtZm9yLXRlc3RzLW9ubHk="}
        assert ask(app, front, **basic)[1] == "v1"
        assert all(set(properties(one)) <= {"forward_scheme", "forward_host", "forward_port", "meta",
                                           "advanced_config"} for one in front.proxy.writes())
        assert over(app, "bad")["state"] == "ROLLED_BACK"
        assert ask(app, front, **basic)[1] == "v1"


def properties(exchange):
    """The properties that a request has sent."""
    return json.loads(exchange.body)


def test_a_first_deploy_that_fails_gives_the_host_back(scene, front):
    """A version that cannot be confirmed through nginx: the person's host leads where it led."""
    with behind(scene, front) as app:
        row = front.proxy.host(app.host, forward_port=9)
        front.proxy.edit(row["id"], advanced_config="if ($request_uri ~ slipway) { return 500; }\n")
        done = over(app, "v1")
        assert done["state"] == "ROLLED_BACK" and "could not be confirmed" in done["reason"], done
        kept = front.proxy.row(row["id"])
        assert leads_to(kept) == OTHER and "slipway" not in kept["meta"]
        assert kept["advanced_config"] == "if ($request_uri ~ slipway) { return 500; }\n"


@pytest.mark.parametrize("version", ["2.9", "2.11", "2.13", "2.15"])
def test_versions(scene, tmp_path, version):
    """From 2.9 to 2.15: a host is made, switched, and goes when its first deploy is undone."""
    front = Front(tmp_path / "front", "npm-direct")
    front.proxy = NginxProxyManager(tmp_path / version, version)
    with front, behind(scene, front) as app:
        app.live("v1")
        app.live("v2")
        assert ask(app, front)[1] == "v2"
        assert front.proxy.overlaps() == []


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


def test_a_disabled_host_and_an_own_location(scene, front):
    """What a person decided is not overruled."""
    with behind(scene, front) as app:
        row = front.proxy.host(app.host, advanced_config="location / { return 204; }\n")
        done = over(app, "v1")
        assert done["state"] == "ROLLED_BACK" and 'a "location /" of its own' in done["reason"]
        front.proxy.delete(row["id"])
        row = front.proxy.host(app.host, enabled=False)
        done = over(app, "v1")
        assert done["state"] == "ROLLED_BACK" and "is disabled" in done["reason"]
        assert front.proxy.writes() == []


def test_a_location_for_everything_is_switched_too(scene, front):
    """A custom location "/" decides where a host leads."""
    with behind(scene, front) as app:
        front.proxy.host(app.host, locations=[{"path": "/", "forward_scheme": "http", "forward_host": "127.0.0.1",
                                               "forward_port": 9}])
        for tag in ("v1", "v2"):
            app.live(tag)
            assert ask(app, front)[1] == tag


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


def test_a_location_for_everything_is_given_back(scene, front):
    """A first deploy that is canceled: the host and its location lead where they led."""
    with behind(scene, front) as app:
        own = "if ($request_uri ~ slipway) { return 500; }\n"
        row = front.proxy.host(app.host, forward_port=8, advanced_config=own, locations=[
            {"path": "/", "forward_scheme": "http", "forward_host": "127.0.0.1", "forward_port": 9}])
        deploy = app.deploy(app.stage_name, "v1")
        wait_step(app, deploy, "CONFIRMING")
        assert front.proxy.row(row["id"])["locations"][0]["forward_port"] == 8080
        cancel(app, deploy)
        kept = front.proxy.row(row["id"])
        assert (kept["forward_port"], kept["locations"], kept["advanced_config"]) == (8, row["locations"], own)
        assert "slipway" not in kept["meta"]


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
        front.proxy.edit(one["id"], advanced_config=own)
        front.proxy.edit(two["id"], forward_host="127.0.0.1", forward_port=9)
        cancel(app, deploy)
        assert ask(app, front)[1] == "v1" and leads_to(front.proxy.row(two["id"])) == OTHER


def test_a_host_that_forces_https(scene, front):
    """Whoever answers is asked over HTTPS there; its certificate and its force stay."""
    with behind(scene, front) as app:
        certificate = front.proxy.certificate(app.host)["id"]
        row = front.proxy.host(app.host, forward_port=9, certificate_id=certificate, ssl_forced=True)
        for tag in ("v1", "v2"):
            app.live(tag)
        kept = front.proxy.row(row["id"])
        assert (kept["certificate_id"], kept["ssl_forced"], kept["http2_support"]) == (certificate, True, False)
        assert ask(app, front)[0] == 301


@pytest.mark.parametrize("drift", ["mend", "report"])
def test_a_target_that_is_changed_by_hand(scene, front, drift):
    """Told with both values; put back where that is allowed, and the next deploy is refused where it is not."""
    with behind(scene, front) as app:
        if drift == "report":
            text = app.config_file.read_text("utf-8").replace("way: direct", "way: direct\n    drift: report")
            apply(app, text)
        app.live("v1")
        row = front.proxy.find(app.host)
        front.proxy.edit(row["id"], forward_port=9)
        wait_line(app, "proxy.drift", "warn", ":9", 40)
        if drift == "mend":
            wait_for(lambda: ask(app, front)[1] == "v1", 20, "the route to be put back")
            return
        assert ":9" in app.get(f"/api/v1/projects/{app.name}/stages/production")["proxy"]["why"]
        done = over(app, "v2")
        assert done["state"] == "ROLLED_BACK" and "somebody changed it" in done["reason"]
        assert front.proxy.row(row["id"])["forward_port"] == 9
        front.proxy.edit(row["id"], forward_port=row["forward_port"])
        app.live("v2")


def test_certificates(scene, front):
    """Let's Encrypt through it, once; a name that it does not have is refused with those that it has."""
    with behind(scene, front, more=", certificate: letsencrypt") as app:
        app.live("v1")
        row = front.proxy.find(app.host)
        assert row["certificate_id"] > 0 and row["ssl_forced"] and row["http2_support"]
        app.live("v2")
        assert front.proxy.find(app.host)["certificate_id"] == row["certificate_id"]
        assert ask(app, front)[0] == 301
        text = app.config_file.read_text("utf-8").replace("certificate: letsencrypt", "certificate: wrong")
        apply(app, text)
        done = over(app, "v1")
        assert done["state"] == "ROLLED_BACK" and "has no certificate 'wrong': it has" in done["reason"]
        assert front.proxy.find(app.host)["certificate_id"] == row["certificate_id"]


def test_many_at_once_go_one_after_the_other(scene, front):
    """Five stages at once: no two calls that change something overlap."""
    stages = "".join(f"      s{i}: {{{{domains: [s{i}.{{name}}.localhost], proxy: npm}}}}\n" for i in range(5))
    app = scene.app(stage="domains: [{name}.localhost]" + front.stage, front=front, stages=stages)
    with app:
        scene.push(app, "v1")
        with ThreadPoolExecutor(5) as pool:
            done = list(pool.map(lambda i: app.wait_over(app.deploy(f"{app.name}/s{i}", "v1"), 90), range(5)))
        assert [one["state"] for one in done] == ["LIVE"] * 5, done
        assert front.proxy.overlaps() == []


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


def test_long_connections_outlast_the_swap(scene, front):
    """A WebSocket and a long answer stay with the version that they have, until they end."""
    with behind(scene, front) as app:
        app.live("v1")
        with WebSocket(app.host, front.address(app)) as echo:
            stream = Stream(app.host, front.address(app), count=40, every_ms=100)
            deploy = app.deploy(app.stage_name, "v2")
            wait_for(lambda: ask(app, front)[1] == "v2", 20, "v2 to answer")
            assert echo.echo("still here") == "still here"
            assert stream.finish() == (40, None)
            assert app.show(deploy)["state"] == "DRAINING"
        assert app.wait_over(deploy, 60)["state"] == "LIVE"


def test_the_way_over_the_edge(scene, tmp_path):
    """Set once: later deploys tell Nginx Proxy Manager nothing, and do not need it."""
    with Front(tmp_path / "front", "npm-edge") as front, behind(scene, front) as app:
        app.live("v1")
        told = len(front.proxy.writes())
        assert told == 1
        with front.proxy.api_down():
            app.live("v2")
            app.kill()
            app.start()  # and asks the visitors, since it cannot ask the proxy
            app.live("v1")
            app.live("v2")
        assert ask(app, front)[1] == "v2" and len(front.proxy.writes()) == told
        app.kill()
        app.start()
        app.live("v1")
        assert ask(app, front)[1] == "v1" and len(front.proxy.writes()) == told


def test_from_one_proxy_to_another(scene, tmp_path):
    """A stage moves from the edge to Nginx Proxy Manager and back; what was its route goes with the old version."""
    with Front(tmp_path / "front", "npm-direct") as front, behind(scene, front) as app:
        behind_it = app.config_file.read_text("utf-8")
        at_edge = behind_it.replace(", proxy: npm", "")
        app.live("v1")
        apply(app, at_edge)
        app.live("v2")
        assert front.proxy.find(app.host) is None
        assert ask_edge(app) == "v2"
        apply(app, behind_it)
        app.live("v1")
        assert ask(app, front)[1] == "v1" and ask_edge(app) is None
        left = at_edge.replace(at_edge[at_edge.index("proxies:"):at_edge.index("projects:")], "")
        (app.directory / "left.yml").write_text(left, "utf-8")
        assert "proxy npm" in app.run("apply", "--dry-run", app.directory / "left.yml").stdout


def ask_edge(app):
    """The version that answers at the edge itself."""
    connection = http.client.HTTPConnection(app.edge_address, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": app.host})
        return connection.getresponse().headers["App-Version"]
    finally:
        connection.close()
