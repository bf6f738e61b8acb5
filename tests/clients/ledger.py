"""The ledger, as a service that real clients use: on a port that the system chose, and a database in a folder
of its own. Who changes something has to log in. In the end its audit has to hold, it has to end well by
SIGTERM, and Python's own sqlite3 must find the same money."""

import http.client
import json
import shutil
import sqlite3
import tempfile
import urllib.request
from pathlib import Path

from service import PATIENCE, Sample, WebSocket

USER, PASSWORD = "clerk", "correct horse"
ACCOUNTS = 8
OPENING = 100_000  # cents of each account
SUPPLY = 10**15  # cents of all, with the treasury's


class Ledger(Sample):
    def __init__(self, programs, folder):
        del folder  # the certificates are nothing to it
        self.folder = Path(tempfile.mkdtemp(prefix="troupe_clients_ledger."))
        try:
            super().__init__(
                ["env", f"LEDGER_PASSWORD={PASSWORD}", str(programs.parents[1] / "samples/ledger"),
                 "--db", str(self.db), "--accounts", str(ACCOUNTS), "--auth", "--user", USER,
                 "--hash-cost", "1024", "--listen"])
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        self.cached_token = None

    def __exit__(self, *unused):
        try:
            try:
                self.audit()
                source, socket = self.listen()
            finally:
                super().__exit__(*unused)
            assert self.errors == "", self.errors
            while socket.receive() is not None:  # what was new then; in the end it is told that it ends
                pass
            socket.close()
            source.read()
            source.close()
            self.compare()
        finally:
            shutil.rmtree(self.folder)

    def listen(self):
        """To the postings that are new, by server-sent events and by WebSocket."""
        peer = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        peer.request("GET", "/events")
        source = peer.getresponse()
        socket = WebSocket(self.port, "/events")
        assert source.status == 200 and json.loads(socket.receive())["postings"] == []
        return source, socket

    @property
    def db(self):
        return self.folder / "ledger.db"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self):
        """Of the clerk; asked for once."""
        if self.cached_token is None:
            self.cached_token = self.ask("/login", {"user": USER, "password": PASSWORD})["token"]
        return self.cached_token

    @property
    def bearer(self):
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, path, body=None):
        """By Python's urllib: what was answered, which must be well."""
        request = urllib.request.Request(self.url + path, headers={"Content-Type": "application/json"},
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def cents(self, account):
        return self.ask(f"/accounts/{account}")["cents"]

    def audit(self):
        audit = self.ask("/audit")
        assert audit["holds"] and audit["total"] == audit["supply"] == SUPPLY, audit
        assert audit["wrong_balances"] == audit["wrong_transfers"] == 0, audit
        return audit

    def compare(self):
        """What is on disk, when it has ended."""
        base = sqlite3.connect(self.db)
        try:
            assert base.execute("pragma integrity_check").fetchone()[0] == "ok"
            assert base.execute("select sum(cents) from accounts").fetchone()[0] == SUPPLY
            assert base.execute("select sum(cents) from postings").fetchone()[0] == 0
        finally:
            base.close()


def verify_feed(postings, after=0):
    """What a feed told: without a gap, in order; the two of each transfer cancel each other, and each says
    what its account has then. The balances by account."""
    assert [p["id"] for p in postings] == list(range(after + 1, after + 1 + len(postings))), postings
    balances = {}
    for debit, credit in zip(postings[::2], postings[1::2]):
        assert debit["transfer"] == credit["transfer"] and debit["cents"] == -credit["cents"] < 0, (debit, credit)
    for posting in postings:
        before = balances.get(posting["account"])
        assert before in (None, posting["balance"] - posting["cents"]), posting
        balances[posting["account"]] = posting["balance"]
    return balances
