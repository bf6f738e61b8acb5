"""What the tests of the network's samples share: what pages show of commands, a sample that runs, and a
WebSocket client."""

import base64
import os
import re
import shutil
import signal
import socket
import struct
import subprocess

PATIENCE = 60  # seconds: a guard against hangs


def is_as_promised(promised, told):
    """Whether it is what a page shows; "..." is anything."""
    pattern = ".*?".join(re.escape(part) for part in promised.rstrip("\n").split("..."))
    return re.fullmatch(pattern, told.rstrip("\n"), re.S) is not None


def check_commands(text, port=None, actual_port=None):
    """Run the lines that begin with "$ ", and compare what they print with what is shown."""
    for asked, promised in re.findall(r"\$ (.*)\n((?:(?!\$ ).*\n)*)", text):
        if not all(shutil.which(tool) for tool in re.findall(r"\b(nc|curl|sqlite3) ", asked)):
            print(f"note: not checked, for a tool is missing: {asked}")
            continue
        command = asked if port is None else asked.replace(port, str(actual_port))
        done = subprocess.run(command, shell=True, text=True, capture_output=True, check=False, timeout=PATIENCE)
        assert is_as_promised(promised, done.stdout), (asked, done.stdout, done.stderr)


class Sample:
    """A sample that serves on a port that the system chose, until the block ends: by SIGTERM."""

    def __init__(self, command, *more, status=0):
        self.status = status
        self.process = subprocess.Popen([*command, "127.0.0.1:0", *more], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.errors = ""
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on (127\.0\.0\.1):(\d+)\n", line)
        if not found:
            self.process.kill()
            raise AssertionError(f"{command}: it said {line!r}, and {self.process.communicate()[1]!r}")
        self.port = int(found[2])

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.send_signal(signal.SIGTERM)
        rest, self.errors = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == self.status, (self.process.returncode, self.errors)
        assert rest == "", rest

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)


class WebSocket:
    """A client of texts, as far as tests need one."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode())
        self.file = self.socket.makefile("rb")
        status = self.file.readline().decode()
        assert " 101 " in status, status
        while self.file.readline() != b"\r\n":
            pass

    def send(self, text):
        data = text.encode()
        size = (struct.pack("!B", 128 | len(data)) if len(data) < 126
                else struct.pack("!BH", 254, len(data)) if len(data) < 65536
                else struct.pack("!BQ", 255, len(data)))
        self.socket.sendall(b"\x81" + size + b"\0\0\0\0" + data)  # masked by zeros

    def receive(self):
        """The next text; None when the other side has closed."""
        text = b""
        while True:
            first, size = self.file.read(2)
            if size == 126:
                size, = struct.unpack("!H", self.file.read(2))
            elif size == 127:
                size, = struct.unpack("!Q", self.file.read(8))
            data = self.file.read(size)
            kind = first & 15
            if kind == 8:
                return None
            if kind > 8:
                continue
            text += data
            if first & 128:
                return text.decode()

    def close(self):
        self.file.close()
        self.socket.close()
