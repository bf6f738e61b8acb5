import os
import sqlite3

SCHEMA = """create table accounts (name text primary key, cents integer check (cents >= 0));
insert into accounts values ('Ann', 100), ('Bob', 0);"""


def move(db, source, to, cents):
    with db:
        db.execute("begin immediate")
        if db.execute("update accounts set cents = cents + ? where name = ?", (cents, to)).rowcount == 0:
            raise FileNotFoundError
        db.execute("update accounts set cents = cents - ? where name = ?", (cents, source))


def show(db):
    db.execute("begin")
    ann, = db.execute("select cents from accounts where name = 'Ann'").fetchone()
    bob, = db.execute("select cents from accounts where name = 'Bob'").fetchone()
    db.rollback()
    print(f"Ann has {ann}, Bob {bob}")


def main():
    db = sqlite3.connect("bank.db", isolation_level=None)
    try:
        db.executescript(SCHEMA)
        move(db, "Ann", "Bob", 30)
        print("30 moved: ", end="")
        show(db)
        try:
            move(db, "Ann", "Bob", 100)
        except sqlite3.IntegrityError:
            print("100 are too many: a constraint of the database forbids it")
        try:
            move(db, "Ann", "Eve", 1)
        except FileNotFoundError:
            print("Eve has no account: No such file or directory")
        show(db)
    finally:
        db.close()
        os.remove("bank.db")


main()
