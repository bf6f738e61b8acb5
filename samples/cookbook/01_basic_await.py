import asyncio


async def fetch(url):
    print(f"fetching {url}")
    await asyncio.sleep(0.01)
    return len(url)


async def main():
    size = await fetch("index.html")
    print(f"{size} bytes")


asyncio.run(main())
