"""spec/config.schema.json against slipway.example.yml and against the table of bad files.

tests/unit/test_config.c reads the same table with the real parser, so both refuse the same files
wherever a schema can tell.
"""

import json
import pathlib
import re

import jsonschema
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "spec/config.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def read_cases():
    """The cases of the table: (who must refuse, name, file)."""
    text = (ROOT / "tests/unit/config_cases.txt").read_text()
    for block in re.split(r"^== ", text, flags=re.M)[1:]:
        head, _, rest = block.partition("\n")
        who, _, name = head.partition(": ")
        body = "".join(line for line in rest.splitlines(True) if not line.startswith("! "))
        yield who, name, re.sub(r"\n\n$", "\n", body)


CASES = list(read_cases())


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_example_is_valid():
    example = yaml.safe_load((ROOT / "slipway.example.yml").read_text())
    assert [error.message for error in VALIDATOR.iter_errors(example)] == []


def test_example_shows_every_key():
    """A key that the schema knows and the example never shows is undocumented."""
    text = (ROOT / "slipway.example.yml").read_text()
    defs = SCHEMA["$defs"]
    maps = [SCHEMA, defs["engine"], defs["engine"]["properties"]["tls"], defs["registry"],
            defs["receiver"],
            defs["project"], defs["stage"], defs["health"]["anyOf"][1]]
    keys = {key for one in maps for key in one["properties"]}
    assert {key for key in keys if not re.search(rf"\b{key}:", text)} == set()


def test_table_is_there():
    assert len(CASES) > 150


@pytest.mark.parametrize("body", [body for who, _, body in CASES if who == "schema"],
                         ids=[name for who, name, _ in CASES if who == "schema"])
def test_schema_refuses(body):
    assert not VALIDATOR.is_valid(yaml.safe_load(body))


@pytest.mark.parametrize("body", [
    "version: 1\nprojects: {}\n",
    "version: 1\nengines:\nregistries:\nprojects:\n",
    "version: 1\nprojects: {a: {image: r.io/a, health: none, stages: {x: }}}\n",
    "version: 1\nprojects: {a: {image: '[::1]:5000/a_b/c__d-e.f', health: {http: '/a?b=1'}, port: 1,"
    " stages: {x: {cpus: 2, memory: 1GB, poll: 0s, env: {A: 1.10, B: ''}, volumes: ['/:/h:ro']}}}}\n",
    "version: 1\nengines: {e: {host: 'tcp://[::1]:2376', reach: published, publish_address: '::1'}}\n"
    "projects: {}\n",
])
def test_schema_accepts(body):
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(body))] == []
