"""curl and the ledger: accounts, transfers and their keys, reasons, statements that stream, a login whose
cookie it keeps, figures, and the feed."""

import contextlib
import csv
import io
import itertools
import json
import re
import subprocess

from ledger import ACCOUNTS, PASSWORD, USER, verify_feed
from service import PATIENCE, run

JSON = ("application/json", "application/problem+json")
keys = (f"curl {i}" for i in itertools.count())


def curl(*arguments):
    return run("curl", "-sS", "--max-time", "60", *arguments)


def ask(service, path, *arguments, body=None, key=None, **headers):
    """(status, headers in lower case, what the body says). Who changes something does it with a token."""
    more = []
    if body is not None:
        more = ["--json", body if isinstance(body, str) else json.dumps(body),
                "-H", f"Authorization: Bearer {service.token}"]
    if key is not None:
        more += ["-H", f"Idempotency-Key: {key}"]
    for name, value in headers.items():
        more += ["-H", f"{name.replace('_', '-')}: {value}"]
    head, text = curl("-i", *more, *arguments, service.url + path).split("\n\n", maxsplit=1)
    first, *lines = head.splitlines()
    fields = {name.lower(): value for name, value in (line.split(": ", maxsplit=1) for line in lines)}
    return int(first.split()[1]), fields, json.loads(text) if fields["content-type"] in JSON else text


def transfer(service, source, destination, cents, memo="", key=None):
    order = {"from": source, "to": destination, "cents": cents, "memo": memo}
    status, headers, body = ask(service, "/transfers", body=order, key=key or next(keys))
    assert status == 200 and {name: body[name] for name in order} == order, (status, body)
    return headers, body


def check_accounts(service):
    status, headers, opened = ask(service, "/accounts", body={"owner": "Zo\u00eb \u2014 \U0001f375", "cents": 250})
    assert status == 201 and headers["location"] == f"/accounts/{opened['id']}", (status, headers)
    status, _, found = ask(service, headers["location"])
    assert status == 200 and found == opened == {**found, "owner": "Zo\u00eb \u2014 \U0001f375", "cents": 250}
    listed = ask(service, "/accounts?limit=1000")[2]["accounts"]
    assert opened in listed and len(listed) > ACCOUNTS, listed
    paged, after = [], 0
    while page := ask(service, f"/accounts?limit=3&after={after}")[2].get("accounts"):
        paged += page
        after = page[-1]["id"]
    assert paged == listed, (paged, listed)


def check_transfers(service):
    before = service.cents(1), service.cents(2)
    transfer(service, 1, 2, 1234, "rent, \u201cMay\u201d")
    assert (service.cents(1), service.cents(2)) == (before[0] - 1234, before[1] + 1234)


def check_a_key_counts_once(service):
    before = service.cents(3)
    headers, first = transfer(service, 3, 4, 55, key="rent of May")
    assert "idempotent-replayed" not in headers
    headers, again = transfer(service, 3, 4, 55, key="rent of May")
    assert headers["idempotent-replayed"] == "true" and again == first, (headers, again)
    status, _, problem = ask(service, "/transfers", body={"from": 3, "to": 4, "cents": 56}, key="rent of May")
    assert status == 422 and "another transfer" in problem["detail"], problem
    assert service.cents(3) == before - 55


# What is asked for: (status, what the reason says).
REASONS = [
    (("/accounts/999",), 404, "no account 999"),
    (("/accounts/one",), 400, "whole number"),
    (("/accounts?limit=0",), 400, "limit"),
    (("/accounts?after=-1",), 400, "after"),
    (("/accounts/1/statement?after=soon",), 400, "after"),
    (("/accounts/999/statement",), 404, "no account 999"),
    (("/events?after=soon",), 400, "after"),
    (("/nowhere",), 404, "/nowhere"),
    (("/accounts/1", "-X", "POST", "-d", ""), 401, "Log in"),
]
# The same, of a transfer, with a key.
REFUSALS = [
    ({"from": 1, "to": 999, "cents": 1}, 404, "no account 999"),
    ({"from": 999, "to": 1, "cents": 1}, 404, "no account 999"),
    ({"from": 1, "to": 1, "cents": 1}, 422, "same account"),
    ({"from": 5, "to": 6, "cents": 10**9}, 409, "less than 1000000000"),
    ({"from": 1, "to": 2}, 422, "/cents"),
    ({"from": 1, "to": 2, "cents": 0}, 422, "at least 1"),
    ({"from": 0, "to": 2, "cents": 5}, 422, "/from"),
    ("{", 400, "no JSON"),
]


def check_reasons(service):
    for (path, *arguments), status, reason in REASONS:
        expect_problem(ask(service, path, *arguments), status, reason)
    for body, status, reason in REFUSALS:
        expect_problem(ask(service, "/transfers", body=body, key=next(keys)), status, reason)
    expect_problem(ask(service, "/transfers", body={"from": 1, "to": 2, "cents": 1}), 400, "Idempotency-Key")
    expect_problem(ask(service, "/accounts/1/statement", Accept="image/png"), 406, "text/csv")


def expect_problem(answer, status, reason):
    told, headers, problem = answer
    assert told == status and problem["status"] == status, (answer, status)
    assert headers["content-type"] == "application/problem+json", headers
    assert reason in json.dumps(problem), (reason, problem)


