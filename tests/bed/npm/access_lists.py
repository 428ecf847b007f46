# SPDX-License-Identifier: MIT
"""Access lists: who may pass, by password or by address."""
import subprocess
from pathlib import Path

from .refusal import Refusal, internal


class AccessLists:
    """The access lists of one instance."""

    def __init__(self, hosts):
        self.hosts = hosts
        self.store = hosts.store
        self._directory = Path(hosts.renderer.data) / "access"

    def shown(self, row, expand=()):
        """A list as the API shows it, passwords blotted out; items and clients when they are asked for."""
        used = sum(host["access_list_id"] == row["id"] for host in self.store.rows("hosts"))
        row = {**row, "proxy_host_count": used}
        items, clients = row.pop("items"), row.pop("clients")
        if "items" in expand:
            row["items"] = [{**item, "password": "", "hint": item["password"][:1] + "*" * 7} for item in items]
        if "clients" in expand:
            row["clients"] = clients
        return row

    def list(self, expand=()):
        """All of them, by name."""
        rows = sorted(self.store.rows("access_lists"), key=lambda row: row["name"])
        return [self.shown(row, expand) for row in rows]

    def get(self, number, expand=()):
        """One of them."""
        row = self.store.row("access_lists", number)
        if not row:
            raise Refusal(404, self.hosts.version.not_found(number))
        return self.shown(row, expand)

    def create(self, user, body):
        """Insert a list and write its passwords where nginx reads them."""
        if "items" not in body:
            raise internal()
        row = self.store.add("access_lists", {
            "owner_user_id": user["id"], "name": body["name"], "meta": {},
            "satisfy_any": body.get("satisfy_any", False), "pass_auth": body.get("pass_auth", False),
            "items": body["items"], "clients": body.get("clients", [])})
        lines = []
        for item in row["items"]:
            done = subprocess.run(["openssl", "passwd", "-apr1", "-stdin"], input=item["password"], text=True,
                                  capture_output=True, check=True)
            lines.append(f"{item['username']}:{done.stdout.strip()}\n")
        (self._directory / str(row["id"])).write_text("".join(lines), "utf-8")
        self.store.record(user, "created", "access-list", row["id"], {"name": row["name"]})
        return self.shown(row, ("items", "clients"))

    def delete(self, user, number):
        """Take a list away; its hosts are open from then on."""
        self.get(number)
        self.store.remove("access_lists", number)
        for host in self.store.rows("hosts"):
            if host["access_list_id"] == number:
                self.store.write("hosts", host["id"], {"access_list_id": 0})
                self.hosts.write_file(self.hosts.expanded(self.store.row("hosts", host["id"])))
        self.hosts.reload()
        (self._directory / str(number)).unlink(missing_ok=True)
        self.store.record(user, "deleted", "access-list", number, {})
        return True
