import asyncio
from contextlib import aclosing

PAGE, USERS = 3, 8


async def fetch_page(number):
    await asyncio.sleep(0.01)
    first = number * PAGE
    return range(first, min(first + PAGE, USERS))


async def users():
    number = 0
    while page := await fetch_page(number):
        for user in page:
            yield user
        number += 1


async def main():
    async with aclosing(users()) as all_users:
        async for user in all_users:
            print(f"user {user}")
            if user == 4:
                break


asyncio.run(main())
