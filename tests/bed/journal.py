# SPDX-License-Identifier: MIT
"""A file on the host that containers write lines into, so that a test sees what has run, and how often."""


class Journal:
    """The journal of one stage, in a fresh `directory` that its containers mount as /data."""

    def __init__(self, directory):
        directory.mkdir()
        directory.chmod(0o777)
        self.directory = directory

    def app(self, scene, **parts):
        """A server as scene.app() makes it, which may mount the directory."""
        return scene.app(SLIPWAY_ALLOW_VOLUME_PATHS=str(self.directory), **parts)

    def lines(self):
        """What was written so far."""
        path = self.directory / "journal"
        return path.read_text("utf-8").split() if path.exists() else []
