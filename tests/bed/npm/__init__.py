# SPDX-License-Identifier: MIT
"""A Nginx Proxy Manager for tests: its API as its schema and sources tell it, in front of a real nginx.

What is real: nginx, its configuration files, its reloads, TLS, every request through it. What is made up:
the API's server, its rows, and Let's Encrypt. It follows the real one in what a client must cope with:
strict bodies, odd statuses, tokens of one day, updates without a transaction, the host that is deleted when
nginx refuses it. versions.py says what differs between 2.9 and 2.15. Start with manager.py.
"""
from .manager import NginxProxyManager

__all__ = ["NginxProxyManager"]
