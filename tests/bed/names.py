# SPDX-License-Identifier: MIT
"""A name server on loopback for proxies that look names up: it answers A questions from a dictionary.

Only what a proxy's resolver asks: UDP, one question, recursion or not; a name that is not in `addresses`
does not exist. Answers live `life_s` seconds.
"""
import socket
import socketserver
import struct
import threading

from .ports import free_port

TYPE_A = 1
REFUSED_NAME = 3


class NameServer:
    """Serves on `address` (127.0.0.1:port); `addresses` {name: IPv4} may change while it runs."""

    def __init__(self, life_s=1):
        self.addresses = {}
        self.questions = []
        self.life_s = life_s
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Begin to serve."""
        self._server = socketserver.UDPServer(("127.0.0.1", self.port), _Handler)
        self._server.names = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        """Stop serving."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, question):
        """Return the datagram that answers another."""
        number, labels, end = question[:2], [], 12
        while question[end]:
            labels.append(question[end + 1:end + 1 + question[end]].decode("ascii"))
            end += 1 + question[end]
        name, kind = ".".join(labels).lower(), struct.unpack_from("!H", question, end + 1)[0]
        self.questions.append(name)
        asked = question[12:end + 5]
        address = self.addresses.get(name)
        found = address if kind == TYPE_A else None
        flags = 0x8580 | (0 if address else REFUSED_NAME)
        head = number + struct.pack("!HHHHH", flags, 1, 1 if found else 0, 0, 0)
        if not found:
            return head + asked
        return head + asked + struct.pack("!HHHIH", 0xC00C, TYPE_A, 1, self.life_s, 4) + socket.inet_aton(found)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        data, reply = self.request
        reply.sendto(self.server.names.answer(data), self.client_address)
