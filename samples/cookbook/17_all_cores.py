import asyncio
from concurrent.futures import ProcessPoolExecutor

LIMIT = 10000
PART = 1000


def members(n):
    count = 1
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        count += 1
    return count


def longest_from(first):
    return max(map(members, range(first, min(first + PART, LIMIT))))


async def main():
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor() as pool:
        parts = [
            loop.run_in_executor(pool, longest_from, first)
            for first in range(1, LIMIT, PART)
        ]
        longest = max(await asyncio.gather(*parts))
    print(f"the longest sequence below {LIMIT} has {longest} members")


if __name__ == "__main__":
    asyncio.run(main())
