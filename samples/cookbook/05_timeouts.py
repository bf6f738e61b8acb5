import asyncio


async def fetch(url, seconds, limit):
    try:
        async with asyncio.timeout(limit):
            await asyncio.sleep(seconds)
            print(f"{url}: fetched")
    except TimeoutError:
        print(f"{url}: took too long")


async def main():
    await fetch("index.html", seconds=0.01, limit=60)
    await fetch("news", seconds=60, limit=0.01)
    try:
        async with asyncio.timeout(0.01):
            await fetch("archive", seconds=60, limit=60)
    except TimeoutError:
        print("no time left for the archive")


asyncio.run(main())
