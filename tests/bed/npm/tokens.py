# SPDX-License-Identifier: MIT
"""Tokens that live one day and cannot be taken back one by one, as Nginx Proxy Manager gives them.

They look like its tokens (three parts of base64url) and are signed with a key of this instance alone;
what is in them is no concern of a client. Changing the key, or moving the clock, ends all of them.
"""
import base64
import hashlib
import hmac
import json
import re
import secrets
import time

UNITS_S = {"y": 31536000, "Q": 7776000, "M": 2592000, "w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
CHALLENGE_S = 300


class Expired(Exception):
    """The token was good."""


class Forged(Exception):
    """The token is none, or not of this instance."""


def _encoded(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def period_s(text):
    """Return the seconds of a period such as "1d" or "30m", None when it is none."""
    parts = re.fullmatch(r"(\d+)(y|Q|M|w|d|h|m|s|ms)", text)
    return int(parts[1]) * UNITS_S[parts[2]] if parts else None


class Tokens:
    """Gives tokens and looks at those that come back."""

    def __init__(self):
        self._key = secrets.token_bytes(32)
        self._ahead_s = 0
        self.given = 0

    def now_s(self):
        """The clock that tokens are judged by."""
        return time.time() + self._ahead_s

    def advance(self, seconds):
        """Let so much time pass for all tokens."""
        self._ahead_s += seconds

    def change_key(self):
        """End all tokens: they are forged from now on."""
        self._key = secrets.token_bytes(32)

    def _signature(self, text):
        return _encoded(hmac.new(self._key, text.encode(), hashlib.sha256).digest())

    def give(self, user, life_s=86400, scope="user"):
        """Return (token, when it ends as text)."""
        ends_s = self.now_s() + life_s
        claims = {"iss": "api", "attrs": {"id": user}, "scope": [scope], "exp": ends_s, "jti": secrets.token_hex(8)}
        text = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        self.given += 1
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ends_s))
        return f"{text}.{self._signature(text)}", f"{stamp}.{int(ends_s * 1000) % 1000:03}Z"

    def read(self, token):
        """Return (user, scope) of a token; raises Expired or Forged."""
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(text).encode()):
            raise Forged
        claims = json.loads(_decoded(text.split(".")[1]))
        if claims["exp"] <= self.now_s():
            raise Expired
        return claims["attrs"]["id"], claims["scope"][0]
