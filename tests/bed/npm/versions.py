# SPDX-License-Identifier: MIT
"""What Nginx Proxy Manager 2.9 to 2.15 accept, and where they differ, as its published schemas say.

| since | what changed for a client |
|---|---|
| 2.9 | one error at a time; 401 for wrong logins, 403 "Permission Denied"; booleans come as 0 and 1; 15 domains |
| 2.11 | 100 domains |
| 2.12 | all errors at once, names checked for odd characters; true and false; tokens take no unknown property |
| 2.13 | 400 for wrong logins and old tokens, 404 for what is not permitted; two factors; `setup` in the health |
| 2.14 | trust_forwarded_proto |
"""
from dataclasses import dataclass

from .validator import Validator

RELEASES = {"2.9": (2, 9, 22), "2.10": (2, 10, 4), "2.11": (2, 11, 3), "2.12": (2, 12, 6), "2.13": (2, 13, 7),
            "2.14": (2, 14, 0), "2.15": (2, 15, 1)}
OLD_DOMAIN = r"^(?:\*\.)?(?:[^.*]+\.?)+[^.]$"
NEW_DOMAIN = r"^[^&| @!#%^();:/\\}{=+?<>,~`'" + r'"]+$'
FLAGS = ("ssl_forced", "caching_enabled", "block_exploits", "allow_websocket_upgrade", "http2_support", "enabled",
         "hsts_enabled", "hsts_subdomains")
ADDRESS = r"^(all|([0-9]{1,3}\.){3}[0-9]{1,3}(/([0-9]|[1-2][0-9]|3[0-2]))?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/[0-9]{1,3})?)$"

TEXT = {"type": "string"}
BOOLEAN = {"type": "boolean"}
ID = {"type": "integer", "minimum": 0}


def _closed(required, properties, **more):
    return {"type": "object", "additionalProperties": False, "required": list(required),
            "properties": properties, **more}


@dataclass(frozen=True)
class Version:
    """One minor version, at its last release."""
    name: str

    @property
    def release(self):
        """(major, minor, revision)."""
        return RELEASES[self.name]

    @property
    def minor(self):
        """The number that differs."""
        return self.release[1]

    @property
    def is_modern(self):
        """Whether bodies are checked as since 2.12."""
        return self.minor >= 12

    @property
    def auth_status(self):
        """The status for wrong logins and old tokens."""
        return 400 if self.minor >= 13 else 401

    @property
    def has_two_factors(self):
        """Whether an account can ask for a second factor."""
        return self.minor >= 13

    @property
    def flags(self):
        """The columns of a host that are true or false."""
        return (*FLAGS, "trust_forwarded_proto") if self.minor >= 14 else FLAGS

    def validator(self):
        """What checks bodies."""
        return Validator(self.is_modern)

    def not_found(self, what):
        """The words for something that does not exist."""
        return f"Not Found - {what}" if self.minor >= 13 else f"Item Not Found - {what}"

    def domain_names(self):
        """The schema of a list of domains."""
        if not self.is_modern:
            return {"type": "array", "maxItems": 100 if self.minor >= 11 else 15, "uniqueItems": True,
                    "items": {"type": "string", "pattern": OLD_DOMAIN}}
        return {"type": "array", "minItems": 1, "maxItems": 100, "uniqueItems": True,
                "items": {"type": "string", "pattern": NEW_DOMAIN}}

    def _host(self):
        scheme = {"type": "string", "enum": ["http", "https"]}
        host = {"type": "string", "minLength": 1, "maxLength": 255}
        port = {"type": "integer", "minimum": 1, "maximum": 65535}
        location = _closed(("forward_scheme", "forward_host", "forward_port", "path"), {
            "id": {"type": ["integer", "null"]}, "path": {"type": "string", "minLength": 1},
            "forward_scheme": scheme, "forward_host": host, "forward_port": port, "forward_path": TEXT,
            "advanced_config": TEXT})
        return {"domain_names": self.domain_names(), "forward_scheme": scheme, "forward_host": host,
                "forward_port": port, "certificate_id": {"anyOf": [ID, {"type": "string", "pattern": "^new$"}]},
                "access_list_id": ID, "advanced_config": TEXT, "meta": {"type": "object"},
                "locations": {"type": "array", "minItems": 0, "items": location},
                **{flag: BOOLEAN for flag in self.flags}}

    def _certificate_meta(self):
        meta = {"dns_challenge": BOOLEAN, "dns_provider": TEXT, "dns_provider_credentials": TEXT,
                "propagation_seconds": ID}
        if self.minor < 13:
            meta |= {"letsencrypt_email": TEXT, "letsencrypt_agree": BOOLEAN}
        if self.is_modern:
            filled = {"type": "string", "minLength": 1}
            meta |= {"certificate": filled, "certificate_key": filled, "letsencrypt_certificate": {"type": "object"}}
        if self.minor >= 13:
            meta["key_type"] = {"type": "string", "enum": ["rsa", "ecdsa"]}
        return _closed((), meta)

    def schemas(self):
        """{(path, method): schema of the body}."""
        host, filled = self._host(), {"type": "string", "minLength": 1}
        strict = {"additionalProperties": False} if self.is_modern else {}
        login = {"identity": filled, "secret": filled, "scope": {**filled, "enum": ["user"]}} if self.is_modern \
            else {"identity": TEXT, "secret": TEXT, "scope": TEXT}
        item = _closed((), {"username": filled, "password": TEXT})
        client = _closed((), {"address": {"type": "string", "pattern": ADDRESS},
                              "directive": {"type": "string", "enum": ["allow", "deny"]}})
        names = {**self.domain_names()}
        names.pop("minItems", None)
        schemas = {
            ("/tokens", "post"): {"type": "object", "required": ["identity", "secret"], "properties": login, **strict},
            ("/nginx/proxy-hosts", "post"): _closed(
                ("domain_names", "forward_scheme", "forward_host", "forward_port"), host),
            ("/nginx/proxy-hosts/{hostID}", "put"): _closed((), host, **(
                {"minProperties": 1} if self.is_modern else {})),
            ("/nginx/certificates", "post"): _closed(("provider",), {
                "provider": {"type": "string", "pattern": "^(letsencrypt|other)$"}, "nice_name": TEXT,
                "domain_names": names, "meta": self._certificate_meta()}),
            ("/nginx/access-lists", "post"): _closed(("name",), {
                "name": filled, "satisfy_any": BOOLEAN, "pass_auth": BOOLEAN,
                "items": {"type": "array", "items": item}, "clients": {"type": "array", "items": client}}),
        }
        if self.has_two_factors:
            schemas["/tokens/2fa", "post"] = _closed(("challenge_token", "code"), {
                "challenge_token": filled, "code": {"type": "string", "minLength": 6, "maxLength": 8}})
        return schemas

    def published(self, address):
        """What GET /api/schema answers: since 2.12 it has every body, before that it has none of hosts."""
        paths = {}
        for (path, method), schema in self.schemas().items():
            if self.is_modern or not path.startswith("/nginx/"):
                paths.setdefault(path, {})[method] = {"requestBody": {"content": {"application/json": {
                    "schema": schema}}}}
        return {"openapi": "3.1.0" if self.is_modern else "3.0.0",
                "info": {"title": "Nginx Proxy Manager API", "version": ".".join(map(str, self.release))},
                "servers": [{"url": f"http://{address}/api"}], "paths": paths}
