# SPDX-License-Identifier: MIT
"""An engine and a registry that tests share, and servers of their own on them."""
import itertools
import signal

from .engine import Engine
from .image import push_app
from .registry import Registry
from .slipway import Slipway

HEALTH = "{http: /health, successes: 2, interval: 50ms, min_uptime: 0s, deadline: 8s}"
_numbers = itertools.count(1)


class Scene:
    """One engine and one registry below `directory`; a context manager. `engine` is passed on to Engine."""

    def __init__(self, directory, **engine):
        self.directory = directory
        self.engine = Engine(directory / "docker", **engine)
        self.registry = Registry(directory / "registry")

    def __enter__(self):
        self.engine.start()
        self.registry.start()
        return self

    def __exit__(self, *_):
        self.engine.stop()
        self.registry.stop()

    def push(self, app, tag, has_layer=False, **behaviour):
        """Push a version whose behaviour is set by the app's knobs; returns its digest."""
        return push_app(self.registry, app.repository, tag, behaviour=behaviour, has_layer=has_layer)

    def app(self, health=HEALTH, stage="domains: [{name}.localhost]", more="", address=None, edge=True,
            stages="", front=None, warm="0s", **settings):
        """Return a started server with one project of a new name; `stages` are lines of more stages, `front` is
        a proxy before it (bed/front.py), `warm` how long the version before is kept."""
        return App(self, f"app{next(_numbers)}", health, stage, more, address or self.registry.address, edge,
                   stages, front, warm, settings)


class App(Slipway):
    """A server with one project: `name`, its `repository`, its `stage_name` ("app1/production")."""

    def __init__(self, scene, name, health, stage, more, address, edge, stages, front, warm, settings):
        self.scene = scene
        self.name = name
        self.repository = f"test/{name}"
        self.stage_name = f"{name}/production"
        self.host = f"{name}.localhost"
        config = f"""version: 1
engines:
  local: {{host: "{scene.engine.host}"}}
registries:
  "{address}": {{insecure: true}}
{front.configuration if front else ""}projects:
  {name}:
    image: {address}/{self.repository}
    port: 8080
    health: {health}
    warm_keep: {warm}
{more}
    stages:
      production: {{{stage.format(name=name)}}}
{stages.format(name=name)}
"""
        super().__init__(scene.directory / name, config, edge=edge, **(front.settings if front else {}), **settings)

    def __exit__(self, kind, *_):
        if kind:
            print(self.log_tail())
        self.stop()
        for container in self.containers():
            self.scene.engine.api.remove(container["Id"])

    def containers(self, **filters):
        """The containers of this project, running or not."""
        return self.scene.engine.api.containers(label=f"slipway.project={self.name}", **filters)

    def versions(self):
        """The tags of the containers that run, sorted."""
        return sorted(c["Labels"]["slipway.tag"] for c in self.containers() if c["State"] == "running")

    def turn_bad(self, tag):
        """Tell this version's containers: what their AFTER=SIGUSR1 waits for is now."""
        for container in self.containers():
            if container["Labels"]["slipway.tag"] == tag:
                self.scene.engine.api.signal(container["Id"], signal.SIGUSR1)

    def live(self, tag, **more):
        """Deploy a tag and wait until it is live; returns the deploy."""
        over = self.wait_over(self.deploy(self.stage_name, tag, **more))
        assert over["state"] == "LIVE", over
        return over
