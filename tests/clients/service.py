"""What the tests of clients share: certificates, and the server of server.c."""

import http.client
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/samples"))
from peers import PATIENCE, Sample, WebSocket  # noqa: E402,F401


def run(*command, status=0, **options):
    """What a program says on standard output, where it ends as it should."""
    done = subprocess.run([str(c) for c in command], capture_output=True, check=False, text=True,
                          timeout=PATIENCE, **options)
    assert done.returncode == status, (command, done.returncode, done.stdout, done.stderr)
    return done.stdout


def sign(folder, name, subject, names=None, by="ca"):
    """A certificate, and its key, by OpenSSL's own program."""
    request = folder / f"{name}.csr"
    extension = f"subjectAltName={names}" if names else "basicConstraints=CA:FALSE"
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", folder / f"{name}.key", "-out", request, "-subj", f"/CN={subject}")
    run("openssl", "x509", "-req", "-in", request, "-CA", folder / f"{by}.pem", "-CAkey",
        folder / f"{by}.key", "-CAcreateserial", "-days", "2", "-out", folder / f"{name}.pem",
        "-extfile", "/dev/stdin", input=extension)


def found(folder, name):
    """An authority."""
    run("openssl", "req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem", "-days", "2",
        "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign")


class Folder:
    """Certificates, and files to be served; it is removed when the block ends."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="troupe_clients."))
        for name in ("ca", "stranger"):
            found(self.path, name)
        sign(self.path, "server", "server", "DNS:localhost,IP:127.0.0.1")
        sign(self.path, "other", "other", "DNS:other.test")
        sign(self.path, "client", "client")
        sign(self.path, "intruder", "intruder", by="stranger")
        (self.path / "public").mkdir()
        (self.path / "public/data").write_bytes(bytes(i * i % 251 for i in range(100_000)))

    def __enter__(self):
        return self.path

    def __exit__(self, *unused):
        shutil.rmtree(self.path)


class Service(Sample):
    """The server, which must not complain, and must end well."""

    def __init__(self, programs, folder):
        super().__init__([str(programs / "server")], str(folder))
        self.programs, self.folder = programs, folder
        try:
            self.tls_port, self.mutual_port = map(int, self.ask("/ports").split())
        except Exception as error:
            self.process.kill()
            raise AssertionError(self.process.communicate()[1]) from error

    def __exit__(self, *unused):
        try:
            super().__exit__(*unused)
        finally:
            assert self.errors == "", self.errors

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self):
        return f"https://localhost:{self.tls_port}"

    @property
    def mutual_url(self):
        return f"https://localhost:{self.mutual_port}"

    def ask(self, path):
        """The text that is there."""
        peer = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        peer.request("GET", path)
        answer = peer.getresponse()
        text = answer.read().decode()
        peer.close()
        assert answer.status == 200, (answer.status, text)
        return text
