# SPDX-License-Identifier: MIT
"""What the documents say is so.

Links lead somewhere, named tests and functions exist, every command is run here or by the test that is
named for it, settings and keys and routes and messages are those of the program.
"""
import json
import os
import re
import sqlite3
import subprocess

import pytest

from bed.certificates import Authority
from bed.engine import Engine
from bed.receiver import Receiver
from bed.registry import Registry
from bed.shell import Shell
from bed.slipway import ROOT, binary
from bed.wait import wait_for

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("spec/*.md")])
UNITS = sorted(ROOT.glob("deploy/systemd/*.service"))
SCHEMA = json.loads((ROOT / "spec/config.schema.json").read_text("utf-8"))


def text(name):
    """Return one file of the repository."""
    return (ROOT / name).read_text("utf-8")


def program(*words):
    """Run the program without any setting of this environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    return subprocess.run([binary(), *words], env=environment, capture_output=True, text=True, check=False)


def section(document, title):
    """Return the part of a document below one heading of the second level."""
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", document, re.DOTALL | re.MULTILINE).group(1)


def table(part):
    """Return the rows of the tables of a part, each a list of cells, without the heads."""
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in part.splitlines()
            if line.startswith("|")]
    return [row for number, row in enumerate(rows)
            if not row[0].startswith("-") and not (number + 1 < len(rows) and rows[number + 1][0].startswith("-"))]


def quoted(cell):
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


# Pages


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    """Every relative link names a file."""
    for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8")):
        assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_the_pages_know_each_other():
    """Every page of docs is linked from the README."""
    linked = set(re.findall(r"\]\((docs/[^)#]+)\)", text("README.md")))
    assert {f"docs/{path.name}" for path in ROOT.glob("docs/*.md")} == linked


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_named_code_exists(name):
    """Functions, structs, folders and files that the page names are there."""
    page = text(name)
    code = "\n".join(path.read_text("utf-8") for path in ROOT.glob("src/*/*.[ch]"))
    for function in re.findall(r"\b([a-z_]+)\(\)", page):
        assert re.search(rf"^(?:\w.* )?\*?{function}\(", code, re.MULTILINE), function
    for struct in re.findall(r"\bstruct ([a-z_]+)", page):
        assert f"struct {struct} {{" in code, struct
    for path in re.findall(r"\b((?:src|tests|spec|docs|tools)/[\w./-]*\w)", page):
        assert list(ROOT.glob(path.rstrip("."))), path


def test_every_invariant_has_its_tests():
    """spec/invariants.md numbers its promises; each names tests, and each test is there and run."""
    promises = re.split(r"\n(?=\d+\. )", text("spec/invariants.md"))[1:]
    assert [int(promise.split(".")[0]) for promise in promises] == list(range(1, len(promises) + 1))
    assert len(promises) > 50
    for promise in promises:
        named = re.findall(r"`(tests/[\w/.]+)::(\w+)`", promise)
        assert named, promise
        for file, test in named:
            source = text(file)
            if file.endswith(".py"):
                assert re.search(rf"^def {test}\(", source, re.MULTILINE), f"{file}::{test}"
            else:  # defined, and called or listed
                assert re.search(rf"^{test}\(", source, re.MULTILINE), f"{file}::{test}"
                callers = "".join(p.read_text("utf-8") for p in ROOT.glob("tests/sim/*.c")) if "/sim/" in file else source
                assert len(re.findall(rf"\b{test}\b", callers)) > 1, f"{file}::{test} is never run"


def test_make_targets_are_there():
    """Every `make x` of the documents is a target."""
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    for document in DOCUMENTS:
        blocks = re.findall(r"```sh\n(.*?)```", document.read_text("utf-8"), re.DOTALL)
        for words in re.findall(r"`make ([a-z ]+)`", document.read_text("utf-8")):
            blocks.append(f"make {words}")
        for line in "\n".join(blocks).splitlines():
            if line.startswith("make "):
                assert set(re.findall(r"(?<= )[a-z]+(?= |$)", line)) <= targets, line


# The program


def test_the_api_is_the_one_described():
    """Routes of docs/api.md and of the route table are the same set."""
    code = text("src/api/api.c").replace("STAGE", '"/api/v1/projects/{project}/stages/{stage}"')
    lines = re.search(r"routes\[\] = \{\n(.*?)\n\};", code, re.DOTALL).group(1).splitlines()
    served = set()
    for line in lines:
        method = re.search(r"METHOD_(\w+)", line).group(1)
        served.add((method, "".join(re.findall(r'"([^"]*)"', line))))
    said = {(method, path.split("?")[0]) for method, path in re.findall(r"`(GET|POST|PUT|DELETE) (/\S*?)`", text("docs/api.md"))}
    said.add(("GET", "/api/v1/health"))
    assert said == served and len(said) > 15


def test_settings_are_the_ones_described():
    """docs/settings.md is what the program prints, and nothing uses a setting that it does not know."""
    printed = program("check", "--reference").stdout
    assert printed == text("docs/settings.md")
    known = set(re.findall(r"^\| `(SLIPWAY_\w+)`", printed, re.MULTILINE))
    given = {f"SLIPWAY_{name}" for name in ("PROJECT", "STAGE", "TAG", "DEPLOY", "INSTANCE")}  # to containers
    for path in [*DOCUMENTS, ROOT / "compose.yml", ROOT / "Dockerfile", *UNITS]:
        used = set(re.findall(r"\b(SLIPWAY_[A-Z_]*[A-Z])\b(?!_\.)", path.read_text("utf-8")))
        used = {name for name in used if name not in ("SLIPWAY_EDGE_", "SLIPWAY_")}
        assert used <= known | (given if path.name == "configuration.md" else set()), path.name


def test_commands_are_the_ones_described():
    """The README names every command of `slipway help`, and no page names another."""
    said = program("help").stdout
    known = set(re.findall(r"^  ([a-z]+) ", said.split("environment of")[0], re.MULTILINE))
    readme = section(text("README.md"), "Commands")
    assert set(re.findall(r"`slipway ([a-z]+)", readme)) == known and len(known) > 15
    for document in DOCUMENTS:
        page = document.read_text("utf-8")
        for words in re.findall(r"`slipway ([^`]+)`", page):
            words = words.split()
            if not words[0][0].islower():
                continue
            assert words[0] in known, f"{document.name}: slipway {words[0]}"
            help_text = program("help", words[0]).stdout
            for option in re.findall(r"--[a-z-]+", " ".join(words)):
                assert f"{option} " in help_text or f"{option}\n" in help_text, f"{document.name}: {words}"


def test_exit_codes_are_the_ones_described():
    """docs/operations.md has every exit code that the sources define."""
    described = {int(row[0]) for row in table(section(text("docs/operations.md"), "Exit codes"))}
    headers = text("src/cli/cli.h") + text("src/serve/serve.h") + text("src/store/db.h")
    defined = {int(number) for number in re.findall(r"\b(?:CLI|EXIT)_[A-Z_]+ = (\d+)", headers)}
    assert described == defined


def test_messages_are_the_ones_described():
    """What docs/operations.md explains is what the program says."""
    sources = "\n".join(path.read_text("utf-8") for path in ROOT.glob("src/*/*.c"))
    said = re.sub(r'"\s*\n?\s*"', "", sources).replace('\\"', '"') + "".join(text("docs/logs.md").splitlines())
    states = re.findall(r"X\((\w+)\)", text("src/actors/kinds.h"))
    told_by_the_system = {"Permission denied"}  # strerror()
    rows = table(section(text("docs/operations.md"), "When something is wrong"))
    assert len(rows) > 15
    for row in rows:
        for message in quoted(row[0]):
            for piece in re.split(r"\.\.\.[:.]?|:(?= \.\.\.)", message):
                piece = piece.strip(" {}:")
                if piece and piece not in told_by_the_system and piece not in states:
                    assert piece in said, piece


# slipway.yml


def test_every_key_is_described():
    """docs/configuration.md has each key of the schema in its table, with its default, and no other."""
    page = text("docs/configuration.md")
    defs = SCHEMA["$defs"]
    stage = {**defs["project"]["properties"], **defs["stage"]["properties"]}
    maps = {"Top level": SCHEMA["properties"],
            "engines": {**defs["engine"]["properties"], **defs["engine"]["properties"]["tls"]["properties"]},
            "registries": defs["registry"]["properties"],
            "proxies": defs["proxy"]["properties"],
            "webhook": defs["webhook"]["properties"],
            "projects and stages": stage,
            "health": defs["health"]["anyOf"][1]["properties"],
            "migration": defs["migration"]["anyOf"][1]["properties"],
            "hooks": {**defs["hooks"]["anyOf"][1]["properties"],
                      "swap_back": defs["hook_post_switch"]["anyOf"][1]["properties"]["swap_back"]}}
    for title, keys in maps.items():
        rows = {key: row for row in table(section(page, title)) for key in quoted(row[0])}
        assert set(rows) == set(keys), title
        for key, schema in keys.items():
            if "$ref" in schema:
                schema = {**defs[schema["$ref"].split("/")[-1]], **schema}
            if "default" in schema:
                default = schema["default"]
                default = str(default).lower() if isinstance(default, bool) else str(default)
                assert f"`{default}`" in rows[key][2], f"{title}: {key} has the default {default}"


def test_guarantees_are_the_ones_described():
    """docs/proxies.md promises what the program says, for each way, and no more."""
    said = re.sub(r'"\s*\n?\s*"', "", text("src/config/guarantee.c"))
    rows = table(section(text("docs/proxies.md"), "What each way guarantees"))
    assert len(rows) == 6
    for way, promise, reason in rows:
        assert f'"{way}"' in said and f'"{promise}"' in said and f'"{reason}"' in said, way
        found = re.search(rf'= \{{\s*(true|false),\s*"{re.escape(way)}",\s*(no_request_fails)?', said)
        assert (found.group(1) == "true") == (promise == "no request fails") == bool(found.group(2)), way


def test_the_pages_on_proxies_show_good_configurations(tmp_path):
    """Each example of docs/proxies.md, with a stage that uses it."""
    blocks = re.findall(r"```yaml\n(.*?)```", text("docs/proxies.md"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        name = re.search(r"^ {5}(\w+):$", block, re.MULTILINE).group(1)
        lines = "".join(line[3:] + "\n" for line in block.splitlines())
        path = tmp_path / f"{name}.yml"
        path.write_text(f"version: 1\n{lines}projects: {{a: {{image: r.example/a, port: 80, health: {{http: /}}, "
                        f"stages: {{x: {{tags: v, domains: [a.b], proxy: {name}}}}}}}}}\n", "utf-8")
        done = program("check", str(path))
        assert done.returncode == 0 and "0 warnings" in done.stdout and "no request fails" in done.stdout, done.stdout


def notifications_example():
    """The configuration that docs/notifications.md shows, with what its project needs besides."""
    block = re.search(r"```yaml\n(.*?)```", text("docs/notifications.md"), re.DOTALL).group(1)
    needed = "  shop:\n    image: r.example/a\n    port: 80\n    health: {http: /}\n    tags: v\n"
    return "version: 1\n" + block.replace("  shop:\n", needed)


def test_the_page_on_notifications_is_right(tmp_path):
    """Its example is good; its tables have every key and every event, with the default of each."""
    path = tmp_path / "slipway.yml"
    path.write_text(notifications_example(), "utf-8")
    done = program("check", str(path))
    assert done.returncode == 0 and "0 warnings" in done.stdout, done.stdout
    page = text("docs/notifications.md")
    keys = SCHEMA["$defs"]["receiver"]["properties"]
    rows = {key: row for row in table(section(page, "Set up")) for key in quoted(row[0])}
    assert set(rows) == set(keys) and "`false`" in rows["insecure"][2]
    assert {quoted(row[0])[0] for row in table(section(page, "Events"))} == set(keys["events"]["items"]["enum"])


def test_the_senders_are_the_ones_described(tmp_path):
    """docs/webhooks.md has each dialect that the receiver knows; its example is good."""
    known = re.findall(r'^\t\{ "([a-z ]+)",', text("src/triggers/dialects.c"), re.MULTILINE)
    said = [name for row in table(section(text("docs/webhooks.md"), "Senders")) for name in quoted(row[0])]
    assert sorted(said) == sorted(known) and len(said) > 10
    block = re.search(r"```yaml\n(.*?)```", text("docs/webhooks.md"), re.DOTALL).group(1)
    lines = "".join(line[3:] + "\n" for line in block.splitlines())
    path = tmp_path / "webhook.yml"
    path.write_text(f"version: 1\n{lines}    image: r.example/a\n    health: {{docker: true}}\n"
                    "    stages: {x: {tags: v}}\n", "utf-8")
    done = program("check", str(path))
    assert done.returncode == 0 and "0 warnings" in done.stdout, done.stdout


@pytest.mark.parametrize("page", ["docs/migrations.md", "docs/hooks.md"])
def test_the_page_on_tasks_shows_a_good_configuration(tmp_path, page):
    """Each example, with what a stage needs besides."""
    for block in re.findall(r"```yaml\n(.*?)```", text(page), re.DOTALL):
        path = tmp_path / "slipway.yml"
        path.write_text("version: 1\n" + block + "    image: registry.example.org/shop/web\n    health: {docker: true}\n"
                        "    stages: {production: {tags: \"v*\"}}\n", "utf-8")
        done = program("check", str(path))
        assert done.returncode == 0 and "0 warnings" in done.stdout, done.stdout


def test_the_readme_shows_a_good_configuration(tmp_path):
    """The example in the README is a slipway.yml without a fault or a warning."""
    path = tmp_path / "slipway.yml"
    path.write_text(re.search(r"```yaml\n(.*?)```", text("README.md"), re.DOTALL).group(1), "utf-8")
    done = program("check", str(path))
    assert done.returncode == 0 and "0 warnings" in done.stdout, done.stdout


# Commands

# Fenced commands that are not run here, each with what runs it or why it cannot be.
ELSEWHERE = {
    "make demo": "test_main_job.py",
    "make test": "runs this",
    "make build": "make test",
    "make check unit sim": "make test",
    "make sim SEED=286": "make test runs seeds; test_make_targets_are_there",
    "make fuzz-regress NAMES=store": "make test runs all of them",
    "sudo make install": "changes the machine; test_packaging.py",
    "sudo apt-get install -y libev4 libsqlite3-0 libcurl4 libyaml-0-2 libsodium23 libjansson4 libpcre2-8-0 haproxy":
        "changes the machine; test_packaging.py",
    "sudo systemctl disable --now haproxy": "needs systemd",
    "sudo useradd --system --home-dir /var/lib/slipway --groups docker slipway": "changes the machine",
    "sudo install -D -m 644 slipway.yml /etc/slipway/slipway.yml": "changes the machine",
    "sudo install -m 600 /dev/null /etc/slipway/environment": "changes the machine",
    'echo "SLIPWAY_TOKEN=$(openssl rand -hex 24)" | sudo tee /etc/slipway/environment > /dev/null':
        "changes the machine",
    "sudo install -m 644 deploy/systemd/slipway.service deploy/systemd/slipway-edge.service /etc/systemd/system/":
        "changes the machine; test_packaging.py",
    "sudo systemctl daemon-reload": "needs systemd",
    "sudo systemctl enable --now slipway-edge slipway": "needs systemd; test_packaging.py",
    "DOCKER_GROUP=$(stat -c %g /var/run/docker.sock) SLIPWAY_TOKEN=$(openssl rand -hex 24) docker compose up -d":
        "needs images of a registry; test_packaging.py",
    "sudo systemctl restart slipway": "needs systemd; test_packaging.py",
}


def commands_of(name):
    """Return the fenced commands of one page, in order."""
    return [line for block in re.findall(r"```sh\n(.*?)```", text(name), re.DOTALL)
            for line in block.splitlines() if line]


def test_every_command_is_run():
    """A command in a page is in ELSEWHERE, or is run by one of the tests below."""
    run_here = {*commands_of("README.md"), *commands_of("docs/secrets.md"), *commands_of("docs/notifications.md"),
                *commands_of("docs/retention.md"), *backup_commands()}
    everything = {command for document in DOCUMENTS for command in commands_of(str(document.relative_to(ROOT)))}
    assert everything - run_here - set(ELSEWHERE) == set()
    assert set(ELSEWHERE) - everything == set()


def backup_commands():
    """The two commands of docs/operations.md that make a backup and bring it back."""
    return [one for one in commands_of("docs/operations.md") if "slipway.db" in one]


@pytest.fixture(scope="module", name="parts")
def fixture_parts(tmp_path_factory):
    """A real engine and a real registry."""
    place = tmp_path_factory.mktemp("docs")
    with Engine(place / "docker") as engine, Registry(place / "registry") as registry:
        yield engine, registry


@pytest.fixture(name="shell")
def fixture_shell(tmp_path, parts):
    """A server for the commands of a page, not yet started."""
    with Shell(tmp_path / "slipway", *parts) as shell:
        yield shell


def make_certificates(shell, name="shop.example.org"):
    """A folder of certificates as the README wants it: each with its key in one file."""
    certificate, key = Authority(shell.directory / "authority").issue("edge", name, alternative=f"DNS:{name}")
    shell.certificates.mkdir(exist_ok=True)
    (shell.certificates / f"{name}.pem").write_bytes(certificate.read_bytes() + key.read_bytes())


def fingerprint(port):
    """The certificate that is served now."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "shop.example.org"],
                          input="", capture_output=True, text=True, timeout=20, check=False)
    shown = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END", done.stdout, re.DOTALL)
    return shown and shown.group(0)


