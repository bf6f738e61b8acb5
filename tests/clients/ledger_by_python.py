"""Python and the ledger: http.client and urllib, whose connections are kept, asyncio's streams, and aiohttp,
which moves money on many connections at once while it follows the postings in both ways."""

import asyncio
import http.client
import itertools
import json
import urllib.error
import urllib.request

import aiohttp
from ledger import verify_feed
from service import PATIENCE, WebSocket

keys = (f"python {i}" for i in itertools.count())
CONNECTIONS, EACH = 12, 10


def check_connections_are_kept(service):
    peer = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    ports, before = set(), service.cents(1)
    for turn in range(20):
        peer.request("POST", "/transfers", json.dumps({"from": 1, "to": 2, "cents": 3}),
                     {"Content-Type": "application/json", "Idempotency-Key": next(keys), **service.bearer})
        answer = peer.getresponse()
        assert answer.status == 200 and json.load(answer)["cents"] == 3
        peer.request("GET", "/accounts/1")
        assert json.load(peer.getresponse())["cents"] == before - 3 * (turn + 1)  # at once
        ports.add(peer.sock.getsockname()[1])
    assert len(ports) == 1, ports
    peer.close()


def check_urllib_tells_why(service):
    for path, body, status, reason in (
            ("/accounts/999", None, 404, "There is no account 999."),
            ("/transfers", b'{"from":1,"to":2,"cents":1}', 400, "Idempotency-Key"),
            ("/transfers", b"\xff", 400, "no JSON"),
            ("/accounts", b'{"owner":"Ann","cents":-1}', 422, "/cents")):
        request = urllib.request.Request(service.url + path, body,
                                         {"Content-Type": "application/json", **service.bearer})
        try:
            urllib.request.urlopen(request, timeout=PATIENCE).close()
        except urllib.error.HTTPError as error:
            assert error.code == status and reason in error.read().decode(), (path, body, error)
        else:
            raise AssertionError(f"{path} took {body}")


async def read_answer(reader):
    """(status, what the body says), of an answer with a length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.split("content-length: ")[1].split("\r\n")[0])
    return int(head.split()[1]), json.loads(await reader.readexactly(length))


def check_pipelined_requests(service):
    """Many requests before the first answer is read: they are answered in their order."""
    async def pipeline():
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        for i in range(1, 31):
            body = json.dumps({"from": 4, "to": 3, "cents": i}).encode()
            writer.write(f"POST /transfers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         f"Authorization: Bearer {service.token}\r\nIdempotency-Key: {next(keys)}\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answers = [await read_answer(reader) for _ in range(30)]
        writer.close()
        await writer.wait_closed()
        return answers

    before = service.cents(3)
    answers = asyncio.run(asyncio.wait_for(pipeline(), PATIENCE))
    assert [(status, body["cents"]) for status, body in answers] == [(200, i) for i in range(1, 31)], answers
    assert service.cents(3) == before + 465


def check_one_key_at_the_same_time(service):
    """Of many who ask at once, by one key: it is done once, and all are told the same."""
    async def ask_at_once():
        async with aiohttp.ClientSession(headers=service.bearer) as session:
            async def ask():
                async with session.post(service.url + "/transfers", json={"from": 5, "to": 6, "cents": 7},
                                        headers={"Idempotency-Key": "the same"}) as answer:
                    return answer.status, await answer.text(), answer.headers.get("Idempotent-Replayed")
            return await asyncio.gather(*(ask() for _ in range(20)))

    before = service.cents(5)
    answers = asyncio.run(asyncio.wait_for(ask_at_once(), PATIENCE))
    assert len({(status, text) for status, text, _ in answers}) == 1 and answers[0][0] == 200, answers
    assert sorted(bool(replayed) for *_, replayed in answers) == [False] + [True] * 19, answers
    assert service.cents(5) == before - 7


async def hear_events(session, url, first, last):
    """By server-sent events, until the last one that is to come; what is told before the first was new just
    now."""
    told = []
    async with session.get(url + "/events") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        yield None  # it listens
        async for line in answer.content:
            if line.startswith(b"data: "):
                told.append(json.loads(line[6:]))
                if told[-1]["id"] == last:
                    break
    yield [posting for posting in told if posting["id"] > first]


async def hear_socket(session, url, first, last):
    """By WebSocket: what was missed may cross what is new, so ids put them in order."""
    told = {}
    async with session.ws_connect(url + "/events", max_msg_size=0) as socket:
        begin = await socket.receive_json()
        assert begin["postings"] == [] and begin["last"] <= first, begin
        yield None
        while len(told) < last - first:
            batch = await socket.receive_json()
            told.update((posting["id"], posting) for posting in batch["postings"] if posting["id"] > first)
    yield [told[i] for i in sorted(told)]


async def move_money(session, url, number):
    for i in range(EACH):
        source = 1 + (number + i) % 8
        async with session.post(url + "/transfers", headers={"Idempotency-Key": next(keys)},
                                json={"from": source, "to": 1 + source % 8, "cents": 1 + i}) as answer:
            assert answer.status == 200, await answer.text()


async def follow_while_money_moves(service, first, last):
    async with aiohttp.ClientSession(headers=service.bearer,
                                     connector=aiohttp.TCPConnector(limit=0)) as session:
        followers = [how(session, service.url, first, last) for how in (hear_events, hear_socket)]
        for follower in followers:
            await anext(follower)
        *_, events, messages = await asyncio.gather(
            *(move_money(session, service.url, i) for i in range(CONNECTIONS)),
            *(anext(follower) for follower in followers))
        for follower in followers:
            await follower.aclose()
        return events, messages


def check_both_feeds_tell_the_same(service):
    first = 2 * service.audit()["transfers"]
    last = first + 2 * CONNECTIONS * EACH
    events, messages = asyncio.run(asyncio.wait_for(follow_while_money_moves(service, first, last), PATIENCE))
    assert events == messages
    balances = verify_feed(events, after=first)
    assert set(balances) == set(range(1, 9))
    for account, cents in balances.items():
        assert service.cents(account) == cents, account


def check_statements_follow_each_other(service):
    """What one account's statement says, the others' say of the other side."""
    sums = {}
    for account in range(1, 9):
        with urllib.request.urlopen(f"{service.url}/accounts/{account}/statement", timeout=PATIENCE) as answer:
            for posting in map(json.loads, answer):
                sums.setdefault(posting["transfer"], []).append(posting["cents"])
                balance = posting["balance"]
        assert balance == service.cents(account)
    assert all(sum(cents) == 0 for cents in sums.values() if len(cents) == 2)
    assert sum(len(cents) == 2 for cents in sums.values()) >= CONNECTIONS * EACH


def check_a_socket_goes_on_where_it_was(service):
    last = 2 * service.audit()["transfers"]
    socket = WebSocket(service.port, f"/events?after={last - 10}")
    told = []
    while len(told) < 10:
        told += json.loads(socket.receive())["postings"]
    socket.close()
    verify_feed(told, after=last - 10)
