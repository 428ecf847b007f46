# SPDX-License-Identifier: MIT
"""Proxy hosts: rows, and the files of nginx that follow them.

The order of things is that of the real one, for its faults are what a client must live with: the row is
written first; the host's file is deleted before the new one is written, and whoever reloads between the
two takes the host off; a file that nginx refuses stays deleted, and nginx is reloaded without the host,
with status 200; a fault of any other file, or an nginx that does not run, is a 500 after the row changed.
"""
from pathlib import Path

from .refusal import Refusal, internal
from .store import now

DEFAULTS = {"access_list_id": 0, "certificate_id": 0, "ssl_forced": False, "caching_enabled": False,
            "block_exploits": False, "advanced_config": "", "meta": {}, "allow_websocket_upgrade": False,
            "http2_support": False, "enabled": True, "locations": None, "hsts_enabled": False,
            "hsts_subdomains": False}
EXPANSIONS = ("owner", "certificate", "access_list")


def clean_tls(row):
    """What makes no sense without a certificate, or without the redirection to TLS, is switched off."""
    if not row["certificate_id"]:
        row["ssl_forced"] = row["http2_support"] = False
    if not row["ssl_forced"]:
        row["hsts_enabled"] = False
    if not row["hsts_enabled"]:
        row["hsts_subdomains"] = False
    return row


class Hosts:
    """The hosts of one instance. `user` is the account that asks; certificates are asked of `certificates`."""

    def __init__(self, version, store, nginx, renderer):
        self.version = version
        self.store = store
        self.nginx = nginx
        self.renderer = renderer
        self.certificates = None

    def file(self, number):
        """The nginx file of a host."""
        return Path(self.renderer.data) / "nginx" / "proxy_host" / f"{number}.conf"

    def _mine(self, user, row):
        return "admin" in user["roles"] or user["permissions"]["visibility"] == "all" \
            or row["owner_user_id"] == user["id"]

    def get(self, user, number, expand=()):
        """One host as the API shows it."""
        row = self.store.row("hosts", number)
        if not row or not self._mine(user, row):
            raise Refusal(404, self.version.not_found(number))
        return self.shown(self.expanded(row, expand))

    def list(self, user, expand=(), query=None):
        """All hosts that the user may see, in the order of their names."""
        rows = [row for row in self.store.rows("hosts") if self._mine(user, row)]
        if query:
            rows = [row for row in rows if query.lower() in str(row["domain_names"]).lower()]
        return [self.shown(self.expanded(row, expand)) for row in sorted(rows, key=lambda row: row["domain_names"])]

    def expanded(self, row, expand=EXPANSIONS):
        """A row with what it refers to; what does not exist (any more) is null."""
        if not set(expand) <= set(EXPANSIONS):
            raise internal()
        row = dict(row)
        if "owner" in expand:
            row["owner"] = self.store.public_user(row["owner_user_id"])
        if "certificate" in expand:
            row["certificate"] = self.store.row("certificates", row["certificate_id"])
        if "access_list" in expand:
            row["access_list"] = self.store.row("access_lists", row["access_list_id"])
        return row

    def shown(self, row):
        """A row as JSON has it: no secrets of the certificate; before 2.12 numbers for true and false."""
        row = dict(row)
        if row.get("certificate"):
            row["certificate"] = dict(row["certificate"], meta={})
        if row.get("access_list"):
            row["access_list"] = dict(row["access_list"], items=[
                dict(item, password="") for item in row["access_list"]["items"]])
        if not self.version.is_modern:
            row |= {flag: int(row[flag]) for flag in self.version.flags}
        return row

    def _check_names(self, names, but=None):
        taken = {name.lower() for row in self.store.rows("hosts") if row["id"] != but for name in row["domain_names"]}
        for name in names:
            if name.lower() in taken:
                raise Refusal(400, f"{name} is already in use")

    def create(self, user, body):
        """Insert a host and configure it. The answer's meta is of before nginx was asked."""
        wants_certificate = body.get("certificate_id") == "new"
        if wants_certificate:
            body.pop("certificate_id")
        self._check_names(body["domain_names"])
        defaults = DEFAULTS | ({"trust_forwarded_proto": False} if self.version.minor >= 14 else {})
        row = clean_tls({**defaults, **body, "owner_user_id": user["id"]})
        number = self.store.add("hosts", self._stored(row))["id"]
        if wants_certificate:
            certificate = self.certificates.create(user, {
                "provider": "letsencrypt", "domain_names": body["domain_names"], "meta": body.get("meta", {})})
            self.update(user, number, {"certificate_id": certificate["id"]})
        row = self.expanded(self.store.row("hosts", number))
        self._configure(row)
        self.store.record(user, "created", "proxy-host", number, body)
        return self.shown(row)

    @staticmethod
    def _stored(row):
        return {**row, "domain_names": sorted(row["domain_names"]), "certificate_id": int(row["certificate_id"])}

    def update(self, user, number, body):
        """Write the columns given over the row as it was when the request came, and configure the host."""
        if "domain_names" in body:
            self._check_names(body["domain_names"], number)
        row = self.store.row("hosts", number)
        if not row or not self._mine(user, row):
            raise Refusal(404, self.version.not_found(number))
        if body.get("certificate_id") == "new":
            certificate = self.certificates.create(user, {
                "provider": "letsencrypt", "domain_names": body.get("domain_names", row["domain_names"]),
                "meta": {**row["meta"], **body.get("meta", {})}})
            body["certificate_id"] = certificate["id"]
        self.store.write("hosts", number, self._stored(clean_tls({**row, **body})))
        self.store.record(user, "updated", "proxy-host", number, body)
        row = self.expanded(self.store.row("hosts", number))
        if row["enabled"]:
            row["meta"] = self._configure(row)
        return self.shown(row)

    def delete(self, user, number):
        """Take a host away."""
        self.get(user, number)
        self.store.remove("hosts", number)
        self.file(number).unlink(missing_ok=True)
        self.reload()
        self.store.record(user, "deleted", "proxy-host", number, {})
        return True

    def enable(self, user, number):
        """Switch a host on."""
        if self.get(user, number)["enabled"]:
            raise Refusal(400, "Host is already enabled")
        self.store.write("hosts", number, {"enabled": True})
        self._configure(self.expanded(self.store.row("hosts", number)))
        self.store.record(user, "enabled", "proxy-host", number, {})
        return True

    def disable(self, user, number):
        """Switch a host off; unlike enabled:false in an update this takes its file away."""
        if not self.get(user, number)["enabled"]:
            raise Refusal(400, "Host is already disabled")
        self.store.write("hosts", number, {"enabled": False})
        self.file(number).unlink(missing_ok=True)
        self.reload()
        self.store.record(user, "disabled", "proxy-host", number, {})
        return True

    def write_file(self, row):
        """Write a host's file; what the row does not carry (certificate, access list) is left out of it."""
        self.file(row["id"]).write_text(self.renderer.host(row), "utf-8")

    def reload(self):
        """Test and reload nginx; 500 when either fails."""
        if self.nginx.test() is not None or self.nginx.reload() is not None:
            raise internal()

    def _configure(self, row):
        if self.nginx.test() is not None:
            raise internal()
        file = self.file(row["id"])
        file.unlink(missing_ok=True)
        self.write_file(row)
        fault = self.nginx.test()
        meta = {**row["meta"], "nginx_online": fault is None, "nginx_err": fault}
        self.store.write("hosts", row["id"], {"meta": meta, "modified_on": now()})
        if fault is not None:
            file.unlink(missing_ok=True)
        self.reload()
        return meta
