# SPDX-License-Identifier: MIT
"""A small mail server that takes nothing but what RFC 5321, 3207 and 4954 allow."""
import base64
import re
import socketserver
import ssl
import threading
from email import policy
from email.parser import BytesParser

from .ports import free_port

LINE_MAX = 1000  # RFC 5321, 4.5.3.1.6, with its CR LF


class _Session(socketserver.StreamRequestHandler):
    """One connection; the state is what was said so far."""

    def setup(self):
        super().setup()
        self.server.mail.connections.append(self.connection)
        self.is_secure = self.server.mail.is_tls_first
        self.name = None
        self.user = None
        self.sender = None
        self.recipients = []

    def say(self, line):
        """One line of a reply."""
        self.wfile.write(line.encode("ascii") + b"\r\n")
        self.wfile.flush()

    def hear(self):
        """The next line without its end; None: the client went, or does not end its lines as it should."""
        line = self.rfile.readline(LINE_MAX + 1)
        if not line:
            return None
        if not line.endswith(b"\r\n") or len(line) > LINE_MAX:
            self.server.mail.faults.append(f"a line of {len(line)} bytes without CR LF: {line[:60]}")
            return None
        return line[:-2]

    def handle(self):
        mail = self.server.mail
        if self.is_secure:
            self.secure()
        self.say("220 mail.example ESMTP")
        while (line := self.hear()) is not None:
            verb, _, rest = line.decode("utf-8", "replace").partition(" ")
            action = getattr(self, f"do_{verb.lower()}", None)
            mail.commands.append(verb.upper())
            if action is None:
                self.say("502 5.5.1 not implemented")
            elif action(rest) == "quit":
                return

    def secure(self):
        """TLS from here on."""
        self.connection = self.server.mail.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.is_secure = True

    def do_ehlo(self, name):
        """Extensions."""
        self.name = name
        mail = self.server.mail
        extensions = ["mail.example", "8BITMIME", "SIZE 1000000"]
        if mail.context and not self.is_secure and mail.offers_tls:
            extensions.append("STARTTLS")
        if self.is_secure:
            extensions.append("AUTH PLAIN")
        for number, line in enumerate(extensions):
            self.say(f"250{' ' if number == len(extensions) - 1 else '-'}{line}")

    def do_starttls(self, _):
        """RFC 3207: what was said before is forgotten."""
        self.say("220 go ahead")
        self.secure()
        self.name = None

    def do_auth(self, words):
        """PLAIN, over TLS only."""
        kind, _, given = words.partition(" ")
        if not self.is_secure or kind != "PLAIN":
            return self.say("538 5.7.11 encryption required")
        if not given:
            self.say("334 ")
            given = (self.hear() or b"").decode()
        _, user, password = base64.b64decode(given).decode().split("\0")
        if (user, password) != self.server.mail.login:
            return self.say("535 5.7.8 authentication credentials invalid")
        self.user = user
        return self.say("235 2.7.0 welcome")

    def do_mail(self, words):
        """MAIL FROM."""
        found = re.match(r"^FROM:<([^<>\s]+@[^<>\s]+)>( (SIZE=\d+|BODY=8BITMIME))*$", words)
        mail = self.server.mail
        if self.name is None or not found:
            return self.say("503 5.5.1 EHLO first, and an address")
        if mail.login and not self.user:
            return self.say("530 5.7.0 authentication required")
        self.sender, self.recipients = found.group(1), []
        return self.say("250 2.1.0 ok")

    def do_rcpt(self, words):
        """RCPT TO."""
        found = re.match(r"^TO:<([^<>\s]+@[^<>\s]+)>$", words)
        if self.sender is None or not found:
            return self.say("503 5.5.1 MAIL first, and an address")
        answer = self.server.mail.refuse(found.group(1))
        if not answer.startswith("2"):
            return self.say(answer)
        self.recipients.append(found.group(1))
        return self.say("250 2.1.5 ok")

    def do_data(self, _):
        """The message, up to a line with a dot alone."""
        if not self.recipients:
            return self.say("503 5.5.1 RCPT first")
        self.say("354 go on")
        lines = []
        while (line := self.hear()) is not None and line != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.mail.take(self, b"\r\n".join(lines) + b"\r\n")
        return self.say("250 2.0.0 queued")

    def do_quit(self, _):
        """Goodbye."""
        self.say("221 2.0.0 bye")
        return "quit"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class MailServer:
    """On 127.0.0.1:`port`; a context manager. `context` is for TLS, `login` a pair of name and password.

    `messages` are those that were taken, parsed, with `envelope`: sender, recipients, user, is_secure.
    """

    def __init__(self, context=None, login=None, is_tls_first=False, offers_tls=True):
        self.context = context
        self.login = login
        self.is_tls_first = is_tls_first
        self.offers_tls = offers_tls
        self.port = free_port()
        self.messages = []
        self.commands = []
        self.faults = []
        self.refusals = []  # the next answers to RCPT
        self.connections = []
        self._server = None

    def __enter__(self):
        self._server = _Server(("127.0.0.1", self.port), _Session)
        self._server.mail = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def refuse(self, recipient):
        """What is said to a recipient."""
        return self.refusals.pop(0) if self.refusals else f"250 {recipient}"

    def take(self, session, raw):
        """Keep a message; what its parser complains of is a fault."""
        message = BytesParser(policy=policy.default).parsebytes(raw)
        for part in message.walk():
            self.faults.extend(str(defect) for defect in part.defects)
        for line in raw.split(b"\r\n"):
            if len(line) > 78 or any(byte > 126 for byte in line):
                self.faults.append(f"a line that is long or not ASCII: {line[:90]}")
        message.envelope = (session.sender, session.recipients, session.user, session.is_secure)
        self.messages.append(message)


def server_context(certificate, key):
    """A context for TLS from files of Authority.issue()."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
