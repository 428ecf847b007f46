# SPDX-License-Identifier: MIT
"""What goes wrong outside Slipway, or comes in bent: each case ends in words that name the cause and the
remedy, in the right status or exit code, and leaves nothing half-done.

Faults of registries are in test_registry.py, as far as they need more than a missing image.
"""
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bed.engine import Engine  # noqa: E402
from bed.image import OTHER_MACHINE, push_app  # noqa: E402
from bed.registry import Registry  # noqa: E402
from bed.slipway import TOKEN, Slipway, binary  # noqa: E402
from bed.wait import wait_for  # noqa: E402

FAILED, USAGE, INVALID, BROKEN = 1, 2, 7, 74
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
STAGE = "/api/v1/projects/shop/stages/production"
DIGEST = "sha256:" + "a" * 64
BAD_YAML = """version: 1
projects:
  shop:
    imagee: r.io/a
    image: r.io/a:tag
    health: {http: health}
    stages:
      Production: {replicas: 99, poll: 5, tags: "v*"}
      other: {port: x, tags: "v*"}
"""
BAD_YAML_FAULTS = [
    (4, 5, "unknown key 'imagee': did you mean 'image'?"),
    (5, 12, "'image': 'r.io/a:tag' must not carry a tag"),
    (6, 20, "'http': 'health' must begin with a slash"),
    (8, 7, "stage 'Production' must be made of a-z"),
    (8, 30, "'replicas' is 99: it must be from 1 to 16"),
    (8, 40, "'poll' must be a duration with its unit"),
    (9, 21, "'port' must be a whole number, not 'x'"),
]


def configuration(socket_path="/nowhere/docker.sock", registry="127.0.0.1:9", more=""):
    return f"""version: 1
engines:
  local: {{host: "unix://{socket_path}"}}
registries:
  "{registry}": {{insecure: true{more}}}
projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    health: {{http: /health, successes: 1, interval: 50ms, min_uptime: 0s, deadline: 5s}}
    stages:
      production: {{tags: "v*"}}
"""


def make(directory, config=None, edge=False, **settings):
    """A server without an edge and without Docker, not yet started."""
    return Slipway(directory, configuration() if config is None else config, edge=edge, **settings)


def ends(slipway, *wrapper, deadline_s=20):
    """Start a server that must end by itself; returns (exit code, everything it said)."""
    code = slipway.launch(*wrapper).process.wait(deadline_s)
    assert slipway.edge_pids() == []
    return code, slipway.log_tail(20000)


def stored(slipway, question):
    """Ask the store of a server that does not run."""
    address = f"file:{slipway.data}/slipway.db?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as store:
        return store.execute(question).fetchall()


def error_of(answer, status, code="INVALID"):
    """The message of a refusal, after its form and status were looked at."""
    assert answer[0] == status, answer
    error = answer[2]["error"]
    assert set(error) == {"code", "message", "detail", "request_id"}
    assert error["code"] == code and error["request_id"] == answer[1]["X-Request-ID"]
    return error["message"]


@pytest.fixture(scope="module", name="server")
def fixture_server(tmp_path_factory):
    """One that runs; what is sent to it must change nothing (each test's end looks)."""
    with make(tmp_path_factory.mktemp("server")) as slipway:
        yield slipway


@pytest.fixture(autouse=True)
def nothing_is_changed(request):
    """After a test on the common server: it is the same process, is well, and no deploy was begun."""
    slipway = request.getfixturevalue("server") if "server" in request.fixturenames else None
    before = slipway.pid if slipway else None
    yield
    if slipway:
        assert slipway.pid == before and slipway.get("/health")["status"] == "healthy"
        assert slipway.deploys() == [] and len(slipway.get("/api/v1/stages")["items"]) == 1


@pytest.fixture(name="public")
def fixture_public(monkeypatch):
    """A directory that every user can reach, with a copy of the program, which is then the one run."""
    place = Path(tempfile.mkdtemp(prefix="slipway-public-"))
    place.chmod(0o755)
    shutil.copy(binary(), place / "slipway")
    monkeypatch.setenv("SLIPWAY_BINARY", str(place / "slipway"))
    yield place
    shutil.rmtree(place)


