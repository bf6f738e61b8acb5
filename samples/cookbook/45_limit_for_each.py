import asyncio
import time


class Limiter:
    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.tokens, self.at = burst, time.monotonic()

    def missing(self, n):
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        return max(0, n - self.tokens) / self.rate

    def try_acquire(self, n=1):
        wait = self.missing(n)
        if wait == 0:
            self.tokens -= n
        return wait

    async def acquire(self, n=1):
        while wait := self.try_acquire(n):
            await asyncio.sleep(wait)


class KeyedLimiter:
    def __init__(self, rate, burst):
        self.rate, self.burst, self.keys = rate, burst, {}

    def of(self, key):
        return self.keys.setdefault(key, Limiter(self.rate, self.burst))


def serve(each, everyone, client, number):
    wait = everyone.try_acquire() or each.of(client).try_acquire()
    print(f"{client}: {number} is {'to come again' if wait else 'served'}")


async def main():
    each, everyone = KeyedLimiter(0.1, 2), Limiter(1000, 100)
    for number in range(1, 4):
        serve(each, everyone, "Ann", number)
    async with asyncio.timeout(5):
        await everyone.acquire()
    await each.of("Bob").acquire(2)
    print("Bob: a large one is served")
    await each.of("Eve").acquire()
    if each.of("Eve").try_acquire() == 0 and everyone.tokens > 0:
        print("Eve: two are served, and all is well")
    try:
        async with asyncio.timeout(0.001):
            await each.of("Ann").acquire()
    except TimeoutError:
        print("Ann does not wait so long")
    print(f"{len(each.keys)} clients are known")


asyncio.run(main())