def check_statements(service):
    """Of more postings than are read at once; by one curl, with one connection."""
    _, _, opened = ask(service, "/accounts", body={"owner": "Busy", "cents": 1000})
    config = "\nnext\n".join(
        f'url = "{service.url}/transfers"\nheader = "Authorization: Bearer {service.token}"\n'
        f'header = "Idempotency-Key: busy {i}"\njson = "{{\\"from\\":{opened["id"]},\\"to\\":1,\\"cents\\":2,'
        f'\\"memo\\":\\"no {i}, \\\\\\"so\\\\\\"\\"}}"\nwrite-out = " %{{http_code}} %{{num_connects}}\\n"\n'
        for i in range(210))
    done = run("curl", "-sS", "--max-time", "60", "--config", "-", input=config)
    assert re.findall(r" (\d+) (\d)\n", done) == [("200", "1"), *[("200", "0")] * 209], done[-300:]
    path = f"/accounts/{opened['id']}/statement"
    status, headers, text = ask(service, path, Accept="application/x-ndjson")
    assert status == 200 and headers["transfer-encoding"] == "chunked", headers
    lines = [json.loads(line) for line in text.splitlines()]
    assert [p["balance"] for p in lines] == [1000 - 2 * i for i in range(211)], lines
    assert lines[7]["memo"] == 'no 6, "so"', lines[7]
    _, _, table = ask(service, path, Accept="text/csv")
    rows = list(csv.DictReader(io.StringIO(table)))
    for name in "id", "transfer", "at", "cents", "balance", "memo":
        assert [row[name] for row in rows] == [str(p[name]) for p in lines], name
    assert curl("--compressed", "-H", "Accept: text/csv", service.url + path).splitlines() == table.splitlines()
    rest = curl(f"{service.url}{path}?after={lines[200]['id']}")
    assert [json.loads(line) for line in rest.splitlines()] == lines[201:]


def check_login_by_cookie(service):
    jar = service.folder / "cookies"
    status, _, problem = ask(service, "/login", body={"user": USER, "password": "guess"})
    assert status == 401 and "not known" in problem["detail"], problem
    order = ("--json", '{"from":1,"to":2,"cents":1}', "-H", "Idempotency-Key: by cookie", "-b", jar,
             service.url + "/transfers")
    assert json.loads(curl(*order))["status"] == 401
    told = curl("-c", jar, "--json", json.dumps({"user": USER, "password": PASSWORD}), service.url + "/login")
    assert len(json.loads(told)["token"]) == 64, told
    assert json.loads(curl(*order))["cents"] == 1


def figures(service):
    """Of the text for Prometheus, in which each line is well formed."""
    text = curl(service.url + "/metrics")
    pattern = re.compile(r'([a-z_]+(?:\{(?:[a-z]+="[^"\n]*",?)+\})?) (-?[0-9.e+-]+|\+Inf)')
    lines = [line for line in text.splitlines() if not line.startswith("# ")]
    found = [pattern.fullmatch(line) for line in lines]
    assert all(found), [line for line, f in zip(lines, found) if not f]
    return {f[1]: float(f[2]) for f in found}


def check_figures(service):
    names = ('ledger_transfers_total{outcome="done"}', 'ledger_transfers_total{outcome="repeated"}',
             'http_requests_total{method="GET",route="/accounts/:id",status="4xx"}')
    before = figures(service)
    transfer(service, 7, 8, 1, key="counted")
    transfer(service, 7, 8, 1, key="counted")
    ask(service, "/accounts/one")
    ask(service, "/accounts/998")
    after = figures(service)
    assert [after[n] - before.get(n, 0) for n in names] == [1, 1, 2], [(before.get(n), after[n]) for n in names]
    assert not [n for n in after if 'status="5xx"' in n], after
    count = 'http_request_duration_seconds_count{method="POST",route="/transfers"}'
    assert after[count] == sum(value for name, value in after.items()
                               if name.startswith('http_requests_total{method="POST",route="/transfers"'))


@contextlib.contextmanager
def following(service, path, *arguments):
    """The lines that curl prints as they come."""
    with subprocess.Popen(["curl", "-sSN", "-m", str(PATIENCE), *arguments, service.url + path], text=True,
                          stdout=subprocess.PIPE) as process:
        try:
            yield process.stdout
        finally:
            process.terminate()


def postings_of(lines, until):
    for line in lines:
        if line.startswith("data: "):
            posting = json.loads(line[6:])
            yield posting
            if posting["id"] == until:
                return


def check_events(service):
    """From the first on, and what comes meanwhile; and again, from where it left off."""
    there = 2 * service.audit()["transfers"]
    with following(service, "/events?after=0") as lines:
        told = list(postings_of(lines, there))
        transfer(service, 5, 6, 77, "while it listens")
        told += postings_of(lines, there + 2)
    balances = verify_feed(told)
    assert told[-1]["memo"] == "while it listens" and told[-1]["cents"] == 77, told[-1]
    assert balances[5] == service.cents(5) and balances[6] == service.cents(6), balances
    with following(service, "/events", "-H", f"Last-Event-ID: {there - 2}") as lines:
        verify_feed(list(postings_of(lines, there + 2)), after=there - 2)


def check_the_rest(service):
    for path, text in ("/healthz", "ok"), ("/readyz", "ready"), ("/", "<title>Ledger</title>"):
        assert text in curl("-f", "--compressed", service.url + path), path
    paths = json.loads(curl("-f", service.url + "/openapi.json"))["paths"]
    assert {"/accounts", "/accounts/{id}", "/accounts/{id}/statement", "/transfers", "/login"} <= set(paths), paths
