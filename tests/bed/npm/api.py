# SPDX-License-Identifier: MIT
"""The API of Nginx Proxy Manager: what comes in is checked as strictly, and refused in the same words.

In the order of the real one: first a token, if one came, must be good; then the body is checked; only
then does it matter whether there was a token and what its user may do.
"""
import email
import email.policy
import json
import re
import urllib.parse

from . import tokens as token_module
from .refusal import Refusal, internal

BAD_LOGIN = "Invalid email or password"
SETTINGS = [{"id": "default-site", "name": "Default Site", "description": "What to show when Nginx is hit with an "
             "unknown Host", "value": "congratulations", "meta": {}}]


class Request:
    """One request on its way: `path` without /api, `query`, `headers`, the raw body; later its user."""

    def __init__(self, method, target, headers, raw):
        url = urllib.parse.urlsplit(target)
        self.method = method
        self.path = url.path.removeprefix("/api")
        self.query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        self.headers = headers
        self.raw = raw
        self.user = None
        self.scope = None

    def expand(self):
        """The names to expand."""
        return tuple(self.query["expand"].split(",")) if "expand" in self.query else ()

    def body(self, version):
        """The body as a value. Without one, versions before 2.13 see an empty object."""
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if self.raw and kind == "application/json":
            try:
                value = json.loads(self.raw)
            except ValueError as fault:
                raise internal(400) from fault
            if not isinstance(value, (dict, list)):
                raise internal(400)
            return value
        if self.raw and kind == "application/x-www-form-urlencoded":
            return {name: values[0] for name, values in urllib.parse.parse_qs(self.raw.decode()).items()}
        if version.minor >= 13:
            raise Refusal(400, "Payload is undefined")
        return {}

    def files(self):
        """The files of a multipart body, by field."""
        head = f"Content-Type: {self.headers.get('Content-Type', '')}\r\n\r\n".encode()
        message = email.message_from_bytes(head + self.raw, policy=email.policy.default)
        if not message.is_multipart():
            raise internal(400)
        return {part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True).decode()
                for part in message.iter_parts()}


