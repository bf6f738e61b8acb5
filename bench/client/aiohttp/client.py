"""aiohttp's side of ./dev bench --client: a session with a connection for each request in flight."""
import asyncio
import resource
import sys

import aiohttp
import uvloop

EXPECTED = "Hello, World!"


async def fetch_all(session, url, in_flight, requests):
    left, right, wrong = requests, 0, 0

    async def some():
        nonlocal left, right, wrong
        while left > 0:
            left -= 1
            try:
                async with session.get(url) as response:
                    if await response.text() == EXPECTED and response.status == 200:
                        right += 1
                    else:
                        wrong += 1
            except aiohttp.ClientError:
                wrong += 1

    await asyncio.gather(*(some() for _ in range(in_flight)))
    return right, wrong


async def main(url, requests, in_flight):
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:
        await fetch_all(session, url, in_flight, in_flight * 10)  # connections are there then
        before = resource.getrusage(resource.RUSAGE_SELF)
        right, wrong = await fetch_all(session, url, in_flight, requests)
        after = resource.getrusage(resource.RUSAGE_SELF)
    print(f"requests {right} errors {wrong} client_user {after.ru_utime - before.ru_utime:.6f} "
          f"client_sys {after.ru_stime - before.ru_stime:.6f}")


uvloop.install()
asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
