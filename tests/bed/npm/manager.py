# SPDX-License-Identifier: MIT
"""The instance as tests have it: its addresses, what a person does in its pages, and how it fails.

Every request to the API, by whichever address, passes the fault proxy `api`: its `exchanges` are the log
of all requests, and its rules make the n-th next request of a method and path go wrong.
"""
import contextlib
import itertools
import json
import signal
from pathlib import Path

from ..fault_proxy import Fault, FaultProxy
from ..names import NameServer
from ..nginx import Nginx
from ..ports import free_port
from .access_lists import AccessLists
from .api import Api
from .certificates import Certificates
from .hosts import Hosts
from .render import Renderer
from .server import Server
from .store import Store
from .tokens import Tokens
from .versions import Version

FOLDERS = ("access", "cache", "custom_ssl", "letsencrypt/live", "letsencrypt-acme-challenge", "logs", "www",
           "nginx/custom", "nginx/proxy_host", "nginx/temp")
DEFAULT_PAGE = "This is the default page: no host has this name.\n"
WRITES = ("POST", "PUT", "DELETE")


class NginxProxyManager:
    """A context manager. Addresses are 127.0.0.1:port:

    `api_address`: the API itself; `admin_address`: the same through nginx, as port 81 of the real one has
    it (a reload closes idle connections there, an nginx that is down takes it along); `http_port`,
    `https_port`: the sites. The base of the API is http://ADDRESS/api. `names.addresses` is what names of
    targets resolve to, `certificates.authority.certificate` is who signs.
    """

    def __init__(self, directory, version="2.15"):
        self.directory = Path(directory)
        self.data = self.directory / "data"
        self.version = Version(version)
        self.http_port, self.https_port, self._admin_port, server_port = (free_port() for _ in range(4))
        self._server = Server(server_port)
        self.api = FaultProxy(self._server.address)
        self.api_address = self.api.address
        self.admin_address = f"127.0.0.1:{self._admin_port}"
        self.names = NameServer()
        for folder in FOLDERS:
            (self.data / folder).mkdir(parents=True, exist_ok=True)
        (self.data / "www" / "index.html").write_text(DEFAULT_PAGE, "ascii")
        self.nginx = Nginx(self.directory / "nginx")
        self.renderer = Renderer(self.nginx, self.data, self.http_port, self.https_port, self._admin_port,
                                 self.api_address, self.names.address)
        self.store = Store()
        self.tokens = Tokens()
        self.hosts = Hosts(self.version, self.store, self.nginx, self.renderer)
        self.certificates = Certificates(self.hosts, self.http_port, self.directory / "authority")
        self.hosts.certificates = self.certificates
        self._api = Api(self.version, self.store, self.tokens, self.hosts, self.certificates,
                        AccessLists(self.hosts))
        self._person = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Start everything."""
        self.nginx.configuration.write_text(self.renderer.base(), "utf-8")
        self.names.start()
        self._server.start(self._api)
        self.api.start()
        self.nginx.start()
        return self

    def stop(self):
        """Stop everything; may be called again."""
        self.api.stop()
        self._server.stop()
        self.nginx.stop()
        self.names.stop()

    def restart(self):
        """What a restart of the container does: API and nginx are gone for a moment, rows and files stay,
        and so does the key of the tokens."""
        self._server.stop()
        self.nginx.stop()
        self.nginx.start()
        self._server.start(self._api)

    @contextlib.contextmanager
    def api_down(self):
        """The API's server does not run; nginx does."""
        self._server.stop()
        try:
            yield
        finally:
            self._server.start(self._api)

    @contextlib.contextmanager
    def nginx_down(self, number=signal.SIGTERM):
        """nginx does not run; the API does."""
        self.nginx.stop(number)
        try:
            yield
        finally:
            self.nginx.start()

    # Accounts and tokens.

    def account(self, email, secret, roles=("admin",), has_two_factors=False, **permissions):
        """Add an account; returns its id. One without the role admin may have permissions: visibility="all",
        proxy_hosts="view", certificates="hidden", ..."""
        return self.store.add_user(email, secret, roles, permissions, has_two_factors)

    def codes(self, user):
        """The one-time codes of an account with two factors."""
        return list(self.store.codes(user))

    def disable_account(self, user):
        """Disable an account: its tokens stay good and may do nothing."""
        self.store.write("users", user, {"is_disabled": True})

    def expire_tokens(self):
        """Let a day pass for all tokens."""
        self.tokens.advance(86401)

    def revoke_tokens(self):
        """Change the key: all tokens that were given are forged from now on."""
        self.tokens.change_key()

    # What a person does in the pages. It takes the same way as the API, but is not among its exchanges.

    def _person_of_the_pages(self):
        if not self._person:
            self._person = self.account("person@example.com", "a-person-for-tests-only")
        return self.store.row("users", self._person)

    def host(self, domain, forward_host="127.0.0.1", forward_port=80, forward_scheme="http", **more):
        """Add a host for a domain, or a list of them, and wait until nginx serves it; returns its row."""
        domains = [domain] if isinstance(domain, str) else domain
        row = self.hosts.create(self._person_of_the_pages(), {
            "domain_names": domains, "forward_scheme": forward_scheme, "forward_host": forward_host,
            "forward_port": forward_port, **more})
        self.nginx.wait_reloaded()
        return self.row(row["id"])

    def edit(self, number, **columns):
        """Change a host as a person does; returns its row."""
        self.hosts.update(self._person_of_the_pages(), number, columns)
        return self.row(number)

    def delete(self, number):
        """Delete a host as a person does."""
        self.hosts.delete(self._person_of_the_pages(), number)

    def disable(self, number):
        """Switch a host off as a person does."""
        self.hosts.disable(self._person_of_the_pages(), number)

    def enable(self, number):
        """Switch it on again."""
        self.hosts.enable(self._person_of_the_pages(), number)

    def certificate(self, *names):
        """Ask for a Let's Encrypt certificate; returns its row."""
        meta = {"letsencrypt_email": "person@example.com", "letsencrypt_agree": True} if self.version.minor < 13 else {}
        return self.certificates.create(self._person_of_the_pages(), {
            "provider": "letsencrypt", "domain_names": list(names), "meta": meta})

    def access_list(self, name="people", items=(("reader", "a-password-for-tests-only"),), clients=(), **more):
        """Add an access list; returns its row. `clients` are (directive, address)."""
        return self._api.access_lists.create(self._person_of_the_pages(), {
            "name": name, "items": [{"username": one, "password": other} for one, other in items],
            "clients": [{"directive": one, "address": other} for one, other in clients], **more})

    def row(self, number):
        """A host's row, None when there is none."""
        return self.store.row("hosts", number)

    def find(self, domain):
        """The row of the host that has a domain, None when there is none."""
        return next((row for row in self.store.rows("hosts") if domain in row["domain_names"]), None)

    def file(self, number):
        """The path of a host's nginx file."""
        return self.hosts.file(number)

    # How it fails.

    def fault(self, **rule):
        """Add a rule for the API (see Fault); returns it."""
        return self.api.add(Fault(**rule))

    def answer(self, status, message="Internal Error", **rule):
        """Let requests be answered with an error in the words of the real one, without doing anything."""
        body = json.dumps({"error": {"code": status, "message": message}}).encode()
        return self.fault(status=status, body=body, headers={"Content-Type": "application/json; charset=utf-8"}, **rule)

    def break_nginx(self):
        """Put a fault into a file of nginx that is no host's: every test of its configuration fails."""
        (self.data / "nginx" / "custom" / "http.conf").write_text("no_such_directive on;\n", "ascii")

    def mend_nginx(self):
        """Take it away again."""
        (self.data / "nginx" / "custom" / "http.conf").unlink()

    # What came.

    def requests(self, method=None, path=""):
        """The exchanges of a method whose path begins so (without /api)."""
        return [one for one in list(self.api.exchanges) if method in (None, one.method)
                and one.path.partition("?")[0].startswith("/api" + path)]

    def writes(self):
        """The exchanges that were to change something: all but reads and logins."""
        return [one for one in self.requests() if one.method in WRITES and not one.path.startswith("/api/tokens")]

    def overlaps(self):
        """Pairs of requests that the API had at the same time, one of which was to change something."""
        passed = [one for one in self.requests() if one.was_passed]
        return [(one, other) for one, other in itertools.combinations(passed, 2)
                if {one.method, other.method} & set(WRITES)
                and (one.ended_s is None or other.began_s < one.ended_s)]
