import asyncio
import errno
import os

URLS = ["index.html", "missing.html", "news"]


async def fetch(url):
    await asyncio.sleep(0.01)
    if url == "missing.html":
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return len(url)


async def main():
    pages = await asyncio.gather(*map(fetch, URLS), return_exceptions=True)
    for url, page in zip(URLS, pages):
        if isinstance(page, OSError):
            print(f"{url}: {page.strerror}")
        else:
            print(f"{url}: {page} bytes")


asyncio.run(main())
