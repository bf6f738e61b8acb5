import asyncio


class Counter:
    def __init__(self):
        self.lock = asyncio.Lock()
        self.value = 0

    async def add(self):
        value = self.value
        await asyncio.sleep(0)
        self.value = value + 1

    async def add_locked(self):
        async with self.lock:
            await self.add()


async def count(title, add):
    counter = Counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(add(counter))
    print(f"{title}: {counter.value}")


async def main():
    await count("without a lock", Counter.add)
    await count("with a lock", Counter.add_locked)


asyncio.run(main())
