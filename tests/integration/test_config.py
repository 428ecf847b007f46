# SPDX-License-Identifier: MIT
"""Configuration as code on a real server: out as a file, in again, what differs, and who was first."""
import json

import pytest

from bed.scene import Scene
from bed.slipway import ROOT, Slipway

EXAMPLE = (ROOT / "slipway.example.yml").read_text("utf-8")
FOLDERS = {"SLIPWAY_ALLOW_VOLUME_PATHS": "/srv/shop"}  # that it mounts
YAML = {"Content-Type": "application/yaml"}
DIFFERENT, CONFLICT = 1, 5
TWO = """version: 1
engines: {local: {host: "unix:///nonexistent/docker.sock"}}
projects:
  shop:
    image: r.example.org/shop
    health: {tcp: true}
    port: 80
    stages:
      production: {tags: "v*", env: {SECRET: "a: b # \\"c\\""}}
      staging: {auto: false}
"""


@pytest.fixture(name="server")
def fixture_server(tmp_path):
    """A server whose engine is away: nothing is deployed here."""
    with Slipway(tmp_path / "server", TWO, edge=False) as server:
        yield server


def test_exported_and_imported_it_is_the_same_to_the_byte(tmp_path):
    """Everything that the example shows, into a server that knows nothing."""
    with Slipway(tmp_path / "one", EXAMPLE, edge=False, **FOLDERS) as one:
        first = one.run("export").stdout
        assert first.startswith("version: 1\n") and "regex: \"^v(?<version>.*)$\"" in first
        said = one.run("apply", write(tmp_path / "first.yml", first)).stdout
        assert said == "nothing to change\n"
        assert one.run("diff", tmp_path / "first.yml").returncode == 0
        part = one.run("export", "queue").stdout
    assert "queue:" in part and "shop:" not in part
    with Slipway(tmp_path / "two", first, edge=False, **FOLDERS) as two:
        assert two.run("export").stdout == first
        assert two.run("diff", write(tmp_path / "part.yml", part)).returncode == 0
        missing = two.run("export", "nope")
        assert missing.returncode == 3 and "there is no project 'nope'" in missing.stderr


def write(path, text):
    """Write a file and return its path."""
    path.write_text(text, "utf-8")
    return path


def test_no_secret_is_exported(tmp_path):
    """Where passwords are is told, and what they are is not."""
    password = write(tmp_path / "password", "hunter2-of-the-registry")
    config = TWO.replace("projects:", f"registries: {{r.example.org: {{username: ci, password_file: {password}}}}}\n"
                         "projects:")
    with Slipway(tmp_path / "server", config, edge=False) as server:
        said = server.run("export").stdout
        assert f"password_file: {password}" in said and "hunter2" not in said
        assert server.get("/api/v1/projects/shop")["webhook_path"].split("/")[-1] not in said


def test_a_diff_tells_each_key(server):
    """What is new, what goes and what changes; and that nothing was done."""
    other = TWO.replace("port: 80", "port: 8080").replace("{auto: false}", "{poll: 30s}").replace('"v*"', '"w*"')
    path = write(server.directory / "other.yml", other)
    done = server.run("diff", path)
    assert done.returncode == DIFFERENT
    assert done.stdout == ('change  stage shop/production\n  ~ port: 80 -> 8080\n  ~ tags: "v*" -> "w*"\n'
                           'change  stage shop/staging\n  ~ port: 80 -> 8080\n  - auto: false\n  + poll: 30s\n')
    assert json.loads(server.run("diff", path, "--json").stdout)["changes"] == 2
    assert "port: 80\n" in server.run("export").stdout
    assert server.run("diff", server.config_file).stdout == "nothing to change\n"


def test_nobody_undoes_what_he_has_not_seen(server):
    """Two people begin from the same configuration: the second is told."""
    status, headers, _ = server.call("GET", "/api/v1/config")
    tag = headers["ETag"]
    assert status == 200 and headers["Content-Type"].startswith("application/yaml")
    mine, theirs = TWO.replace("port: 80", "port: 81"), TWO.replace("port: 80", "port: 82")
    status, headers, done = server.call("POST", "/api/v1/apply", mine, headers={**YAML, "If-Match": tag})
    assert status == 200 and done["changes"] == 2 and done["etag"] == headers["ETag"] != tag
    status, headers, refused = server.call("POST", "/api/v1/apply", theirs, headers={**YAML, "If-Match": tag})
    assert status == 412 and refused["error"]["code"] == "CHANGED" and headers["ETag"] == done["etag"]
    assert "port: 81\n" in server.run("export").stdout
    path = write(server.directory / "theirs.yml", theirs)
    assert server.run("apply", path, "--if-match", tag).returncode == CONFLICT
    assert server.run("apply", path, "--if-match", done["etag"]).returncode == 0
    assert "port: 82\n" in server.run("export").stdout


def test_the_tag_outlives_a_restart(server):
    """What was read before a restart may be the condition after it."""
    before = server.call("GET", "/api/v1/config")[1]["ETag"]
    assert server.terminate() == 0
    server.start()
    assert server.call("GET", "/api/v1/config")[1]["ETag"] == before


def test_a_plan_says_what_waits_for_a_deploy(tmp_path):
    """What only chooses versions holds at once; what the containers are made from does not."""
    with Scene(tmp_path) as scene, scene.app(stage="tags: v1", edge=False) as app:
        scene.push(app, "v1")
        text = app.config_file.read_text("utf-8")
        path = write(app.directory / "next.yml", text.replace("tags: v1", 'tags: "v*"'))
        assert app.run("diff", path).stdout == f'change  stage {app.stage_name}\n  ~ tags: v1 -> "v*"\n'
        more = write(app.directory / "more.yml", text.replace("tags: v1", 'tags: v1, env: {A: "1"}'))
        assert "(what is live" not in app.run("diff", more).stdout
        app.live("v1")
        assert "(what is live" not in app.run("diff", path).stdout
        assert "(what is live takes it with its next deploy)\n  + env.A: \"1\"\n" in app.run("diff", more).stdout
