import asyncio
from concurrent.futures import ProcessPoolExecutor

ROWS = 100


def shade(y):
    return y * y


def shade_all(executor):
    return list(executor.map(shade, range(ROWS), chunksize=10))


async def main():
    with ProcessPoolExecutor() as all_cores:
        rows = await asyncio.to_thread(shade_all, all_cores)
    print(f"{ROWS} rows, the last is {rows[-1]}")
    with ProcessPoolExecutor(max_workers=2) as two:
        await asyncio.to_thread(shade_all, two)
    print("all again, on two threads")


if __name__ == "__main__":
    asyncio.run(main())
