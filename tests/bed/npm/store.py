# SPDX-License-Identifier: MIT
"""The rows of Nginx Proxy Manager: users, hosts, certificates, access lists, what was done.

Rows are handed out as copies and written back whole, without a transaction, as the real one does: two
that change one host at the same time lose one of the changes.
"""
import copy
import hashlib
import secrets
import threading
import time

MANAGE = ("proxy_hosts", "redirection_hosts", "dead_hosts", "streams", "access_lists", "certificates")


def now():
    """A time as rows have it: whole seconds."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())


def digest(secret):
    """What is kept of a password."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Store:
    """Everything that outlives a request."""

    def __init__(self):
        self.users = {}
        self.hosts = {}
        self.certificates = {}
        self.access_lists = {}
        self.audit = []
        self._secrets = {}
        self._lock = threading.Lock()
        self._last_ids = {}

    def add(self, table, row):
        """Insert a row and return its copy, with id and times."""
        with self._lock:
            rows = getattr(self, table)
            number = self._last_ids.get(table, 0) + 1
            self._last_ids[table] = number
            rows[number] = {"id": number, "created_on": now(), "modified_on": now(), **copy.deepcopy(row)}
            return copy.deepcopy(rows[number])

    def row(self, table, number):
        """Return a copy of a row, None when there is none."""
        with self._lock:
            return copy.deepcopy(getattr(self, table).get(number))

    def rows(self, table):
        """Return copies of all rows."""
        with self._lock:
            return copy.deepcopy(list(getattr(self, table).values()))

    def write(self, table, number, row, is_quiet=False):
        """Write columns of a row that is still there; `is_quiet` keeps the time of its last change."""
        with self._lock:
            if number in getattr(self, table):
                stamp = {} if is_quiet else {"modified_on": now()}
                getattr(self, table)[number].update(copy.deepcopy(row) | stamp)

    def remove(self, table, number):
        """Take a row away."""
        with self._lock:
            return getattr(self, table).pop(number, None)

    def record(self, user, action, kind, number, meta):
        """Add a line to the audit log."""
        with self._lock:
            self.audit.append({"id": len(self.audit) + 1, "created_on": now(), "modified_on": now(),
                               "user_id": user["id"], "object_type": kind, "object_id": number,
                               "action": action, "meta": copy.deepcopy(meta)})

    def add_user(self, email, secret, roles, permissions, has_two_factors):
        """Insert an account; `permissions` as {"visibility": "all", "proxy_hosts": "manage", ...}."""
        user = self.add("users", {
            "is_disabled": False, "email": email.lower().strip(), "name": email.partition("@")[0],
            "nickname": email.partition("@")[0], "avatar": "", "roles": list(roles),
            "permissions": {"visibility": "user", **{name: "manage" for name in MANAGE}, **permissions}})
        codes = [secrets.token_hex(4) for _ in range(8)] if has_two_factors else None
        self._secrets[user["id"]] = {"password": digest(secret), "codes": codes}
        return user["id"]

    def login(self, email, secret):
        """Return (user or None, whether the password is right)."""
        user = next((one for one in self.rows("users") if one["email"] == email.lower().strip()
                     and not one["is_disabled"]), None)
        return user, bool(user) and self._secrets[user["id"]]["password"] == digest(secret)

    def codes(self, number):
        """The codes of the second factor that are left, None for an account without."""
        return self._secrets[number]["codes"]

    def public_user(self, number):
        """A user as others see it."""
        user = self.row("users", number)
        return {name: value for name, value in user.items() if name != "permissions"} if user else None
