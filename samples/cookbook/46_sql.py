import asyncio
import os
import sqlite3

SCHEMA = "create table items (id integer primary key, name text unique, price real)"
ADD = "insert into items (name, price) values (?, ?)"


async def exec_(db, lock, sql, *values):
    async with lock:
        with db:
            return await asyncio.to_thread(lambda: db.execute(sql, values).rowcount)


async def fetch(db, lock, sql, *values):
    async with lock:
        return await asyncio.to_thread(lambda: db.execute(sql, values).fetchall())


async def main():
    lock = asyncio.Lock()
    db = sqlite3.connect("shop.db", check_same_thread=False)
    try:
        await exec_(db, lock, SCHEMA)
        for item in ("apple", 0.5), ("bread", 2.2), ("cheese", 9):
            await exec_(db, lock, ADD, *item)
        print("3 are in")
        rows = await fetch(db, lock, "select name, price from items where price < ? order by id", 5)
        for name, price in rows:
            print(f"{name} costs {price:.2f}")
        (dearest,), *_ = await fetch(db, lock, "select name from items order by price desc limit 1")
        print(f"cheap ones: {len(rows)}; the dearest: {dearest}")
        try:
            await exec_(db, lock, ADD, "apple", None)
        except sqlite3.IntegrityError as error:
            print(f"apple is there already\n{error}")
    finally:
        db.close()
        os.remove("shop.db")


asyncio.run(main())
