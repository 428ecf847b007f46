# SPDX-License-Identifier: MIT
"""TLS certificates for tests, made with openssl: one authority, servers and clients signed by it."""
import subprocess
from pathlib import Path


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")


class Authority:
    """A certificate authority in `directory`; `certificate` is what others trust (ca.pem)."""

    def __init__(self, directory, name="slipway test authority"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.key = self.directory / "ca-key.pem"
        self.certificate = self.directory / "ca.pem"
        _new_key(self.key)
        _openssl("req", "-x509", "-new", "-key", self.key, "-days", "2", "-subj", f"/CN={name}",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.certificate)

    def issue(self, name, common_name="localhost", usage="serverAuth",
              alternative="DNS:localhost,IP:127.0.0.1"):
        """Return (certificate path, key path) of a new certificate, `name`.pem and `name`-key.pem.

        `usage` is serverAuth or clientAuth; `alternative` is the subjectAltName as openssl spells it.
        """
        key = self.directory / f"{name}-key.pem"
        request = self.directory / f"{name}.csr"
        extensions = self.directory / f"{name}.ext"
        certificate = self.directory / f"{name}.pem"
        _new_key(key)
        _openssl("req", "-new", "-key", key, "-subj", f"/CN={common_name}", "-out", request)
        extensions.write_text(f"subjectAltName={alternative}\nextendedKeyUsage={usage}\n", "ascii")
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                 "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate)
        return certificate, key


def _new_key(path):
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
