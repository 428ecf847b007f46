# SPDX-License-Identifier: MIT
"""OCI images made in pure Python: the same input gives the same bytes, so digests are stable.

An image is three layers (busybox; the app; a file of its version's own), a config and a manifest, in
Docker's schema 2 or the OCI form, or an index of several platforms. push_app() makes one version of
the app and pushes it. What the app does is set by its environment:

  APP_NAME, VERSION                     named in every answer (App-Name, App-Version, App-Instance)
  PORT=8080, MODE=http|tcp|worker       what it listens on and serves
  HEALTH=ok|fail|flap|<status>          the answer of /health
  HEALTH_FAIL_AFTER_MS, HEALTH_FAIL_UNTIL_MS, HEALTH_SLOW_MS
  FAIL_AFTER_MS                         every answer is 500 from then on
  ERROR_AFTER_MS                        every answer but those of /health
  EXIT_AT_START=<code>                  exits at once; LOG_LINES=<n> prints lines first
  EXIT_AFTER_MS, EXIT_CODE=1            exits later
  AFTER=start|SIGUSR1                   what these *_AFTER_MS count from
  LISTEN_DELAY_MS, MEMORY_HOG_MB        listens late; takes memory at start
  IGNORE_SIGTERM=1, DRAIN_MS=30000      how it ends

Paths: / (identity), /health, /slow?ms=, /stream?ms=&n=, /bytes?n=, /echo, /headers, /env?name=,
/status?code=, /exit?code=, /ws (WebSocket echo).
"""
import functools
import gzip
import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from .compile import app_binary

DOCKER = {
    "manifest": "application/vnd.docker.distribution.manifest.v2+json",
    "config": "application/vnd.docker.container.image.v1+json",
    "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "index": "application/vnd.docker.distribution.manifest.list.v2+json",
}
OCI = {
    "manifest": "application/vnd.oci.image.manifest.v1+json",
    "config": "application/vnd.oci.image.config.v1+json",
    "layer": "application/vnd.oci.image.layer.v1.tar+gzip",
    "index": "application/vnd.oci.image.index.v1+json",
}
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
OTHER_MACHINE = "s390x"
BUSYBOX = Path("/bin/busybox")
COMMANDS = ("sh", "wget", "ls", "cat", "ps", "sleep", "true", "false", "kill", "env", "nc", "id")


def digest_of(content):
    """Return the registry's name for these bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _json_bytes(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Layer:
    """One layer: `packed` as stored in the registry, `plain_digest` of the tar inside."""
    packed: bytes
    plain_digest: str


@dataclass
class Image:
    """What a registry stores for one image: `blobs` by digest, `manifests` (type, bytes) to be put by
    digest, and `top`, the manifest or index (type, bytes) which gets the tag."""
    top: tuple
    blobs: dict = field(default_factory=dict)
    manifests: list = field(default_factory=list)

    @property
    def digest(self):
        """The digest the tag resolves to."""
        return digest_of(self.top[1])


def make_layer(files):
    """Make a layer of {path: bytes, or (bytes, mode), or the str target of a symbolic link}."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(_parents_of(files)):
            folder = tarfile.TarInfo(path)
            folder.type = tarfile.DIRTYPE
            folder.mode = 0o1777 if path == "tmp" else 0o755
            archive.addfile(folder)
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            if isinstance(content, str):
                entry.type = tarfile.SYMTYPE
                entry.linkname = content
                archive.addfile(entry)
                continue
            content, entry.mode = content if isinstance(content, tuple) else (content, 0o644)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    plain = plain.getvalue()
    return Layer(gzip.compress(plain, 6, mtime=0), digest_of(plain))