def test_the_quick_start_runs(shell):
    """Every command of the README in its order: check, serve, push, deploy, webhook, rollback, HTTPS."""
    make_certificates(shell)
    printed = {}
    for command in commands_of("README.md"):
        if command in ELSEWHERE:
            continue
        printed[command] = shell.sh(command)
        if command.startswith("curl -H 'Content-Type"):  # the next command is typed when it is live
            shell.wait_live(json.loads(printed[command])["id"])
    assert "good" in printed["slipway check slipway.yml"]
    assert '"version":"v1"' in printed["curl -H 'Host: shop.example.org' http://127.0.0.1/"].replace(" ", "")
    assert "v2" in printed["slipway history shop"]
    wait_for(lambda: fingerprint(shell.tls_port), 20, "the edge to listen for HTTPS")
    seen = shell.sh(f"curl -sk --resolve shop.example.org:{shell.tls_port}:127.0.0.1"
                    f" https://shop.example.org:{shell.tls_port}/")
    assert '"version":"v1"' in seen.replace(" ", "")  # the rollback, now over HTTPS


def test_the_page_on_secrets(shell, tmp_path):
    """Its commands run, and its examples are good."""
    (shell.directory / "password.txt").write_text("hunter2\n", "ascii")
    shell.start()
    printed = {command: shell.sh(command) for command in commands_of("docs/secrets.md")}
    assert "shop-database" in printed["slipway secrets list"] and "hunter2" not in "".join(printed.values())
    assert "1 secret sealed anew" in printed["slipway secrets rotate"]
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", text("docs/secrets.md"), re.DOTALL)):
        stages = "" if "stages:" in block else "    stages: {x: {tags: v}}\n"
        lines = "".join(f" {line}\n" for line in block.splitlines())
        path = tmp_path / f"{number}.yml"
        path.write_text(f"version: 1\nprojects:\n  a:\n    image: r.example/a\n    health: none\n{lines}{stages}", "utf-8")
        assert program("check", str(path)).returncode == 0, program("check", str(path)).stdout


