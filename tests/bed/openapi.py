# SPDX-License-Identifier: MIT
"""spec/openapi.yaml as tests use it: its operations, its examples, and whether an answer is as it says."""
import json
import urllib.parse

import jsonschema
import yaml

from .slipway import ROOT

METHODS = ("get", "post", "put", "patch", "delete")


class Operation:
    """One method of one path; `parameters` by name, `responses` and `requests` with every $ref resolved once."""

    def __init__(self, document, path, method, item, said):
        self.document = document
        self.path = path
        self.method = method.upper()
        self.name = said["operationId"]
        self.is_open = {} in said.get("security", [])
        given = [*item.get("parameters", []), *said.get("parameters", [])]
        self.parameters = {one["name"]: one for one in map(document.resolve, given)}
        self.responses = {status: document.resolve(one) for status, one in said["responses"].items()}
        self.requests = said.get("requestBody", {}).get("content", {})

    def __str__(self):
        return f"{self.method} {self.path} ({self.name})"

    def body_schema(self):
        """The schema of a JSON body; None: this operation takes none, or describes it elsewhere."""
        schema = self.requests.get("application/json", {}).get("schema")
        schema = schema and self.document.resolve(schema)
        return schema if schema and schema.get("additionalProperties") is False else None

    def request_example(self, name):
        """(content type, value) of a body's example, or (None, None)."""
        for content_type, media in self.requests.items():
            if name in media.get("examples", {}):
                return content_type, media["examples"][name]["value"]
        return None, None

    def answer_examples(self):
        """Yield (status, content type, name, example)."""
        for status, response in self.responses.items():
            for content_type, media in response.get("content", {}).items():
                for name, example in media.get("examples", {}).items():
                    yield status, content_type, name, example

    def url(self, values, query=None):
        """The target with its path's parameters from `values`."""
        path = self.path
        for name in self.parameters:
            if "{" + name + "}" in path:
                path = path.replace("{" + name + "}", urllib.parse.quote(str(values[name]), safe=""))
        return path + ("?" + urllib.parse.urlencode(query) if query else "")

    def faults(self, status, content_type, answer):
        """What is wrong with an answer, in words; [] when it is as described."""
        response = self.responses.get(str(status), self.responses["default"] if status >= 400 else None)
        if response is None:
            return [f"{self}: the status {status} is not described"]
        media = response["content"].get(content_type)
        if media is None:
            return [f"{self}: {status} with {content_type!r} is not described"]
        return [f"{self}: {status}: {fault}" for fault in self.document.faults(media["schema"], answer)]


class OpenApi:
    """The document. Answers are judged strictly: a member that is not described is a fault."""

    def __init__(self, path=ROOT / "spec/openapi.yaml"):
        self.root = yaml.safe_load(path.read_text("utf-8"))
        self._strict = self._strictly(self.root["components"])
        self.operations = [Operation(self, path, method, item, item[method])
                           for path, item in self.root["paths"].items() for method in METHODS if method in item]

    def resolve(self, node):
        """What a $ref leads to, or the node itself."""
        while "$ref" in node:
            at = self.root
            for key in node["$ref"].removeprefix("#/").split("/"):
                at = at[key]
            node = at
        return node

    def faults(self, schema, value):
        """What is wrong with a value, in words."""
        whole = {**self._strictly(schema), "components": self._strict}
        return [f"{'/'.join(map(str, error.absolute_path)) or 'it'}: {error.message[:300]}"
                for error in jsonschema.Draft202012Validator(whole).iter_errors(value)]

    def _strictly(self, node):
        """Objects have no other members than they say; the parts of an allOf become one."""
        if isinstance(node, list):
            return [self._strictly(one) for one in node]
        if not isinstance(node, dict):
            return node
        made = {key: value if key in ("example", "examples") else self._strictly(value) for key, value in node.items()}
        for part in map(self.resolve, node.get("allOf", [])):
            made.pop("allOf", None)
            part = self._strictly(part)
            made["type"] = "object"
            made["required"] = [*made.get("required", []), *part.get("required", [])]
            made["properties"] = {**made.get("properties", {}), **part["properties"]}
        if made.get("type") == "object" and isinstance(made.get("properties"), dict):
            made.setdefault("additionalProperties", False)
        return made

    def check(self):
        """Raise when a schema is none, or an example is not what its schema says."""
        for operation in self.operations:
            for media in [*operation.requests.values(),
                          *(m for r in operation.responses.values() for m in r.get("content", {}).values())]:
                jsonschema.Draft202012Validator.check_schema(media["schema"])
            for status, content_type, name, example in operation.answer_examples():
                said = operation.faults(int(status), content_type, example["value"])
                assert said == [], f"example {name!r}: {said}"


def parsed(content):
    """A body as JSON when it is, else as text."""
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
