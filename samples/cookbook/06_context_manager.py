import asyncio
from contextlib import asynccontextmanager


@asynccontextmanager
async def connection(host):
    await asyncio.sleep(0.01)
    print(f"{host}: opened")
    try:
        yield host
    finally:
        await asyncio.sleep(0.01)
        print(f"{host}: closed")


async def ask(host, seconds, limit):
    async with connection(host), asyncio.timeout(limit):
        await asyncio.sleep(seconds)
        if host == "broken":
            raise ConnectionResetError
        print(f"{host}: answered")


async def main():
    await ask("quick", seconds=0.01, limit=60)
    try:
        await ask("broken", seconds=0.01, limit=60)
    except ConnectionResetError:
        print("broken: was reset")
    try:
        await ask("slow", seconds=60, limit=0.01)
    except TimeoutError:
        print("slow: took too long")


asyncio.run(main())
