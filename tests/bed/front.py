# SPDX-License-Identifier: MIT
"""A way for traffic to come in, for those who try all of them: the edge alone, or Nginx Proxy Manager or Caddy
before it or straight to the containers."""
from pathlib import Path

from .caddy import Caddy
from .npm import NginxProxyManager
from .ports import free_port

WAYS = ("edge", "npm-edge", "npm-direct", "caddy-edge", "caddy-direct")
EMAIL = "slipway@example.com"
PASSWORD = "a-password-for-the-proxy"


class Front:
    """A context manager. `configuration` is the text for slipway.yml before its projects, `stage` what a stage
    says of it, `settings` what the server needs in its environment, and address() where visitors come in."""

    def __init__(self, directory, way):
        self.way = way
        self.kind, _, self.path = way.partition("-")
        self.proxy = None
        self.stage = "" if way == "edge" else f", proxy: {self.kind}"
        self.settings = {}
        self.more = ""  # further lines of the proxy in slipway.yml
        directory = Path(directory)
        if self.kind == "npm":
            self.proxy = NginxProxyManager(directory)
            self.settings = {"PROXY_PASSWORD": PASSWORD}
        elif self.kind == "caddy":
            self.proxy = Caddy(directory)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Start the proxy."""
        if self.proxy:
            self.proxy.start()
        if self.kind == "npm":
            self.proxy.account(EMAIL, PASSWORD)
        return self

    def stop(self):
        """Stop it; may be called again."""
        if self.proxy:
            self.proxy.stop()

    @property
    def configuration(self):
        """The part `proxies` of slipway.yml."""
        if self.kind == "npm":
            return f"""proxies:
  npm:
    npm: http://{self.proxy.api_address}
    way: {self.path}
    username: {EMAIL}
    password_env: PROXY_PASSWORD
    entry: http://127.0.0.1:{self.proxy.http_port}
    https_entry: https://127.0.0.1:{self.proxy.https_port}
{self.more}"""
        if self.kind == "caddy":
            names = f"\n    names: 127.0.0.1:{free_port()}" if self.path == "direct" else ""
            return f"""proxies:
  caddy:
    caddy: http://{self.proxy.admin_address}
    way: {self.path}
    server: edge
    entry: http://127.0.0.1:{self.proxy.http_port}{names}
{self.more}"""
        return ""

    def address(self, slipway):
        """Where visitors of a server's apps come in."""
        return f"127.0.0.1:{self.proxy.http_port}" if self.proxy else slipway.edge_address
