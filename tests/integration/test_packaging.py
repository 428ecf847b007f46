# SPDX-License-Identifier: MIT
"""The files for Docker and systemd.

They cannot be used as they are where there is neither a network nor systemd. So the image is made of this
machine's own files and run as compose.yml says, on a real engine; the units are judged by systemd-analyze, and
their edge is run with the rights that they give.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml

from bed.checker import Checker, target
from bed.engine import Engine
from bed.image import make_image
from bed.registry import Registry
from bed.rootfs import rootfs_layer
from bed.shell import Shell, quick_configuration
from bed.slipway import ROOT, TOKEN, binary
from bed.wait import wait_for

UNITS = sorted(ROOT.glob("deploy/systemd/*.service"))


def text(name):
    """Return one file of the repository."""
    return (ROOT / name).read_text("utf-8")


@pytest.fixture(scope="module", name="parts")
def fixture_parts(tmp_path_factory):
    """A real engine and a real registry."""
    place = tmp_path_factory.mktemp("packaging")
    with Engine(place / "docker") as engine, Registry(place / "registry") as registry:
        yield engine, registry


def packages_of(words):
    """Return what apt-get install is told to install."""
    line = re.sub(r"\\\n", " ", words)
    return [word for install in re.findall(r"apt-get install ([^&\n]*)", line)
            for word in install.split() if not word.startswith("-")]


@pytest.mark.parametrize("name", ["Dockerfile", "docs/operations.md"])
def test_packages_exist(name):
    """Every package is one of Debian's."""
    packages = packages_of(text(name))
    assert len(packages) > 6
    said = subprocess.run(["apt-cache", "policy", *packages], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: [^(\n]", said, re.MULTILINE))
    assert known == set(packages)


def test_the_program_needs_no_other_package():
    """Every library that the program is linked to is in one of the packages of the image."""
    said = set(packages_of(re.split(r"\nFROM ", text("Dockerfile"))[-1])) | {"libc6", "libgcc-s1"}
    linked = subprocess.run(["readelf", "-d", binary()], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"NEEDED.*\[(.*)\]", linked):
        path = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
        path = Path(re.search(rf"{re.escape(library)} .*=> (\S+)", path).group(1)).resolve()
        owner = subprocess.run(["dpkg", "-S", f"*/{path.name}"], capture_output=True, text=True, check=True).stdout
        assert {line.split(":")[0] for line in owner.splitlines()} & said, library


def test_what_the_dockerfile_copies_builds(tmp_path):
    """The files that reach the build stage are there, not ignored, and enough for its make command."""
    dockerfile = text("Dockerfile")
    kept = {line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")}
    for sources, place in re.findall(r"^COPY (?!--from)(.+) (\S+)$", dockerfile, re.MULTILINE):
        for one in sources.split():
            assert (ROOT / one).exists() and one in kept, one
            done = shutil.copytree if (ROOT / one).is_dir() else shutil.copy
            (tmp_path / one).parent.mkdir(parents=True, exist_ok=True)
            done(ROOT / one, tmp_path / (place if done is shutil.copytree else one))
    command = re.search(r"^RUN (make .*)$", dockerfile, re.MULTILINE).group(1)
    rules = subprocess.run(["bash", "-c", f"{command} --dry-run"], cwd=tmp_path, capture_output=True, text=True,
                           check=False)
    assert rules.returncode == 0 and "LD   build/rel/slipway" in rules.stdout, rules.stderr
    assert "COPY --from=build /src/build/rel/slipway " in dockerfile


def test_make_install(tmp_path):
    """What it puts where: the program, the manual page and the completion that the program prints."""
    rules = subprocess.run(["make", "--dry-run", "--assume-old=build/slipway", "install", f"DESTDIR={tmp_path}",
                            "PREFIX=/usr"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for line in rules.replace("build/slipway ", f"{binary()} ").splitlines():
        subprocess.run(["bash", "-c", line], cwd=ROOT, check=True)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {
        "usr/bin/slipway", "usr/share/man/man1/slipway.1", "usr/share/bash-completion/completions/slipway"}
    said = subprocess.run([tmp_path / "usr/bin/slipway", "help", "--man"], capture_output=True, text=True, check=True)
    assert (tmp_path / "usr/share/man/man1/slipway.1").read_text("utf-8") == said.stdout
    completion = tmp_path / "usr/share/bash-completion/completions/slipway"
    assert subprocess.run(["bash", "-n", completion], check=True).returncode == 0 and "complete -F" in completion.read_text()


def test_the_manual_page(tmp_path):
    """groff takes it without a warning, and it shows what the help shows: each command, option and example."""
    page = tmp_path / "slipway.1"
    page.write_text(subprocess.run([binary(), "help", "--man"], capture_output=True, text=True, check=True).stdout, "utf-8")
    drawn = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-rLL=200n", "-P-cbou", page], capture_output=True, text=True,
                           check=True)
    assert drawn.stderr == ""
    shown = drawn.stdout
    overview = subprocess.run([binary(), "help"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^  ([a-z]+) ", overview.split("commands:")[1].split("\n\n")[0], re.MULTILINE)
    assert len(names) > 25
    for name in names:
        text_of_help = subprocess.run([binary(), "help", name], capture_output=True, text=True, check=True).stdout
        for line in text_of_help.splitlines()[4:]:
            option = re.match(r"  (?:-(\w), |    )(--[a-z-]+)(?: (\S+))?", line)
            wanted = line.strip()
            if option:
                letter, long, value = option.groups()
                wanted = (f"-{letter}, " if letter else "") + long + (f" {value}" if value and value.isupper() else "")
            assert wanted in shown or wanted == "options:", (name, wanted)
    assert overview.rsplit("exit codes:\n", 1)[1].splitlines()[-1].strip() in shown
    assert "NAME" in subprocess.run(["man", "-l", page], capture_output=True, text=True, check=True).stdout


def compose_services():
    """compose.yml as Docker would read it, with its variables given."""
    given = {"DOCKER_GROUP": "4242", "SLIPWAY_TOKEN": TOKEN}
    read = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: given[found.group(1)], text("compose.yml"))
    assert "${" not in read
    return yaml.safe_load(read)["services"]


def test_compose_is_sound():
    """Both services run one image on one volume; the server is given longer to end than its drain takes."""
    services = compose_services()
    assert set(services) == {"slipway", "edge"}
    reference = text("docs/settings.md")
    drain_s = int(re.search(r"DRAIN_TIMEOUT` \| duration \| `(\d+)s`", reference).group(1))
    assert int(services["slipway"]["stop_grace_period"].rstrip("s")) > drain_s
    for service in services.values():
        assert service["image"] == "slipway" and "data:/var/lib/slipway" in service["volumes"]
        assert all(isinstance(value, str) for value in service["environment"].values())
        assert service["environment"]["SLIPWAY_EDGE_START"] == "off"
    server = dict(services["slipway"]["environment"])
    for name in ("SLIPWAY_CONFIG", "SLIPWAY_TOKEN"):
        del server[name]
    assert server == services["edge"]["environment"]


def low_port():
    """A port below 1024 on loopback that nobody uses."""
    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port below 1024 is free")


def make_container(engine, image, service, settings, mounts):
    """Create and start a container as compose would; `mounts` replaces what is on this machine."""
    binds = [mounts.get(volume.split(":")[0], volume.split(":")[0]) + ":" + volume.split(":", 1)[1]
             for volume in service["volumes"]]
    host = {"NetworkMode": service["network_mode"], "Binds": binds, "ReadonlyRootfs": service["read_only"],
            "CapDrop": service["cap_drop"], "CapAdd": service.get("cap_add", []),
            "SecurityOpt": service.get("security_opt", []), "GroupAdd": service.get("group_add", [])}
    environment = {**service["environment"], **settings}
    more = {"Healthcheck": {"Test": ["NONE"]}} if service.get("healthcheck", {}).get("disable") else {}
    return engine.api.run(image, host=host, Cmd=service["command"],
                          Env=[f"{name}={value}" for name, value in environment.items()], **more)


def image_settings():
    """What the Dockerfile says about how the image is run, as the engine spells it."""
    dockerfile = text("Dockerfile")
    check = re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", dockerfile, re.MULTILINE).group(1)
    return {"User": re.search(r"^USER (\w+)", dockerfile, re.MULTILINE).group(1),
            "Entrypoint": json.loads(re.search(r"^ENTRYPOINT (.*)", dockerfile, re.MULTILINE).group(1)),
            "Cmd": json.loads(re.search(r"^CMD (.*)", dockerfile, re.MULTILINE).group(1)),
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin"],
            "StopSignal": re.search(r"^STOPSIGNAL (\w+)", dockerfile, re.MULTILINE).group(1),
            "Healthcheck": {"Test": ["CMD", *json.loads(check)], "Interval": 200_000_000, "Timeout": 6_000_000_000}}


def test_the_image_runs_as_compose_says(tmp_path, parts):
    """The server and the edge in two containers: not root, without rights but one, a port below 1024, the
    socket by its group; the server is replaced under load as an upgrade does, and no request fails."""
    engine, registry = parts
    uid = int(re.search(r"--uid (\d+)", text("Dockerfile")).group(1))
    haproxy = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
    layer = rootfs_layer({"/usr/local/bin/slipway": binary(), "/usr/sbin/haproxy": haproxy},
                         {"root": 0, "slipway": uid},
                         {"/var/lib/slipway": (0o700, uid), "/etc/slipway": (0o755, 0), "/tmp": (0o1777, 0)},
                         capable=["/usr/sbin/haproxy"])
    registry.push("slipway", "test", make_image([layer], image_settings()))
    image = registry.reference("slipway", "test")
    engine.api.pull(image)
    services = compose_services()
    shell = Shell(tmp_path / "slipway", engine, registry)  # for its places and its client; never started
    shell.edge_address = f"127.0.0.1:{low_port()}"
    shell.settings["SLIPWAY_TOKEN"] = TOKEN
    shell.config_file.write_text(quick_configuration(engine, registry).replace(
        engine.host, "unix:///var/run/docker.sock"), "utf-8")
    shell.config_file.chmod(0o644)
    settings = {"SLIPWAY_EDGE_HTTP": shell.edge_address}
    mounts = {"data": "slipway-data-of-a-test", "./slipway.yml": str(shell.config_file),
              "/var/run/docker.sock": str(engine.socket)}
    os.chown(engine.socket, 0, int(services["slipway"]["group_add"][0]))
    engine.socket.chmod(0o660)
    made = {}

    def start(name):
        more = {"SLIPWAY_LISTEN": f"127.0.0.1:{shell.port}"} if name == "slipway" else {}
        made[name] = make_container(engine, image, services[name], {**settings, **more}, mounts)

    def health(name):
        return engine.api.inspect(made[name])["State"].get("Health", {}).get("Status")

    try:
        start("slipway")  # the wrong way round: it must not start an edge of its own
        wait_for(lambda: "no edge runs" in shell.get("/health")["edge"]["why"], 20, "the server to miss its edge")
        start("edge")
        wait_for(lambda: shell.get("/health")["edge"]["ready"], 20, "the edge")
        wait_for(lambda: health("slipway") == "healthy", 20, "the health check")
        assert health("edge") is None
        shell.push("v1")
        shell.sh("slipway deploy shop/production v1 --wait")
        shell.push("v2")
        with Checker([target("shop.example.org", shell.edge_address)], rate=500) as checker:
            checker.wait_version("shop.example.org", "v1", 20)
            engine.api.stop(made["slipway"], 60)
            assert engine.api.inspect(made["slipway"])["State"]["ExitCode"] == 0
            engine.api.remove(made["slipway"])
            checker.wait_requests(200)
            start("slipway")
            wait_for(lambda: shell.get("/health")["edge"]["ready"], 20, "the new server to adopt the edge")
            shell.sh("slipway deploy shop/production v2 --wait")
            checker.wait_version("shop.example.org", "v2", 20)
            seen = checker.snapshot()
            assert seen["failed"] == 0, seen["reasons"]
        processes = [engine.api.call("GET", f"/containers/{one}/top")["Processes"] for one in made.values()]
        assert all(process[0] == str(uid) or process[0] == "slipway" for part in processes for process in part)
    finally:
        for name, container in made.items():
            print(name, engine.api.logs(container, tail=20))
            engine.api.remove(container)
        os.chown(engine.socket, 0, 0)


def test_units_are_sound(tmp_path):
    """systemd takes both units, and finds them well locked up."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")
    paths = []
    for unit in UNITS:
        path = tmp_path / unit.name
        path.write_text(unit.read_text("utf-8").replace("/usr/local/bin/slipway", binary()), "utf-8")
        paths.append(str(path))
    done = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and ".service" not in done.stderr, done.stderr
    for path in paths:
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=25", path],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-300:]
    stop_s = int(re.search(r"TimeoutStopSec=(\d+)", text("deploy/systemd/slipway.service")).group(1))
    assert stop_s > 300
    for unit in UNITS:
        command = "edge" if "edge" in unit.name else "serve"
        assert f"ExecStart=/usr/local/bin/slipway {command}\n" in unit.read_text("utf-8")


def test_the_edge_binds_a_low_port_with_the_rights_of_its_unit():
    """Another user than root with CAP_NET_BIND_SERVICE and nothing else, as slipway-edge.service gives it."""
    unit = text("deploy/systemd/slipway-edge.service")
    for line in ("AmbientCapabilities=CAP_NET_BIND_SERVICE", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
                 "NoNewPrivileges=yes"):
        assert line in unit
    place = Path(tempfile.mkdtemp(prefix="slipway-public-"))  # pytest's own are for their owner alone
    edge = None
    try:
        place.chmod(0o755)
        program = shutil.copy(binary(), place / "slipway")
        (place / "data").mkdir()
        os.chown(place / "data", 65534, 65534)
        port = low_port()
        environment = {"PATH": os.environ["PATH"], "SLIPWAY_DATA": str(place / "data"),
                       "SLIPWAY_EDGE_HTTP": f"127.0.0.1:{port}"}
        edge = subprocess.Popen(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all,+net_bind_service",
             "--ambient-caps=-all,+net_bind_service", "--bounding-set=-all,+net_bind_service", "--no-new-privs",
             program, "edge"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        asked = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{port}/"]
        wait_for(lambda: subprocess.run(asked, capture_output=True, text=True, check=False).stdout == "404", 20,
                 "the edge to answer")
        edge.send_signal(signal.SIGTERM)
        assert edge.wait(60) == 0
    finally:
        if edge:
            edge.kill()
            print(edge.communicate()[0])
        shutil.rmtree(place)