# The configuration


def test_bad_yaml_at_start(tmp_path):
    slipway = make(tmp_path, BAD_YAML)
    code, said = ends(slipway)
    assert code == FAILED
    for line, column, text in BAD_YAML_FAULTS:
        assert f"slipway.yml:{line}:{column}: {text}" in said
    assert "nothing was imported: mend them and start again" in said
    assert stored(slipway, "SELECT count(*) FROM project") == [(0,)]
    slipway.config_file.write_text(configuration(), "utf-8")
    with slipway:
        assert len(slipway.get("/api/v1/stages")["items"]) == 1


def test_bad_yaml_at_start_makes_no_token(tmp_path):
    slipway = make(tmp_path, BAD_YAML)
    del slipway.settings["SLIPWAY_TOKEN"]
    code, said = ends(slipway)
    assert code == FAILED and "token" not in said
    assert stored(slipway, "SELECT count(*) FROM meta WHERE key = 'token_hash'") == [(0,)]


def test_bad_yaml_at_apply(server, tmp_path):
    before = server.get("/api/v1/stages")
    answer = server.call("POST", "/api/v1/apply", BAD_YAML, headers={"Content-Type": "application/yaml"})
    assert f"{len(BAD_YAML_FAULTS)} faults" in error_of(answer, 400)
    found = [(one["line"], one["column"], one["message"]) for one in answer[2]["error"]["detail"]]
    assert [one[:2] for one in found] == [one[:2] for one in BAD_YAML_FAULTS]
    assert all(one[2].startswith(wanted[2]) for one, wanted in zip(found, BAD_YAML_FAULTS))
    path = tmp_path / "bad.yml"
    path.write_text(BAD_YAML, "utf-8")
    for command, code in (("apply", INVALID), ("check", FAILED)):
        done = server.run(command, str(path))
        assert done.returncode == code, done
        for line, column, text in BAD_YAML_FAULTS:
            assert f"bad.yml:{line}:{column}: {text}" in done.stdout + done.stderr
    assert server.get("/api/v1/stages") == before


@pytest.mark.parametrize("text, fault", [
    ("a: [", "broken YAML"), ("", "nothing in it"), ("version: 2\nprojects: {}\n", "version"),
    ("- a\n", "must be a map"), ("version: 1\nversion: 1\nprojects: {}\n", "twice"),
    ("version: 1\nprojects: {a: &x {}, b: *x}\n", "anchor"), ("\x00\x01\x02", "no plain UTF-8 text"),
    ("a: " * 20000, "YAML"), ("[" * 20000, "deep")])
def test_yaml_that_is_no_configuration(server, text, fault):
    answer = server.call("POST", "/api/v1/apply", text, headers={"Content-Type": "application/yaml"})
    error_of(answer, 400)
    assert fault in json.dumps(answer[2]["error"]["detail"])


def test_a_configuration_file_that_is_not_there(tmp_path):
    slipway = make(tmp_path)
    slipway.config_file.unlink()
    code, said = ends(slipway)
    assert code == FAILED and str(slipway.config_file) in said and "No such file" in said


# The environment and the command line


def test_bad_environment_names_every_fault_at_once(tmp_path):
    slipway = make(tmp_path, SLIPWAY_LISTEN="nonsense", SLIPWAY_LOG_LEVEL="loud", SLIPWAY_EDGE="maybe",
                   SLIPWAY_SWEEP_INTERVAL="5", SLIPWAY_TOKENN="x", SLIPWAY_TOKEN_FILE="/nowhere")
    code, said = ends(slipway)
    assert code == USAGE and not slipway.data.exists()
    for fault in ("unknown setting SLIPWAY_TOKENN: did you mean SLIPWAY_TOKEN?",
                  "SLIPWAY_LISTEN: 'nonsense' must be an IP address and a port: 127.0.0.1:8080",
                  "SLIPWAY_TOKEN and SLIPWAY_TOKEN_FILE are both set: keep one",
                  "SLIPWAY_LOG_LEVEL: 'loud' must be one of debug, info, warn, error",
                  "SLIPWAY_EDGE: 'maybe' must be on or off",
                  "SLIPWAY_SWEEP_INTERVAL: '5' must be a duration from 1s to 1h with its unit"):
        assert fault in said
    done = slipway.run("check")
    assert done.returncode == FAILED and "SLIPWAY_TOKENN" in done.stdout


