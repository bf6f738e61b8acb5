"""wrk: as many requests as two seconds have room for, which are thousands, and no error."""

import re
import subprocess

from service import run

POST = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "text/plain"
wrk.body = string.rep("x", 10000)
"""

FIRST = """
function response()
    if not told then
        told = true
        io.stdout:write("answered\\n")
        io.stdout:flush()
    end
end
"""


def expect_no_errors(told):
    """Of what wrk says: errors are named only where there were any."""
    count = int(re.search(r"(\d+) requests in", told)[1])
    assert count >= 100 and "errors" not in told and "Non-2xx" not in told, told


def load(url, *arguments):
    expect_no_errors(run("wrk", "-t2", "-c64", "-d2s", "--timeout", "60s", *arguments, url))


def check_plainly(service):
    load(f"{service.url}/")


def check_by_tls(service):
    load(f"{service.tls_url}/")


def check_bodies(service):
    script = service.folder / "post.lua"
    script.write_text(POST, encoding="utf-8")
    load(f"{service.url}/echo", "-s", script)


class Wrk:
    """It has been answered when the block begins, and goes on until that ends; then no read may have
    failed, which would be a reset, or an answer that was cut. That nobody listens any more is what it may
    meet: to it that is a failed write."""

    def __init__(self, service, url):
        script = service.folder / "first.lua"
        script.write_text(FIRST, encoding="utf-8")
        self.process = subprocess.Popen(["wrk", "-t1", "-c32", "-d60s", "-s", script, url], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        for line in self.process.stdout:
            if line == "answered\n":
                return self
        raise AssertionError(self.process.communicate()[1])

    def __exit__(self, *unused):
        self.process.send_signal(2)  # then it tells its figures
        told, _ = self.process.communicate(timeout=60)
        count = int(re.search(r"(\d+) requests in", told)[1])
        errors = re.search(r"Socket errors: connect \d+, read (\d+),", told)
        assert count > 0 and "Non-2xx" not in told, told
        assert errors is None or errors[1] == "0", told