def _serving(shell):
    """The containers of what is live; those of the version before run on, warm."""
    live = shell.stage("shop/production")["live"]["deploy"]
    return shell.engine.api.containers(label=f"slipway.deploy={live}")


def test_backup_and_restore(shell):
    """The commands of docs/operations.md: a backup of the running server, restored after losing the store."""
    backup, restore = backup_commands()
    shell.start()
    shell.push("v1")
    shell.sh("slipway deploy shop/production v1 --wait")
    shell.sh(backup)
    with sqlite3.connect(shell.directory / "slipway.db") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert shell.terminate() == 0
    (shell.data / "slipway.db").write_bytes(b"lost")
    shell.sh(restore)
    shell.start()
    assert shell.stage("shop/production")["live"]["tag"] == "v1"
    shell.push("v2")
    shell.sh("slipway deploy shop/production v2 --wait")
    assert len(_serving(shell)) == 2  # v2, both replicas


def test_the_commands_of_notifications(shell):
    """Each command of docs/notifications.md, with the page's configuration."""
    with Receiver("webhook", "the key") as ops, Receiver("slack", "T/B/x") as chat:
        place = shell.directory / "slack_url"
        place.write_text(f"{chat.url}/services/T/B/x\n", "utf-8")
        shell.settings["OPS_KEY"] = "the key"
        shell.start()
        shown = notifications_example().replace("https://ops.example.org", ops.url)
        shown = shown.replace("/run/secrets/slack_url", str(place))
        engines = f'engines:\n  local: {{host: "{shell.engine.host}"}}\nprojects:\n'
        shell.config_file.write_text(shown.replace("projects:\n", engines), "utf-8")
        shell.sh("slipway apply slipway.yml")
        printed = {command: shell.sh(command) for command in commands_of("docs/notifications.md")}
        assert printed["slipway notify test shop/production"].count(" 200 ") == 2
        assert "ops" in printed["slipway notify receivers"]
        assert "nobody was told" in printed["slipway notify list shop --state given-up"]
        assert len(ops.requests) == len(chat.requests) == 1 and ops.faults == chat.faults == []


