#!/usr/bin/python3
"""Drive the ledger as many clients would, kill it, and see whether it lost anything: drive.py LEDGER [OPTION]...

Tasks with connections of their own send transfers, ask again with the same key, and with the same key and
another body; a WebSocket and an EventSource follow the postings; curl asks now and then. Meanwhile the process
is killed by SIGKILL, at random moments, and begun again. In the end the database is read, by Python's own
sqlite3, and compared with what was answered:

    each transfer that was answered 200 is there, once, as it was answered, whole
    each that was not answered was asked for again, with its key: there once, too
    the money is all there, and each balance is the sum of its postings
    who followed has seen each posting once, in order, without a gap

Exit status: 0; 1 if anything of that is not so."""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

SUPPLY = 10**15
PATIENCE = 60  # seconds: a guard against hangs
GONE = (aiohttp.ClientError, OSError, asyncio.TimeoutError)


class Wrong(Exception):
    """The ledger did what it must not do."""


class Ledger:
    """The process: begun, killed, begun again at the same address."""

    def __init__(self, command, db, listen, accounts, more, env=None):
        self.command = [str(command), "--db", str(db), "--accounts", str(accounts), *more]
        self.listen = listen
        self.env = env
        self.process = None
        self.is_up = asyncio.Event()
        self.restarts = []  # seconds that each took

    async def start(self):
        began = time.monotonic()
        self.process = await asyncio.create_subprocess_exec(
            *self.command, "--listen", self.listen, stdout=asyncio.subprocess.PIPE,
            env=self.env, start_new_session=True)
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
        found = re.fullmatch(rb"listening on (127\.0\.0\.1:\d+)\n", line)
        if not found:
            raise Wrong(f"it does not start: {line!r}")
        self.listen = found[1].decode()
        self.restarts.append(time.monotonic() - began)
        self.is_up.set()

    async def kill(self):
        self.is_up.clear()
        self.process.kill()
        await self.process.wait()

    async def stop(self):
        """As a supervisor would."""
        self.is_up.clear()
        self.process.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(self.process.wait(), PATIENCE)
        if status != 0:
            raise Wrong(f"after SIGTERM it ended with {status}")

    def url(self, path):
        return f"http://{self.listen}{path}"


