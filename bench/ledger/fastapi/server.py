"""FastAPI's side of ./dev bench --ledger: pydantic checks the bodies, sqlite3 keeps them.

One connection writes, under a lock; handlers that are no coroutines run in the framework's threads,
each of which has a connection that reads. A transfer is a transaction of its own; with
LEDGER_GROUP=1 those that have come share one (groups.py).
"""
import hashlib
import hmac
import os
import secrets
import sqlite3
import threading
from contextlib import contextmanager

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, Field, constr

from groups import Groups

PATH = os.environ["LEDGER_DATABASE"]
SCHEMA = os.path.join(os.path.dirname(__file__), "..", "schema.sql")
IS_GROUPED = os.environ.get("LEDGER_GROUP") == "1"

app = FastAPI()


class NewAccount(BaseModel):
    owner: constr(min_length=1, max_length=80)
    cents: int = Field(0, ge=0)


class Account(NewAccount):
    id: int


class NewTransfer(BaseModel):
    from_: int = Field(alias="from")
    to: int
    cents: int = Field(gt=0)
    memo: constr(max_length=140) = ""


class Login(BaseModel):
    user: str
    password: str


def connect():
    # Transactions are begun and ended by hand.
    db = sqlite3.connect(PATH, isolation_level=None, check_same_thread=False, timeout=5)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("pragma foreign_keys = on")
    return db


writer = connect()
with open(SCHEMA, encoding="utf-8") as file:
    writer.executescript(file.read())
writing = threading.Lock()
readers = threading.local()


def reader():
    if not hasattr(readers, "db"):
        readers.db = connect()
    return readers.db


@contextmanager
def transaction():
    with writing:
        writer.execute("begin immediate")
        try:
            yield writer
            writer.execute("commit")
        except BaseException:
            if writer.in_transaction:
                writer.execute("rollback")
            raise


def insert_account(db, owner, cents):
    return db.execute("insert into accounts (owner, cents) values (?, ?)", (owner, cents)).lastrowid


def change(db, account, cents):
    """Change a balance by so many cents, unless it would fall below 0: what it is then."""
    row = db.execute("update accounts set cents = cents + ? where id = ? and cents + ? >= 0 "
                     "returning cents", (cents, account, cents)).fetchone()
    if row:
        return row[0]
    if db.execute("select 1 from accounts where id = ?", (account,)).fetchone() is None:
        raise HTTPException(404, f"there is no account {account}")
    raise HTTPException(409, f"account {account} has not so much")


def post(db, key, source, destination, cents, memo):
    """Both legs, or none: the transaction is undone where this raises. The transfer's id and time."""
    was = db.execute("select id, at, source, destination, cents, memo from transfers where key = ?",
                     (key,)).fetchone()
    if was:
        if was[2:] != (source, destination, cents, memo):
            raise HTTPException(422, "this key belongs to another transfer")
        return was[:2]
    source_has = change(db, source, -cents)
    destination_has = change(db, destination, cents)
    row, at = db.execute("insert into transfers (key, source, destination, cents, memo, at) "
                         "values (?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) "
                         "returning id, at", (key, source, destination, cents, memo)).fetchone()
    db.execute("insert into postings values (?, ?, ?, ?), (?, ?, ?, ?)",
               (2 * row - 1, source, -cents, source_has, 2 * row, destination, cents,
                destination_has))
    return row, at


def shown(t, row):
    return {"id": row[0], "from": t.from_, "to": t.to, "cents": t.cents, "memo": t.memo,
            "at": row[1]}


def check(t):
    if t.from_ == t.to:
        raise HTTPException(422, "two accounts are needed")


if IS_GROUPED:
    groups = Groups(writer)

    @app.post("/accounts", status_code=201, response_model=Account)
    async def open_account(a: NewAccount):
        row = await groups.write(insert_account, a.owner, a.cents)
        return {"id": row, "owner": a.owner, "cents": a.cents}

    @app.post("/transfers")
    async def make_transfer(t: NewTransfer,
                            idempotency_key: str = Header(min_length=1, max_length=200)):
        check(t)
        return shown(t, await groups.write(post, idempotency_key, t.from_, t.to, t.cents, t.memo))
else:
    @app.post("/accounts", status_code=201, response_model=Account)
    def open_account(a: NewAccount):
        with transaction() as db:
            row = insert_account(db, a.owner, a.cents)
        return {"id": row, "owner": a.owner, "cents": a.cents}

    @app.post("/transfers")
    def make_transfer(t: NewTransfer,
                      idempotency_key: str = Header(min_length=1, max_length=200)):
        check(t)
        with transaction() as db:
            row = post(db, idempotency_key, t.from_, t.to, t.cents, t.memo)
        return shown(t, row)


@app.get("/accounts/{account}", response_model=Account)
def show_account(account: int):
    row = reader().execute("select id, owner, cents from accounts where id = ?",
                           (account,)).fetchone()
    if row is None:
        raise HTTPException(404, f"there is no account {account}")
    return {"id": row[0], "owner": row[1], "cents": row[2]}


def scrypt(password):
    return hashlib.scrypt(password.encode(), salt=SALT, n=1 << 14, r=8, p=5, maxmem=32 << 20, dklen=32)


SALT = secrets.token_bytes(16)
HASH = scrypt("demo-demo")


@app.post("/login")
def login(who: Login):
    """In a thread, as all that is no coroutine; hashlib lets the others run meanwhile."""
    if not hmac.compare_digest(scrypt(who.password), HASH) or who.user != "demo":
        raise HTTPException(401, "the user or the password is wrong")
    return {"token": secrets.token_hex(16)}