def test_the_commands_of_retention(shell):
    """Each command of docs/retention.md, with an id that there is and an image that is not on the engine yet."""
    shell.start()
    shell.push("v77")
    shell.sh("slipway deploy shop/production v77 --wait")
    live = shell.stage("shop/production")["live"]["deploy"]
    printed = {command: shell.sh(command.replace(" 12", f" {live}")) for command in commands_of("docs/retention.md")}
    assert f"it is live at shop/production (deploy {live})" in printed["slipway retention shop/production"]
    assert "0 images removed" in printed["slipway retention run"]
    assert "0 would go" in printed["slipway retention --keep-deploys 20 --keep-days 7"]
    assert "until it is unpinned" in printed["slipway retention pin 12"]
    listed = printed["slipway rollback shop/production --list"].splitlines()[1].split()
    assert listed[:2] == [str(live), "v77"] and "live" in listed and "engine" in listed


def test_a_change_of_the_configuration(shell):
    """As docs/configuration.md says: what is live stays, and the same tag brings the change."""
    shell.start()
    shell.push("v1")
    shell.sh("slipway deploy shop/production v1 --wait")
    shell.config_file.write_text(shell.config_file.read_text("utf-8").replace("replicas: 2", "replicas: 3"), "utf-8")
    assert "stage shop/production" in shell.sh("slipway apply slipway.yml --dry-run")
    assert not shell.stage("shop/production")["is_outdated"]
    shell.sh("slipway apply slipway.yml")
    assert shell.stage("shop/production")["is_outdated"]
    assert "configuration changed since" in shell.sh("slipway status")
    assert len(_serving(shell)) == 2
    shell.sh("slipway deploy shop/production v1 --wait")
    assert len(_serving(shell)) == 3
    assert not shell.stage("shop/production")["is_outdated"]