def test_a_bad_token_is_refused_without_being_shown(tmp_path):
    code, said = ends(make(tmp_path, SLIPWAY_TOKEN="only-this-short"))
    assert code == USAGE and "SLIPWAY_TOKEN" in said and "16 to 256" in said
    assert "only-this-short" not in said


def test_a_secret_file_that_is_not_there(tmp_path):
    slipway = make(tmp_path, SLIPWAY_TOKEN_FILE="/nowhere/token")
    del slipway.settings["SLIPWAY_TOKEN"]
    code, said = ends(slipway)
    assert code == USAGE and "SLIPWAY_TOKEN_FILE" in said and "/nowhere/token" in said


@pytest.mark.parametrize("words, fault", [
    (["serve", "--unknown"], "unknown option --unknown"),
    (["edge", "--unknown"], "unknown option --unknown"),
    (["deploy", "shop/production", "v1", "--unknown"], "unknown option --unknown"),
    (["--unknown"], "'--unknown'"), (["deplooy"], "unknown command 'deplooy'; did you mean 'deploy'?"),
    (["deploy"], "usage: slipway deploy"), (["machines", "--nonsense"], "--mermaid"),
    (["check", "one", "two"], "usage: slipway check"), (["deploy", "shop", "v1"], "PROJECT/STAGE")])
def test_bad_command_lines(server, words, fault):
    done = server.run(*words)
    assert (done.returncode, done.stdout) == (USAGE, "") and fault in done.stderr, done


def test_a_client_without_a_server(tmp_path):
    slipway = make(tmp_path)
    done = slipway.run("status")
    assert done.returncode == 6 and slipway.url in done.stderr and "SLIPWAY_URL" in done.stderr
    assert slipway.run("healthcheck").returncode == FAILED


# What the server needs to start