class Load:
    """What was asked for, and what was answered."""

    def __init__(self, ledger, accounts, dice):
        self.ledger = ledger
        self.accounts = accounts
        self.dice = dice
        self.is_over = False
        self.answered = {}  # key: the answer
        self.latencies = []
        self.count = collections.Counter()

    def new_order(self):
        source, destination = self.dice.sample(range(1, self.accounts + 1), 2)
        return {"from": source, "to": destination, "cents": self.dice.randint(1, 20000),
                "memo": self.dice.choice(("", "rent", "caf\u00e9", "\u201cquoted\u201d, and more"))}

    async def post(self, session, key, order):
        """(status, answer); None: it was not answered."""
        try:
            async with session.post(self.ledger.url("/transfers"), json=order,
                                    headers={"Idempotency-Key": key}) as answer:
                return answer.status, await answer.json()
        except GONE:
            return None

    async def transfer(self, session, key, order):
        """Until it is answered. It is asked for again by the same key, whatever became of the first."""
        while True:
            await self.ledger.is_up.wait()
            began = time.monotonic()
            answer = await self.post(session, key, order)
            if answer is None:
                self.count["unanswered"] += 1
                await asyncio.sleep(0.01)
                continue
            status, body = answer
            if status == 200:
                self.latencies.append(time.monotonic() - began)
                self.take(key, order, body)
            elif status == 503:
                self.count["busy"] += 1
                await asyncio.sleep(0.1)
                continue
            elif status == 409:
                self.count["refused"] += 1
            else:
                raise Wrong(f"{order} was answered by {status}: {body}")
            return

    def take(self, key, order, body):
        for name, value in order.items():
            if body[name] != value:
                raise Wrong(f"{order} was answered by {body}")
        if self.answered.setdefault(key, body) != body:
            raise Wrong(f"key {key} was answered by {self.answered[key]}, and by {body}")

    async def ask_again(self, session):
        """With a key that was answered: the same answer. With another body: 422."""
        key, body = self.dice.choice(list(self.answered.items())[-200:])
        order = {name: body[name] for name in ("from", "to", "cents", "memo")}
        if self.dice.random() < 0.3:
            order["cents"] += 1
        answer = await self.post(session, key, order)
        if answer is None or answer[0] == 503:
            return
        if order["cents"] != body["cents"]:
            self.count["other bodies"] += 1
            if answer[0] != 422:
                raise Wrong(f"key {key} with another body was answered by {answer}")
        else:
            self.count["repeated keys"] += 1
            if answer != (200, body):
                raise Wrong(f"key {key} again was answered by {answer}, before by {body}")

    async def look(self, session):
        """A balance; it is what it was after some transfer: at least not below 0."""
        with contextlib.suppress(*GONE):
            account = self.dice.randint(1, self.accounts)
            async with session.get(self.ledger.url(f"/accounts/{account}")) as answer:
                body = await answer.json()
                if answer.status == 200 and (body["id"] != account or body["cents"] < 0):
                    raise Wrong(f"account {account} is {body}")
                self.count["looks"] += 1

    async def client(self, number):
        async with aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=PATIENCE),
                connector=aiohttp.TCPConnector(limit=1)) as session:
            for turn in range(1 << 30):
                if self.is_over:
                    return
                await self.transfer(session, f"{number}-{turn}-{self.dice.getrandbits(64):x}",
                                    self.new_order())
                chance = self.dice.random()
                if chance < 0.1 and self.answered:
                    await self.ask_again(session)
                elif chance < 0.2:
                    await self.look(session)


