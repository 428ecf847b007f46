# SPDX-License-Identifier: MIT
"""The file system of an image, made of this machine's own programs: what `FROM debian` and apt-get would
bring from a network that tests do not have. Each program comes with the libraries that it is linked to."""
import gzip
import io
import re
import subprocess
import tarfile
from pathlib import Path

from .image import Layer, digest_of

# struct vfs_cap_data, revision 2 with the effective bit: CAP_NET_BIND_SERVICE (10) is permitted.
NET_BIND_SERVICE = bytes.fromhex("01000002" "00040000" "00000000" "00000000" "00000000")


def libraries_of(program):
    """Return the shared libraries of a program, the loader included, by the path they are looked for."""
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"(/\S+) \(0x", listed))


def rootfs_layer(programs, users, folders, capable=()):
    """Make a layer: `programs` maps paths in the image to files here, `users` maps names to ids, `folders`
    maps paths to (mode, id of the owner); `capable` names the programs that may bind low ports."""
    files = {path: Path(source).read_bytes() for path, source in programs.items()}
    for source in programs.values():
        files |= {library: Path(library).read_bytes() for library in libraries_of(source)}
    files["/etc/passwd"] = "".join(f"{name}:x:{one}:{one}::/:/bin/false\n" for name, one in users.items()).encode()
    files["/etc/group"] = "".join(f"{name}:x:{one}:\n" for name, one in users.items()).encode()
    places = {str(parent): (0o755, 0) for path in [*files, *folders] for parent in Path(path).parents} | folders
    places.pop("/", None)
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, (mode, owner) in sorted(places.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, owner
            archive.addfile(entry)
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mode, entry.size = 0o755 if path in programs or "/lib" in path else 0o644, len(content)
            if path in capable:
                entry.pax_headers = {"SCHILY.xattr.security.capability": NET_BIND_SERVICE.decode("latin-1")}
            archive.addfile(entry, io.BytesIO(content))
    plain = plain.getvalue()
    return Layer(gzip.compress(plain, 1, mtime=0), digest_of(plain))