def test_listen_port_taken(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        slipway = make(tmp_path, SLIPWAY_LISTEN=taken)
        code, said = ends(slipway)
    assert code == FAILED and f"listen on {taken}: the address is in use" in said
    assert "stop that one, or listen elsewhere" in said
    assert stored(slipway, "SELECT count(*) FROM project") == [(0,)]


def test_edge_port_taken(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with make(tmp_path, edge=True, SLIPWAY_EDGE_HTTP=taken) as slipway:
            edge = wait_for(lambda: slipway.get("/health")["edge"].get("why"), 10, "the edge's fault")
            assert taken in edge and "another program does" in edge and "choose another address" in edge
            faults = [line for line in slipway.log_lines() if line["event"] == "edge.fault"]
            assert faults and taken in faults[0]["msg"] and len(faults) < 3
            other.close()
            wait_for(lambda: slipway.get("/health")["edge"]["ready"], 20, "the edge, with its port free")


def test_haproxy_absent(tmp_path):
    code, said = ends(make(tmp_path, edge=True, SLIPWAY_HAPROXY="/nowhere/haproxy"))
    assert code == FAILED and "/nowhere/haproxy cannot be run" in said
    assert "apt-get install haproxy" in said and "SLIPWAY_HAPROXY" in said


def test_a_second_server_on_the_same_data(server, tmp_path):
    second = make(tmp_path, SLIPWAY_DATA=str(server.data))
    code, said = ends(second)
    assert code == FAILED and f"another slipway serves the data directory {server.data} already" in said
    assert "stop it, or set SLIPWAY_DATA" in said


@pytest.mark.parametrize("is_there", [False, True])
def test_data_directory_not_writable(public, is_there):
    data = public / "data"
    slipway = make(public / "here", SLIPWAY_DATA=str(data), SLIPWAY_CONFIG="")
    if is_there:
        data.mkdir(mode=0o755)
    code, said = ends(slipway, *NOBODY)
    assert code == FAILED and f"data directory {data}" in said
    assert "Permission denied" in said and "set SLIPWAY_DATA" in said
    assert list(data.iterdir() if is_there else []) == []


def test_data_directory_is_a_file(tmp_path):
    (tmp_path / "file").write_text("", "ascii")
    code, said = ends(make(tmp_path, SLIPWAY_DATA=str(tmp_path / "file")))
    assert code == FAILED and "Not a directory" in said and "set SLIPWAY_DATA" in said


# The store


@pytest.fixture(name="keeper")
def fixture_keeper(tmp_path):
    """A server that has stored its configuration and ended."""
    slipway = make(tmp_path)
    slipway.start()
    assert slipway.terminate() == 0
    return slipway


def damage_header(path):
    with open(path, "r+b") as file:
        file.write(b"garbage instead of a header")


def damage_pages(path):
    with open(path, "r+b") as file:
        file.seek(8192)
        file.write(os.urandom(65536))


def damage_length(path):
    os.truncate(path, 20000)


def write_store(path, statement):
    with contextlib.closing(sqlite3.connect(path)) as store, store:
        store.execute(statement)


def damage_spec(path):
    write_store(path, "UPDATE spec SET json = '{'")


def damage_version(path):
    write_store(path, "PRAGMA user_version = -7")


@pytest.mark.parametrize("damage", [damage_header, damage_pages, damage_length, damage_spec, damage_version])
def test_damaged_store(keeper, damage):
    path = keeper.data / "slipway.db"
    damage(path)
    before = path.read_bytes()
    code, said = ends(keeper)
    assert code in (FAILED, BROKEN) and "CHECK" not in said
    assert str(keeper.data) in said or "schema version -7" in said
    assert re.search(r"damaged.*backup.*move it away", said), said
    assert path.read_bytes() == before  # left as it is, for whoever wants to save something


def test_store_written_by_a_newer_version(keeper):
    write_store(keeper.data / "slipway.db", "PRAGMA user_version = 99")
    code, said = ends(keeper)
    assert code == FAILED and "schema version 99" in said and "start that one, or restore a backup" in said
    assert stored(keeper, "PRAGMA user_version") == [(99,)]


def test_store_with_a_state_of_a_newer_version(keeper):
    write_store(keeper.data / "slipway.db", "UPDATE poll_actor SET state = 'LEVITATING'")
    code, said = ends(keeper)
    assert code == FAILED and "'LEVITATING'" in said and "newer" in said


@pytest.fixture(name="small_disk")
def fixture_small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place):
    """Take what is left of the disk; returns the file that holds it."""
    filler = place / "filler"
    with open(filler, "wb", 0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return filler


def test_disk_full_while_running(tmp_path, small_disk):
    slipway = make(tmp_path / "server", SLIPWAY_DATA=str(small_disk / "data")).start()
    first = slipway.deploy("shop/production", "v1")
    filler = fill(small_disk)
    acknowledged = [first]
    with pytest.raises((OSError, http.client.HTTPException)):
        for i in range(5000):
            acknowledged.append(slipway.deploy("shop/production", f"v{i + 2}"))
    assert slipway.process.wait(10) == BROKEN
    assert slipway.log_lines()[-1]["event"] == "store.failed"
    assert "free space on its disk and start again, nothing is lost" in slipway.log_lines()[-1]["msg"]
    filler.unlink()
    with slipway:
        ids = {one["id"] for one in slipway.deploys(limit=500)}
        lost = [one for one in acknowledged[-400:] if one not in ids]
        assert lost == []
        assert slipway.deploy("shop/production", "v9999")


def test_disk_full_at_start(tmp_path, small_disk):
    slipway = make(tmp_path / "server", SLIPWAY_DATA=str(small_disk / "data"))
    filler = fill(small_disk)
    code, said = ends(slipway)
    assert code in (FAILED, BROKEN) and ("No space left" in said or "free space on its disk" in said)
    filler.unlink()
    with slipway:
        assert len(slipway.get("/api/v1/stages")["items"]) == 1


# Docker


def test_docker_absent(tmp_path):
    """The server works, says what is missing, and the deploy waits where it can be canceled."""
    with make(tmp_path) as slipway:
        engine = wait_for(lambda: slipway.get("/health")["engines"][0].get("why"), 20, "a reason")
        assert "unix:///nowhere/docker.sock" in engine and "start Docker, or correct" in engine
        deploy = slipway.deploy("shop/production", "v1", digest=DIGEST)
        reason = wait_for(lambda: slipway.show(deploy)["reason"], 20, "a reason")
        assert reason == engine
        slipway.post(f"/api/v1/deploys/{deploy}/cancel")
        assert slipway.wait_over(deploy)["state"] == "CANCELED"


def test_docker_without_permission(public):
    place, data = public / "docker.sock", public / "data"
    data.mkdir()
    os.chown(data, 65534, 65534)
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(place))
        engine.listen()
        place.chmod(0o600)
        slipway = make(public / "here", configuration(place), SLIPWAY_DATA=str(data))
        slipway.config_file.chmod(0o644)
        try:
            slipway.start(wrapper=NOBODY)
            why = wait_for(lambda: slipway.get("/health")["engines"][0].get("why"), 20, "a reason")
        finally:
            slipway.stop()
    assert f"unix://{place}" in why and "ermission denied" in why and "group" in why, why


# Images


@pytest.fixture(scope="module", name="real")
def fixture_real(tmp_path_factory):
    """A server with a real engine and a registry that wants a password."""
    place = tmp_path_factory.mktemp("real")
    (place / "password").write_text("correct-horse", "ascii")
    with Engine(place / "docker") as engine, Registry(place / "registry", mode="basic") as registry:
        push_app(registry, "shop/web", "v1")
        push_app(registry, "shop/web", "v2", machines=[OTHER_MACHINE])
        login = f", username: robot, password_file: {place}/password"
        config = configuration(engine.socket, registry.address, login)
        with Slipway(place / "slipway", config, edge=False) as slipway:
            slipway.password_file = place / "password"
            yield slipway, engine, registry


def fails(slipway, **wish):
    """A deploy that must fail; returns its reason. What was live before must be so still."""
    live = slipway.stage("shop/production")["live"]
    over = slipway.wait_over(slipway.deploy("shop/production", **wish), 30)
    assert over["state"] in ("FAILED", "ROLLED_BACK") and slipway.stage("shop/production")["live"] == live
    assert any(over["reason"][:60] in line["text"] for line in slipway.log_of(over["id"]))
    return over["reason"]


def test_unknown_image(real):
    slipway, engine, registry = real
    reason = fails(slipway, tag="v404")
    assert f"no tag 'v404' in {registry.address}/shop/web" in reason and "push it" in reason
    reason = fails(slipway, tag="v1", digest=DIGEST)
    assert DIGEST[:20] in reason and registry.address in reason
    assert engine.api.containers() == []


def test_image_for_another_architecture(real):
    slipway, engine, _ = real
    reason = fails(slipway, tag="v2")
    assert re.search("amd64|arm64|x86_64", reason) and re.search("platform|architecture|built", reason), reason
    assert engine.api.containers() == []


def test_wrong_credentials(real):
    slipway, engine, registry = real
    slipway.password_file.write_text("wrong-horse", "ascii")
    try:
        reason = fails(slipway, tag="v1")
    finally:
        slipway.password_file.write_text("correct-horse", "ascii")
    assert registry.address in reason and "robot" in reason and "password" in reason
    assert "wrong-horse" not in reason and engine.api.containers() == []


def test_after_all_that_a_good_one_goes_live(real):
    slipway, engine, _ = real
    assert slipway.wait_over(slipway.deploy("shop/production", "v1"))["state"] == "LIVE"
    assert len(engine.api.containers()) == 1


# HTTP and JSON


HOST = b"Host: a\r\n"
POST = (b"POST " + STAGE.encode() + b"/deploys HTTP/1.1\r\n" + HOST + b"Authorization: Bearer " + TOKEN.encode()
        + b"\r\nContent-Type: application/json\r\n")
BODY = b'{"tag":"v1"}'
RAW = {
    "both lengths": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 12\r\nContent-Length: 13\r\n\r\n" + BODY, 400),
    "signed length": (POST + b"Content-Length: +12\r\n\r\n" + BODY, 400),
    "list of lengths": (POST + b"Content-Length: 12, 12\r\n\r\n" + BODY, 400),
    "blank before the colon": (POST + b"Content-Length : 12\r\n\r\n" + BODY, 400),
    "unknown coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "chunk size in hexadecimal prose": (POST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", 400),
    "huge chunk size": (POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 400),
    "huge length": (POST + b"Content-Length: 99999999999\r\n\r\n", 413),
    "endless chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + bytes(65536) + b"\r\n") * 17, 413),
    "two hosts": (b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "no host": (b"GET /health HTTP/1.1\r\n\r\n", 400),
    "two tokens": (POST + b"Authorization: Bearer x\r\nContent-Length: 12\r\n\r\n" + BODY, 400),
    "bare line feeds": (b"GET /health HTTP/1.1\nHost: a\n\n", 400),
    "bare carriage return": (b"GET /health HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400),
    "NUL in a header": (b"GET /health HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    "folded header": (b"GET /health HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    "blank in the path": (b"GET /hea lth HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "TLS": (bytes.fromhex("1603010200010001fc0303") + bytes(100), 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "HTTP/0.9": (b"GET /\r\n\r\n", 505),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501),
    "long path": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "many headers": (b"GET /health HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1000 + b"\r\n", 431),
    "large header": (b"GET /health HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20000 + b"\r\n\r\n", 431),
}


@pytest.mark.parametrize("case", RAW)
def test_malformed_http(server, case):
    sent, status = RAW[case]
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(sent)
        got = b""
        while True:
            piece = client.recv(65536)
            if not piece:  # refused, and the connection closed: what follows could be read in two ways
                break
            got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), got
    error = json.loads(body)["error"]
    assert error["code"].isupper() and len(error["message"]) > 10 and error["request_id"].encode() in head


def send(server, body, path=STAGE + "/deploys", kind="application/json"):
    return server.call("POST", path, body, headers={"Content-Type": kind})


@pytest.mark.parametrize("body", [
    b"{", b"[", b"[" * 100000, b'{"tag":' * 5000, BODY + b" x", b'{"tag":"\xff"}', b'{"tag":NaN}', b"\xef\xbb\xbf" + BODY,
    b'{"tag":1e999}', b'{"tag":"v1","tag":"v2"}', b"{'tag':'v1'}", b'{"tag":"v1",}', b"\0" * 20, b"tag: v1"])
def test_malformed_json(server, body):
    message = error_of(send(server, body), 400)
    assert message.startswith("the body is not JSON: line 1, column ")


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1"])
def test_json_that_is_no_object(server, body):
    assert error_of(send(server, body), 400) == "the body must be a JSON object"


@pytest.mark.parametrize("body, member", [
    (b'{"tag":1}', "tag"), (b'{"tag":null}', "tag"), (b'{"tag":["v1"]}', "tag"), (b'{"tag":"a\\u0000b"}', "tag"),
    (b'{"tag":"' + b"a" * 600 + b'"}', "tag"), (b'{"tag":"v1","force":1}', "force"),
    (b'{"tag":"v1","digest":{}}', "digest"), (b'{"tagg":"v1"}', "tagg"), (b'{"tag":"v1","Tag":"v1"}', "Tag")])
def test_wrong_and_unknown_members(server, body, member):
    answer = send(server, body)
    assert f"'{member}'" in error_of(answer, 400) and answer[2]["error"]["detail"] == member


def test_an_unknown_member_is_told_the_known_ones(server):
    assert "known here: 'tag', 'digest', 'force'" in error_of(send(server, b'{"tagg":"v1"}'), 400)


@pytest.mark.parametrize("body, fault", [
    (b"{}", "no image tag"), (b'{"tag":""}', "no image tag"), (b'{"tag":"-x/y"}', "letters, digits"),
    (b'{"tag":"v1","digest":"sha256:xyz"}', "64 hexadecimal"), (b'{"tag":"v1","digest":"sha512:aa"}', "64 hexadecimal")])
def test_values_that_make_no_sense(server, body, fault):
    assert fault in error_of(send(server, body), 400)


def test_huge_body(server):
    message = error_of(send(server, b"x" * ((1 << 20) + 1)), 413, "TOO_LARGE")
    assert "1048576" in message


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_wrong_content_type(server, kind):
    assert "application/json" in error_of(send(server, BODY, kind=kind), 415, "UNSUPPORTED_TYPE")
    message = error_of(send(server, configuration(), "/api/v1/apply", kind), 415, "UNSUPPORTED_TYPE")
    assert "application/yaml" in message


@pytest.mark.parametrize("path, status", [
    ("/api/v1/deploys?limit=x", 400), ("/api/v1/deploys?limit=501", 400), ("/api/v1/deploys?before=-1", 400),
    ("/api/v1/deploys?state=NONSENSE", 400), ("/api/v1/deploys/abc", 404), ("/api/v1/deploys/99", 404),
    ("/api/v1/deploys/18446744073709551616", 404), ("/api/v1/../../etc/passwd", 404),
    ("/api/v1/projects/none", 404), ("/api/v1/projects/shop/stages/none", 404)])
def test_queries_and_paths_that_make_no_sense(server, path, status):
    error_of(server.call("GET", path), status, "INVALID" if status == 400 else "NOT_FOUND")


def test_wrong_method_is_told_the_right_ones(server):
    answer = server.call("DELETE", "/api/v1/deploys")
    error_of(answer, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer[1]["Allow"]


@pytest.mark.parametrize("token", [None, "wrong", "", TOKEN + "x", TOKEN[:-1], TOKEN.upper()])
def test_wrong_token(server, token):
    for path in (STAGE, "/api/v1/nothing"):
        message = error_of(server.call("GET", path, token=token), 401, "UNAUTHORIZED")
        assert "Authorization: Bearer" in message and "SLIPWAY_TOKEN" in message


def test_wrong_token_of_a_client(server):
    done = server.run("status", SLIPWAY_TOKEN="a-wrong-token-of-a-client")
    assert done.returncode == 4 and "SLIPWAY_TOKEN" in done.stderr and "a-wrong-token" not in done.stderr


@pytest.mark.parametrize("image, fault", [
    ("", "it is empty"), ("127.0.0.1:9/shop/web:", "is no tag"), ("a b", "a name is a-z"),
    ("127.0.0.1:9/shop/web@sha256:aa", "64 hexadecimal"), ("http://127.0.0.1:9/shop/web:v1", "leave out 'http://'"),
    ("127.0.0.1:9/shop/web:v1\n", "is no tag"), ("127.0.0.1:9/shop/web:v1 --privileged", "is no tag"),
    ("../../etc/passwd:v1", "is no image")])
def test_webhook_with_an_image_that_is_none(server, image, fault):
    hook = server.get("/api/v1/projects/shop")["webhook_path"]
    message = error_of(server.call("POST", hook, {"image": image}, token=None), 400)
    assert "host/org/app:tag" in message and fault in message


def test_webhook_with_an_image_of_somebody_else(server):
    for image in ("127.0.0.1:9/shop/other:v1", "elsewhere.org/shop/web:v1", "127.0.0.1:9/shop/web:x1"):
        status, body = server.webhook("shop", image)
        assert status == 200 and "no stage of this project takes this image and tag" in body["ignored"]


def test_webhook_with_another_body(server):
    hook = server.get("/api/v1/projects/shop")["webhook_path"]
    for body, member in ((b'{"img":"x"}', "img"), (b'{"image":5}', "image"), (b"{}", "image"), (b"", "image")):
        answer = server.call("POST", hook, body, token=None, headers={"Content-Type": "application/json"})
        assert f"'{member}'" in error_of(answer, 400) and answer[2]["error"]["detail"] == member


def test_webhook_that_is_none(server):
    for uuid in ("00000000-0000-4000-8000-000000000000", "x", "%41", "a" * 300):
        answer = server.call("POST", f"/api/webhook/{uuid}", {"image": "a/b:v1"}, token=None)
        assert error_of(answer, 404, "NOT_FOUND") == "not found"


def test_nothing_to_roll_back_to_or_cancel(server):
    assert "nothing to go back to" in error_of(send(server, b"{}", STAGE + "/rollback"), 409, "CONFLICT")
    assert "99" in error_of(send(server, b'{"to":99}', STAGE + "/rollback"), 404, "NOT_FOUND")
    assert "99" in error_of(send(server, b"{}", "/api/v1/deploys/99/cancel"), 404, "NOT_FOUND")
