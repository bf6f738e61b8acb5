import asyncio

BATCH = 4


async def resize(width):
    await asyncio.sleep(0.01)
    return width // 2


async def main():
    widths = list(range(10, 101, 10))
    resized = []
    for first in range(0, len(widths), BATCH):
        batch = widths[first : first + BATCH]
        resized += await asyncio.gather(*map(resize, batch))
        print(f"{len(resized)} of {len(widths)} are done")
    print(f"the widest is {resized[-1]} now")


asyncio.run(main())
