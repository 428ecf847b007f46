# SPDX-License-Identifier: MIT
"""Checks a request's body against a JSON schema as Nginx Proxy Manager does, down to the words of its refusals.

It knows two ways: of versions up to 2.11 (one error, the first) and of later ones (all errors). Both
turn values into the type that the schema names when they can: "8080" is a port, 1 is true. The one
idea: what is accepted, and what it then is, is as much part of the API as the schema itself.
"""
import re

OLD_WORDS = {"must": "should", "short": "NOT be shorter than {} characters", "long": "NOT be longer than {} characters",
             "any": "match some schema in anyOf"}
NEW_WORDS = {"must": "must", "short": "NOT have fewer than {} characters", "long": "NOT have more than {} characters",
             "any": "match a schema in anyOf"}


class _FirstError(Exception):
    """Ends the check where only the first error counts."""


class Validator:
    """`check` returns the value with its types made right, and the list of errors."""

    def __init__(self, is_modern):
        self.is_modern = is_modern
        self._words = NEW_WORDS if is_modern else OLD_WORDS
        self._errors = []

    def check(self, schema, value):
        """Return (value, errors); the value is of use only when there are no errors."""
        self._errors = []
        try:
            value = self._walk(schema, value, ())
        except _FirstError:
            pass
        return value, self._errors

    def _refuse(self, path, text):
        self._errors.append(f"data{self._place(path)} {self._words['must']} {text}")
        if not self.is_modern:
            raise _FirstError

    def _place(self, path):
        if self.is_modern:
            return "".join(f"/{step}" for step in path)
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)

    def _walk(self, schema, value, path):
        types = schema.get("type")
        if types:
            types = types if isinstance(types, list) else [types]
            fits, value = coerced(value, types)
            if not fits:
                self._refuse(path, f"be {','.join(types)}")
                return value
        if "enum" in schema and value not in schema["enum"]:
            self._refuse(path, "be equal to one of the allowed values")
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self._number(schema, value, path)
        elif isinstance(value, str):
            self._text(schema, value, path)
        elif isinstance(value, list):
            self._array(schema, value, path)
        elif isinstance(value, dict):
            self._object(schema, value, path)
        if "anyOf" in schema:
            value = self._any(schema["anyOf"], value, path)
        return value

    def _number(self, schema, value, path):
        if value < schema.get("minimum", value):
            self._refuse(path, f"be >= {schema['minimum']}")
        if value > schema.get("maximum", value):
            self._refuse(path, f"be <= {schema['maximum']}")

    def _text(self, schema, value, path):
        if len(value) > schema.get("maxLength", len(value)):
            self._refuse(path, self._words["long"].format(schema["maxLength"]))
        if len(value) < schema.get("minLength", 0):
            self._refuse(path, self._words["short"].format(schema["minLength"]))
        if "pattern" in schema and not re.search(schema["pattern"], value):
            self._refuse(path, f"match pattern \"{schema['pattern']}\"")

    def _array(self, schema, value, path):
        if len(value) > schema.get("maxItems", len(value)):
            self._refuse(path, f"NOT have more than {schema['maxItems']} items")
        if len(value) < schema.get("minItems", 0):
            self._refuse(path, f"NOT have fewer than {schema['minItems']} items")
        for index, one in enumerate(value):
            value[index] = self._walk(schema.get("items", {}), one, (*path, index))
        if schema.get("uniqueItems"):
            self._unique(value, path)

    def _unique(self, value, path):
        for later in range(len(value) - 1, 0, -1):
            for earlier in range(later - 1, -1, -1):
                if value[later] == value[earlier]:
                    self._refuse(path, f"NOT have duplicate items (items ## {earlier} and {later} are identical)")
                    return

    def _object(self, schema, value, path):
        properties = schema.get("properties", {})
        if len(value) < schema.get("minProperties", 0):
            self._refuse(path, f"NOT have fewer than {schema['minProperties']} properties")
        for name in schema.get("required", ()):
            if name not in value:
                self._refuse(path, f"have required property '{name}'")
        for name in value:
            if schema.get("additionalProperties") is False and name not in properties:
                self._refuse(path, "NOT have additional properties")
        for name, one in properties.items():
            if name in value:
                value[name] = self._walk(one, value[name], (*path, name))

    def _any(self, branches, value, path):
        """Later versions try every branch even after one has fitted, and each may change the type: a number
        that fitted leaves as text when a branch for text comes after."""
        kept, fitted, errors = self._errors, False, []
        for branch in branches:
            self._errors = []
            try:
                value = self._walk(branch, value, path)
            except _FirstError:
                pass
            errors += self._errors
            fitted = fitted or not self._errors
            if fitted and not self.is_modern:
                break
        self._errors = kept
        if not fitted:
            self._errors += errors
            self._refuse(path, self._words["any"])
        return value


def _is_of(value, kind):
    if kind == "integer":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "array": list, "object": dict,
                              "null": type(None)}[kind])


def coerced(value, types):
    """Return (whether it fits, the value as one of the types)."""
    for kind in types:
        if _is_of(value, kind):
            return True, int(value) if kind == "integer" else value
    for kind in types:
        made = _made(value, kind)
        if made is not None or (kind == "null" and value in ("", 0, False)):
            return True, made
    return False, value


def _made(value, kind):
    if kind == "string" and not isinstance(value, (list, dict)):
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if kind in ("number", "integer"):
        return _number_of(value, kind)
    if kind == "boolean":
        return {"false": False, "0": False, "None": False, "true": True, "1": True}.get(
            value if value in ("true", "false") else str(value) if value in (0, 1, None) else None)
    return None


def _number_of(value, kind):
    if value is None or isinstance(value, bool):
        return int(value or 0)
    if not isinstance(value, str) or not re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", value):
        return None
    number = float(value)
    if kind == "integer" and number != int(number):
        return None
    return int(number) if number == int(number) else number