class Api:
    """Answers requests for one instance."""

    def __init__(self, version, store, tokens, hosts, certificates, access_lists):
        self.version = version
        self.store = store
        self.tokens = tokens
        self.hosts = hosts
        self.certificates = certificates
        self.access_lists = access_lists
        self._schemas = version.schemas()
        number = r"(\d+)"
        self._routes = [(method, re.compile(pattern), handler) for method, pattern, handler in (
            ("GET", "/", self._health),
            ("GET", "/schema", self._schema),
            ("POST", "/tokens", self._login),
            ("GET", "/tokens", self._refresh),
            ("POST", "/tokens/2fa", self._second_factor),
            ("GET", "/users/me", self._me),
            ("GET", "/settings", self._settings),
            ("GET", "/audit-log", self._audit),
            ("GET", "/nginx/proxy-hosts", self._host_list),
            ("POST", "/nginx/proxy-hosts", self._host_create),
            ("GET", f"/nginx/proxy-hosts/{number}", self._host_get),
            ("PUT", f"/nginx/proxy-hosts/{number}", self._host_update),
            ("DELETE", f"/nginx/proxy-hosts/{number}", self._host_delete),
            ("POST", f"/nginx/proxy-hosts/{number}/enable", self._host_enable),
            ("POST", f"/nginx/proxy-hosts/{number}/disable", self._host_disable),
            ("GET", "/nginx/certificates", self._certificate_list),
            ("POST", "/nginx/certificates", self._certificate_create),
            ("POST", "/nginx/certificates/validate", self._certificate_validate),
            ("GET", f"/nginx/certificates/{number}", self._certificate_get),
            ("POST", f"/nginx/certificates/{number}/upload", self._certificate_upload),
            ("DELETE", f"/nginx/certificates/{number}", self._certificate_delete),
            ("GET", "/nginx/access-lists", self._access_list_list),
            ("POST", "/nginx/access-lists", self._access_list_create),
            ("GET", f"/nginx/access-lists/{number}", self._access_list_get),
            ("DELETE", f"/nginx/access-lists/{number}", self._access_list_delete),
        )]

    def answer(self, request):
        """Return (status, value) for a request."""
        try:
            for method, pattern, handler in self._routes:
                found = pattern.fullmatch(request.path)
                if found and method == request.method:
                    self._look_at_token(request)
                    return handler(request, *map(int, found.groups()))
            raise self._nothing_here(request)
        except Refusal as refusal:
            return refusal.status, refusal.body()

    def _nothing_here(self, request):
        return Refusal(404, self.version.not_found(request.path))

    def _look_at_token(self, request):
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            return
        try:
            number, request.scope = self.tokens.read(token)
        except token_module.Expired as fault:
            i18n = {"name": "TokenExpiredError", "message": "jwt expired"} if self.version.minor >= 13 else None
            raise Refusal(self.version.auth_status, "Token has expired", i18n) from fault
        except token_module.Forged as fault:
            raise internal() from fault
        request.user = self.store.row("users", number)

    def _allowed(self, request, area=None, needs="view"):
        """Return the user when it may do this. Since 2.13 the refusal looks as if the path did not exist."""
        user = request.user
        if user and request.scope == "user" and not user["is_disabled"]:
            granted = user["permissions"].get(area)
            if area is None or "admin" in user["roles"] or granted == "manage" or granted == needs:
                return user
        if self.version.minor >= 13:
            raise self._nothing_here(request)
        raise Refusal(403, "Permission Denied")

    def _body(self, request, path):
        schema = self._schemas[path, request.method.lower()]
        value, errors = self.version.validator().check({"type": "object", **schema}, request.body(self.version))
        if errors:
            raise Refusal(400, ", ".join(errors))
        return value

    # What needs no account, and logins.

    def _health(self, _):
        release = dict(zip(("major", "minor", "revision"), self.version.release))
        setup = {"setup": bool(self.store.users)} if self.version.minor >= 13 else {}
        return 200, {"status": "OK", **setup, "version": release}

    def _schema(self, request):
        return 200, self.version.published(request.headers.get("Host", ""))

    def _given(self, number, life_s=86400):
        token, expires = self.tokens.give(number, life_s)
        return 200, {"token": token, "expires": expires}

    def _login(self, request):
        body = self._body(request, "/tokens")
        user, is_right = self.store.login(body["identity"], body["secret"])
        status, minor = self.version.auth_status, self.version.minor
        if not user:
            raise Refusal(status, BAD_LOGIN if minor >= 12 else "No relevant user found")
        if not is_right:
            raise Refusal(status, BAD_LOGIN if minor >= 12 else "Invalid password",
                          "error.invalid-auth" if minor >= 13 else None)
        if body.get("scope", "user") not in ("user", *user["roles"]):
            raise Refusal(status, f"Invalid scope: {body['scope']}")
        if self.version.has_two_factors and self.store.codes(user["id"]) is not None:
            token, _ = self.tokens.give(user["id"], token_module.CHALLENGE_S, "2fa-challenge")
            return 200, {"requires_2fa": True, "challenge_token": token}
        period = body.get("expiry", "1d")
        return self._given(user["id"], self._period_s(period))

    def _period_s(self, text):
        seconds = token_module.period_s(str(text))
        if seconds is None:
            raise Refusal(self.version.auth_status, f"Invalid expiry time: {text}")
        return seconds

    def _refresh(self, request):
        user = self._allowed(request)
        return self._given(user["id"], self._period_s(request.query.get("expiry", "1d")))

    def _second_factor(self, request):
        if not self.version.has_two_factors:
            raise self._nothing_here(request)
        body = self._body(request, "/tokens/2fa")
        try:
            number, scope = self.tokens.read(body["challenge_token"])
        except (token_module.Expired, token_module.Forged) as fault:
            raise Refusal(400, "Invalid or expired challenge token") from fault
        if scope != "2fa-challenge":
            raise Refusal(400, "Invalid challenge token")
        codes = self.store.codes(number)
        if body["code"] not in codes:
            raise Refusal(400, "Invalid verification code", "error.invalid-2fa")
        codes.remove(body["code"])
        return self._given(number)

    def _me(self, request):
        user = self._allowed(request)
        shown = self.store.public_user(user["id"])
        if "permissions" in request.expand():
            shown["permissions"] = user["permissions"]
        return 200, shown

    def _settings(self, request):
        self._allowed(request, "settings")
        return 200, SETTINGS

    def _audit(self, request):
        self._allowed(request, "audit")
        return 200, list(reversed(self.store.audit))

    # Hosts.

    def _host_list(self, request):
        user = self._allowed(request, "proxy_hosts")
        return 200, self.hosts.list(user, request.expand(), request.query.get("query"))

    def _host_create(self, request):
        body = self._body(request, "/nginx/proxy-hosts")
        return 201, self.hosts.create(self._allowed(request, "proxy_hosts", "manage"), body)

    def _host_get(self, request, number):
        return 200, self.hosts.get(self._allowed(request, "proxy_hosts"), number, request.expand())

    def _host_update(self, request, number):
        body = self._body(request, "/nginx/proxy-hosts/{hostID}")
        return 200, self.hosts.update(self._allowed(request, "proxy_hosts", "manage"), number, body)

    def _host_delete(self, request, number):
        return 200, self.hosts.delete(self._allowed(request, "proxy_hosts", "manage"), number)

    def _host_enable(self, request, number):
        return 200, self.hosts.enable(self._allowed(request, "proxy_hosts", "manage"), number)

    def _host_disable(self, request, number):
        return 200, self.hosts.disable(self._allowed(request, "proxy_hosts", "manage"), number)

    # Certificates and access lists.

    def _certificate_list(self, request):
        return 200, self.certificates.list(self._allowed(request, "certificates"))

    def _certificate_create(self, request):
        body = self._body(request, "/nginx/certificates")
        return 201, self.certificates.create(self._allowed(request, "certificates", "manage"), body)

    def _certificate_validate(self, request):
        return 200, self.certificates.validate(request.files())

    def _certificate_get(self, request, number):
        return 200, self.certificates.get(self._allowed(request, "certificates"), number)

    def _certificate_upload(self, request, number):
        files = request.files()
        return 200, self.certificates.upload(self._allowed(request, "certificates", "manage"), number, files)

    def _certificate_delete(self, request, number):
        return 200, self.certificates.delete(self._allowed(request, "certificates", "manage"), number)

    def _access_list_list(self, request):
        self._allowed(request, "access_lists")
        return 200, self.access_lists.list(request.expand())

    def _access_list_create(self, request):
        body = self._body(request, "/nginx/access-lists")
        return 201, self.access_lists.create(self._allowed(request, "access_lists", "manage"), body)

    def _access_list_get(self, request, number):
        self._allowed(request, "access_lists")
        return 200, self.access_lists.get(number, request.expand())

    def _access_list_delete(self, request, number):
        return 200, self.access_lists.delete(self._allowed(request, "access_lists", "manage"), number)