class Follower:
    """Sees each posting once, in order; goes on behind the last one when the connection is lost."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.last = 0  # from the first posting on
        self.seen = 0
        self.connections = 0

    def take(self, posting):
        if posting["id"] <= self.last:
            return  # it has crossed what we asked for
        if posting["id"] != self.last + 1:
            raise Wrong(f"{type(self).__name__}: posting {posting['id']} came behind {self.last}")
        self.last = posting["id"]
        self.seen += 1

    async def follow(self):
        while True:
            await self.ledger.is_up.wait()
            with contextlib.suppress(*GONE):
                async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
                    self.connections += 1
                    await self.listen(session)
            await asyncio.sleep(0.02)


class Watcher(Follower):
    """By WebSocket. What it has missed may cross what is new: so it puts them in order."""

    async def listen(self, session):
        early = {}
        async with session.ws_connect(self.ledger.url(f"/events?after={self.last}"),
                                      max_msg_size=0) as ws:
            async for message in ws:
                if message.type != aiohttp.WSMsgType.TEXT:
                    raise Wrong(f"the feed said {message}")
                for posting in json.loads(message.data)["postings"]:
                    early[posting["id"]] = posting
                while self.last + 1 in early:
                    self.take(early.pop(self.last + 1))


class EventSource(Follower):
    """By server-sent events."""

    async def listen(self, session):
        async with session.get(self.ledger.url("/events"),
                               headers={"Last-Event-ID": str(self.last)}) as answer:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    self.take(json.loads(line[6:]))


async def curl(ledger, *arguments):
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "-m", "30", *arguments, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return process.returncode, out.decode()


async def ask_by_curl(ledger, load):
    """What a person would, now and then."""
    while True:
        await ledger.is_up.wait()
        status, text = await curl(ledger, "-H", "Accept: text/csv", ledger.url("/accounts/1/statement"))
        if status == 0 and text.startswith("id,transfer,at,cents,balance,memo\r\n"):
            load.count["curl"] += 1
        elif status == 0 and '"status":503' not in text:
            raise Wrong(f"curl was told {text[:200]!r}")
        status, text = await curl(ledger, ledger.url("/metrics"))
        if status == 0 and "ledger_transfers_total" in text:
            load.count["curl"] += 1
        await asyncio.sleep(0.5)


# ---- what is on disk ----


def compare(db, load):
    """Findings, as sentences; none: all is well."""
    base = sqlite3.connect(db)
    one = lambda sql: base.execute(sql).fetchone()[0]  # noqa: E731
    found, lost, doubled = [], 0, 0
    if one("pragma integrity_check") != "ok":
        found.append("the database is damaged")
    if one("select sum(cents) from accounts") != SUPPLY:
        found.append("the total is not conserved")
    if one("select count(*) from accounts where cents < 0"):
        found.append("an account is below 0")
    sums = dict(base.execute("select account, sum(cents) from postings group by account"))
    for account, cents in base.execute("select id, cents from accounts"):
        if cents != sums.get(account, 0) + (SUPPLY if account == 0 else 0):
            found.append(f"account {account} is not the sum of its postings")
    if one("select count(*) from postings") != 2 * one("select count(*) from transfers"):
        found.append("a transfer does not have two postings")
    rows = collections.defaultdict(list)
    for key, *row in base.execute(
            "select t.key, t.id, t.source, t.destination, t.cents, t.memo, t.at, d.account, d.cents, "
            "c.account, c.cents from transfers t left join postings d on d.id = 2 * t.id - 1 "
            "left join postings c on c.id = 2 * t.id where t.key is not null"):
        rows[key].append(row)
    for key, body in load.answered.items():
        said = [body[name] for name in ("id", "from", "to", "cents", "memo", "at")]
        legs = [body["from"], -body["cents"], body["to"], body["cents"]]
        lost += [said + legs] != rows[key][:1]
        doubled += len(rows[key]) > 1
    for key in rows.keys() - load.answered.keys():
        if not key.startswith("curl-"):
            found.append(f"{key} is there, and nobody was told")
    if lost:
        found.append(f"{lost} of {len(load.answered)} transfers that were answered are lost, or others")
    if doubled:
        found.append(f"{doubled} transfers were done twice")
    postings = one("select coalesce(max(id), 0) from postings")
    base.close()
    return found, lost, doubled, postings


async def kill_again_and_again(ledger, kills, dice, seconds):
    """At random moments, and at once again."""
    for _ in range(kills):
        await asyncio.sleep(dice.uniform(0.02, max(0.05, 2 * seconds / (kills + 1))))
        await ledger.kill()
        await ledger.start()


async def catch_up(followers, last):
    """They hear of the last posting; how many seconds that took."""
    began = time.monotonic()
    while any(f.last < last for f in followers):
        if time.monotonic() - began > PATIENCE:
            raise Wrong(f"of {last} postings were heard: {[f.last for f in followers]}")
        await asyncio.sleep(0.01)


async def run(ledger, load, followers, options):
    await ledger.start()
    around = [asyncio.create_task(f.follow()) for f in followers]
    around.append(asyncio.create_task(ask_by_curl(ledger, load)))
    clients = [asyncio.create_task(load.client(i)) for i in range(options.connections)]
    kills = asyncio.create_task(kill_again_and_again(ledger, options.kills, load.dice, options.seconds))
    began = time.monotonic()
    try:
        done = asyncio.create_task(asyncio.sleep(options.seconds))
        pending = {done, kills}
        while pending:  # whoever fails ends it
            ended, _ = await asyncio.wait({*pending, *around, *clients},
                                          return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
            pending -= ended
        load.is_over = True
        await asyncio.wait_for(asyncio.gather(*clients), PATIENCE)
        seconds = time.monotonic() - began
        async with aiohttp.ClientSession() as session:
            for _ in range(20):
                if load.answered:
                    await load.ask_again(session)
            async with session.get(ledger.url("/audit")) as answer:
                audit = await answer.json()
                if answer.status != 200 or not audit["holds"]:
                    raise Wrong(f"the audit says {audit}")
        await catch_up(followers, 2 * audit["transfers"])
    finally:
        for task in (*around, *clients, kills):
            task.cancel()
        await asyncio.gather(*around, *clients, kills, return_exceptions=True)
        if ledger.process.returncode is None:
            await (ledger.stop() if sys.exc_info()[0] is None else ledger.kill())
    return seconds


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] * 1000 if values else 0.0


async def drive(options, db):
    dice = random.Random(options.seed)
    more = ["--group-most", str(options.group_most)] if options.group_most else []
    ledger = Ledger(options.ledger, db, options.listen, options.accounts, more)
    load = Load(ledger, options.accounts, dice)
    followers = [Watcher(ledger), EventSource(ledger)]
    found, seconds = [], options.seconds
    try:
        seconds = await run(ledger, load, followers, options)
    except (Wrong, *GONE) as wrong:
        found.append(f"{type(wrong).__name__}: {wrong}")
    differences, lost, doubled, postings = compare(db, load)
    found += differences
    if not load.answered:
        found.append("no transfer was answered")
    return {
        "seed": options.seed, "seconds": round(seconds, 2), "connections": options.connections,
        "kills": options.kills, "transfers": len(load.answered),
        "per_second": round(len(load.answered) / seconds, 1),
        "p50_ms": round(percentile(load.latencies, 0.5), 2),
        "p99_ms": round(percentile(load.latencies, 0.99), 2),
        "restart_ms": round(1000 * max(ledger.restarts, default=0)),
        **{name.replace(" ", "_"): load.count[name] for name in
           ("repeated keys", "other bodies", "refused", "unanswered", "busy", "looks", "curl")},
        "postings": postings, "seen_by_websocket": followers[0].seen,
        "seen_by_event_source": followers[1].seen, "lost": lost, "doubled": doubled, "wrong": found,
    }


def show(report):
    print(f"""{report['transfers']} transfers were answered 200 in {report['seconds']:.1f} s by \
{report['connections']} connections: {report['per_second']:.0f} a second,
half of them within {report['p50_ms']:.1f} ms, 99 of 100 within {report['p99_ms']:.1f} ms
{report['repeated_keys']} keys came again and were answered as before, {report['other_bodies']} came with another \
body and were refused, {report['refused']} accounts had too little
killed {report['kills']} times, under {report['unanswered']} requests, which were asked again; it was back after \
{report['restart_ms']} ms at most
{report['postings']} postings: a WebSocket has seen {report['seen_by_websocket']}, an EventSource \
{report['seen_by_event_source']}; curl was answered {report['curl']} times
lost {report['lost']}, done twice {report['doubled']}""")
    for wrong in report["wrong"]:
        print("WRONG:", wrong)
    if report["wrong"]:
        print(f"again: --seed {report['seed']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("ledger", type=Path, help="the program")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--kills", type=int, default=1, help="times that it is killed (1)")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--accounts", type=int, default=64)
    parser.add_argument("--group-most", type=int, help="of the ledger")
    parser.add_argument("--listen", default="127.0.0.1:0", help="where (the system chooses the port)")
    parser.add_argument("--db", type=Path, help="a file that is not there yet (a temporary one)")
    parser.add_argument("--seed", type=int, default=None, help="of what is asked, and when it is killed")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    options = parser.parse_args()
    if options.seconds <= 0 or options.kills < 0 or options.connections < 1 or options.accounts < 2:
        parser.error("it needs some seconds, a connection, and two accounts")
    if options.db is not None and options.db.exists():
        parser.error(f"{options.db} is there: what it has was not asked for by this driver")
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(4), "big")
    with tempfile.TemporaryDirectory(prefix="troupe_ledger.") as folder:
        report = asyncio.run(drive(options, options.db or Path(folder) / "ledger.db"))
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)
    sys.exit(1 if report["wrong"] else 0)


if __name__ == "__main__":
    main()
