# SPDX-License-Identifier: MIT
"""What outlasts a swap: a WebSocket, a long answer, a request that is held back; and what became of them.

Both go to the test app through any proxy, and know which version has answered.
"""
import http.client
import os
import socket
import struct
import threading

TEXT, CLOSE = 0x1, 0x8


class WebSocket:
    """A WebSocket to the app's echo; a context manager. `version` is who accepted it."""

    def __init__(self, host, address, path="/ws", timeout_s=10):
        name, port = address.split(":")
        self._socket = socket.create_connection((name, int(port)), timeout_s)
        self._socket.sendall((f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                              ).encode())
        self._input = self._socket.makefile("rb")
        status = self._input.readline().decode("latin-1")
        headers = http.client.parse_headers(self._input)
        if " 101 " not in status:
            self.close()
            raise ConnectionError(f"no WebSocket: {status.strip()}")
        self.version = headers["App-Version"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def echo(self, text):
        """Send a text of up to 125 bytes and return what comes back; ConnectionError when it was closed."""
        data, mask = text.encode(), os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self._socket.sendall(bytes([0x80 | TEXT, 0x80 | len(data)]) + mask + masked)
        kind, data = self._frame()
        if kind == CLOSE:
            raise ConnectionError("the WebSocket was closed")
        return data.decode()

    def wait_closed(self):
        """Wait until the other side closes it: return the code, None when it just ended the connection."""
        while True:
            kind, data = self._frame()
            if kind is None:
                return None
            if kind == CLOSE:
                return struct.unpack("!H", data[:2])[0] if len(data) >= 2 else None

    def _frame(self):
        """Return (kind, data) of a frame as a server sends it, (None, b"") at the end."""
        try:
            head = self._input.read(2)
        except ConnectionResetError:
            head = b""
        if len(head) < 2:
            return None, b""
        size = head[1] & 0x7f
        if size == 126:
            size = struct.unpack("!H", self._input.read(2))[0]
        return head[0] & 0x0f, self._input.read(size)

    def close(self):
        """Close the connection."""
        self._input.close()
        self._socket.close()


class Stream:
    """A chunked answer of `count` lines, one each `every_ms`, read by a thread. `version` answered it; finish()
    tells how many lines came and whether the answer was whole."""

    def __init__(self, host, address, count=100, every_ms=100):
        self._connection = http.client.HTTPConnection(address, timeout=30)
        self._connection.request("GET", f"/stream?ms={every_ms}&n={count}", headers={"Host": host})
        self._answer = self._connection.getresponse()
        self.version = self._answer.headers["App-Version"]
        self.lines = []
        self.fault = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            for line in self._answer:
                self.lines.append(line.decode())
        except (OSError, http.client.HTTPException) as fault:
            self.fault = fault

    def finish(self, deadline_s=60):
        """Wait for its end; return (number of lines, None or what went wrong)."""
        self._thread.join(deadline_s)
        fault = self.fault if not self._thread.is_alive() else TimeoutError("the answer did not end")
        self._connection.close()
        return len(self.lines), fault


class HeldPost:
    """A request that is in flight until finish(): the end of its body is held back."""

    def __init__(self, host, address, timeout_s=30):
        self._connection = http.client.HTTPConnection(address, timeout=timeout_s)
        self._connection.putrequest("POST", "/echo", skip_host=True)
        self._connection.putheader("Host", host)
        self._connection.putheader("Content-Length", "2")
        self._connection.endheaders(b"1")

    def finish(self):
        """Send the rest; return (status, headers) of the answer, which is what was sent."""
        try:
            self._connection.send(b"2")
            answer = self._connection.getresponse()
            if answer.read() != b"12":
                raise ConnectionError(f"not what was sent, with status {answer.status}")
            return answer.status, answer.headers
        finally:
            self._connection.close()