def _parents_of(files):
    parents = {"tmp"}
    for path in files:
        parts = path.split("/")[:-1]
        parents |= {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return parents


@functools.cache
def base_layers():
    """Return the layers all test images share: busybox with some commands, and the app."""
    tools = {"bin/busybox": (BUSYBOX.read_bytes(), 0o755)}
    tools |= {f"bin/{command}": "busybox" for command in COMMANDS}
    tools["etc/passwd"] = b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
    return (make_layer(tools), make_layer({"app": (app_binary().read_bytes(), 0o755)}))


def make_image(layers, settings, machine=MACHINE, form=None):
    """Make an image of `layers`; `settings` is the container config as Docker spells it (Env, Cmd, ...).

    `form` is DOCKER (the default) or OCI.
    """
    form = form or DOCKER
    config = _json_bytes({
        "architecture": machine, "os": "linux", "config": settings, "created": "2024-01-01T00:00:00Z",
        "rootfs": {"type": "layers", "diff_ids": [layer.plain_digest for layer in layers]},
    })
    manifest = _json_bytes({
        "schemaVersion": 2, "mediaType": form["manifest"],
        "config": _descriptor(form["config"], config),
        "layers": [_descriptor(form["layer"], layer.packed) for layer in layers],
    })
    blobs = {digest_of(layer.packed): layer.packed for layer in layers}
    blobs[digest_of(config)] = config
    return Image((form["manifest"], manifest), blobs)


def _descriptor(media_type, content, **more):
    return {"mediaType": media_type, "size": len(content), "digest": digest_of(content), **more}


def make_index(images, form=None):
    """Make an index (manifest list) of {machine: image}."""
    form = form or OCI
    entries = []
    blobs = {}
    for machine, image in sorted(images.items()):
        where = {"architecture": machine, "os": "linux"}
        entries.append(_descriptor(*image.top, platform=where))
        blobs |= image.blobs
    index = _json_bytes({"schemaVersion": 2, "mediaType": form["index"], "manifests": entries})
    return Image((form["index"], index), blobs, [image.top for image in images.values()])


def make_app(version, name="app", behaviour=None, machine=MACHINE, form=None, healthcheck=None,
             files=None, has_layer=True, **settings):
    """Make the image of one version of the app.

    `behaviour` sets its knobs (see above); `healthcheck=True` adds a Docker HEALTHCHECK that asks
    /health every 200 ms, a dict is taken as it is; `files` adds to the last layer (see make_layer);
    other settings are merged into the container config (StopSignal="SIGQUIT", Labels={...}). Without
    `has_layer` versions differ in their config alone, and an engine has less to unpack.
    """
    behaviour = {key: str(value) for key, value in (behaviour or {}).items()}
    environment = {"PATH": "/bin:/", "APP_NAME": name, "VERSION": version, **behaviour}
    port = environment.get("PORT", "8080")
    if healthcheck is True:
        probe = f"wget -q -O /dev/null http://127.0.0.1:{port}/health"
        healthcheck = {"Test": ["CMD-SHELL", probe], "Interval": 200_000_000,
                       "Timeout": 1_000_000_000, "Retries": 3}
    config = {"Cmd": ["/app"], "WorkingDir": "/", "StopSignal": "SIGTERM",
              "Env": [f"{key}={value}" for key, value in environment.items()]}
    if environment.get("MODE") != "worker":
        config["ExposedPorts"] = {f"{port}/tcp": {}}
    if healthcheck:
        config["Healthcheck"] = healthcheck
    layers = [*base_layers()]
    if has_layer:
        layers.append(make_layer({"version": f"{name} {version}\n".encode(), **(files or {})}))
    return make_image(layers, {**config, **settings}, machine, form)


def push_app(registry, repository, tag, version=None, behaviour=None, form=None, machines=None, **more):
    """Make a version of the app, push it as `repository`:`tag` and return the digest the tag now has.

    `version` is the tag unless given. `machines` makes an index with one image for each ("amd64",
    "s390x"): [OTHER_MACHINE] alone is an image no engine here can run.
    """
    more = {"behaviour": behaviour, "name": repository, **more}
    version = version or tag
    if machines:
        image = make_index({one: make_app(version, machine=one, form=form, **more) for one in machines},
                           form)
    else:
        image = make_app(version, form=form, **more)
    registry.push(repository, tag, image)
    return image.digest
