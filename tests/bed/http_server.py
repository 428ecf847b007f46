# SPDX-License-Identifier: MIT
"""A threading HTTP server that can cut the connections which its clients keep."""
import http.server
import socket


class CuttingServer(http.server.ThreadingHTTPServer):
    """Serves on 127.0.0.1:`port`; a subclass gives what its handlers need."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port, handler):
        self.open_connections = set()
        super().__init__(("127.0.0.1", port), handler)

    def get_request(self):
        connection, client = super().get_request()
        self.open_connections.add(connection)
        return connection, client

    def shutdown_request(self, request):
        self.open_connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self):
        """Cut what is still open."""
        for connection in list(self.open_connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def handle_error(self, request, client_address):
        """A client that went away is no news."""
