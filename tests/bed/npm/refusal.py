# SPDX-License-Identifier: MIT
"""How Nginx Proxy Manager says no: a status that is often misleading, and {"error": {"code", "message"}}."""


class Refusal(Exception):
    """Ends a request; `i18n` is what newer versions add for their own pages."""

    def __init__(self, status, message, i18n=None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.i18n = i18n

    def body(self):
        """The answer's body."""
        error = {"code": self.status, "message": self.message}
        return {"error": error | ({"message_i18n": self.i18n} if self.i18n else {})}


def internal(status=500):
    """What is answered when the cause is kept from the client."""
    return Refusal(status, "Internal Error")
