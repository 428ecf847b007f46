# SPDX-License-Identifier: MIT
"""Certificates: asked for at a local authority that plays Let's Encrypt, or uploaded.

The authority checks as the real one does: it fetches the challenge over HTTP from nginx, by each name.
While it does, hosts with those names are off, as with the real one, and come back without what their
rows only refer to (certificate, access list) until they are next configured.
"""
import http.client
import re
import secrets
import subprocess
import time
from pathlib import Path

from ..certificates import Authority
from ..wait import NotInTime, wait_for
from .refusal import Refusal, internal

FILES = ("certificate", "certificate_key", "intermediate_certificate")
DNS_PROVIDERS = ("cloudflare", "desec", "digitalocean", "duckdns", "hetzner", "ovh", "rfc2136", "route53")


def _openssl(*arguments, text=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=text, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


class Certificates:
    """The certificates of one instance. `refused` are names that the authority never gives a certificate,
    `delay_s` is how long it takes at least."""

    def __init__(self, hosts, http_port, directory):
        self.hosts = hosts
        self.store = hosts.store
        self.authority = Authority(directory, "slipway test letsencrypt")
        self.refused = set()
        self.delay_s = 0
        self._http_port = http_port
        self._data = Path(hosts.renderer.data)

    def list(self, user):
        """All that the user may see, by name."""
        sees_all = "admin" in user["roles"] or user["permissions"]["visibility"] == "all"
        rows = [row for row in self.store.rows("certificates") if sees_all or row["owner_user_id"] == user["id"]]
        return sorted(rows, key=lambda row: row["nice_name"])

    def get(self, user, number):
        """One of them."""
        for row in self.list(user):
            if row["id"] == number:
                return row
        raise Refusal(404, self.hosts.version.not_found(number))

    def create(self, user, body):
        """Insert a certificate, and ask for it when it is Let's Encrypt's; a failure leaves no row."""
        names = body.get("domain_names", [])
        if body["provider"] == "letsencrypt" and not names:
            raise internal()
        row = self.store.add("certificates", {
            "owner_user_id": user["id"], "provider": body["provider"], "expires_on": "2000-01-01 00:00:00",
            "nice_name": ", ".join(names) if names else body.get("nice_name", ""),
            "domain_names": sorted(names), "meta": body.get("meta", {})})
        if row["provider"] == "letsencrypt":
            try:
                self._request(row)
            except Exception:
                self.store.remove("certificates", row["id"])
                raise
        self.store.record(user, "created", "certificate", row["id"], body)
        return self.store.row("certificates", row["id"])

    def _request(self, row):
        meta, version = row["meta"], self.hosts.version
        if version.minor < 13 and not (meta.get("letsencrypt_email") and meta.get("letsencrypt_agree")):
            raise internal()
        names = {name.lower() for name in row["domain_names"]}
        used = [host for host in self.store.rows("hosts") if names & {one.lower() for one in host["domain_names"]}]
        for host in used:
            self.hosts.file(host["id"]).unlink(missing_ok=True)
        challenge = self._data / "nginx" / "temp" / f"letsencrypt_{row['id']}.conf"
        try:
            if meta.get("dns_challenge"):
                self.hosts.reload()
                if meta.get("dns_provider") not in DNS_PROVIDERS:
                    raise internal()
            else:
                challenge.write_text(self.hosts.renderer.request(row["domain_names"]), "utf-8")
                self.hosts.reload()
                self._prove(row["domain_names"])
            self._issue(row)
            challenge.unlink(missing_ok=True)
            self.hosts.reload()
            self._bring_back(used)
        except Exception:
            challenge.unlink(missing_ok=True)
            self._bring_back(used)
            self.hosts.reload()
            raise

    def _bring_back(self, hosts):
        for host in hosts:
            self.hosts.write_file(host)

    def _prove(self, names):
        token = secrets.token_urlsafe(16)
        place = self._data / "letsencrypt-acme-challenge" / ".well-known" / "acme-challenge"
        place.mkdir(parents=True, exist_ok=True)
        (place / token).write_text(token, "ascii")
        begin_s = time.monotonic()
        try:
            for name in names:
                if name in self.refused or "*" in name:
                    raise internal()
                wait_for(lambda one=name: self._fetch(one, token) == token and
                         time.monotonic() - begin_s >= self.delay_s, self.delay_s + 10, f"the challenge of {name}")
        except NotInTime as late:
            raise internal() from late
        finally:
            (place / token).unlink()

    def _fetch(self, name, token):
        connection = http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=5)
        try:
            connection.request("GET", f"/.well-known/acme-challenge/{token}", headers={"Host": name})
            return connection.getresponse().read().decode("utf-8", "replace")
        finally:
            connection.close()

    def _issue(self, row):
        names = row["domain_names"]
        if self.refused & set(names):
            raise internal()
        certificate, key = self.authority.issue(f"npm-{row['id']}", names[0], alternative=",".join(
            f"DNS:{name}" for name in names))
        folder = Path(self.hosts.renderer.certificate_folder(row))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "fullchain.pem").write_bytes(certificate.read_bytes() + self.authority.certificate.read_bytes())
        (folder / "privkey.pem").write_bytes(key.read_bytes())
        self.store.write("certificates", row["id"], {"expires_on": self._looked_at(certificate.read_text("ascii"))[0]})

    @staticmethod
    def _looked_at(text):
        """Return (when it ends, its common name) of a certificate, refusing what is none."""
        said = _openssl("x509", "-noout", "-enddate", "-subject", "-nameopt", "sep_multiline", text=text)
        if said is None:
            raise Refusal(400, "Certificate is not valid")
        ends = time.strptime(re.search(r"notAfter=(.*) GMT", said)[1], "%b %d %H:%M:%S %Y")
        name = re.search(r"CN ?= ?(.*)", said)
        return time.strftime("%Y-%m-%d %H:%M:%S", ends), name[1].strip() if name else None

    def validate(self, files):
        """What POST .../validate answers."""
        return {name: self._key_is_good(text) if name == "certificate_key" else
                dict(zip(("expires_on", "cn"), self._looked_at(text))) for name, text in files.items() if name in FILES}

    @staticmethod
    def _key_is_good(text):
        if _openssl("pkey", "-noout", "-check", text=text) is None:
            raise Refusal(400, "Certificate Key is not valid")
        return True

    def upload(self, user, number, files):
        """Put the files of an own certificate in place; nginx is not told."""
        row = self.get(user, number)
        if row["provider"] != "other":
            raise Refusal(400, "Cannot upload certificates for this type of provider")
        files = {name: text for name, text in files.items() if name in FILES}
        if "certificate" not in files:
            raise Refusal(400, "Certificate file was not provided")
        self.validate(files)
        ends, name = self._looked_at(files["certificate"])
        meta = {**row["meta"], **files}
        self.store.write("certificates", number, {"expires_on": ends, "domain_names": [name] if name else [],
                                                  "meta": meta})
        folder = Path(self.hosts.renderer.certificate_folder(row))
        folder.mkdir(parents=True, exist_ok=True)
        chain = [meta["certificate"], meta.get("intermediate_certificate")]
        (folder / "fullchain.pem").write_text("\n".join(part for part in chain if part), "utf-8")
        (folder / "privkey.pem").write_text(meta.get("certificate_key", ""), "utf-8")
        return files

    def delete(self, user, number):
        """Take a certificate away. Hosts go on naming it; one of Let's Encrypt loses its files as well, and
        then nginx refuses every configuration until those hosts are written anew."""
        row = self.get(user, number)
        self.store.remove("certificates", number)
        self.store.record(user, "deleted", "certificate", number, {})
        if row["provider"] == "letsencrypt":
            for name in ("fullchain.pem", "privkey.pem"):
                (Path(self.hosts.renderer.certificate_folder(row)) / name).unlink(missing_ok=True)
        return True
