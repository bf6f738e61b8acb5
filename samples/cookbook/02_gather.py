import asyncio


async def fetch(url):
    print(f"fetching {url}")
    await asyncio.sleep(0.01)
    return url, len(url)


async def main():
    pages = await asyncio.gather(
        fetch("index.html"),
        fetch("logo.png"),
        fetch("news"),
    )
    for url, size in pages:
        print(f"{url}: {size} bytes")


asyncio.run(main())
