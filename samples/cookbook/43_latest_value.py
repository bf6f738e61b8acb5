import asyncio


class Watch:
    def __init__(self, value):
        self.value, self.version, self.closed = value, 1, False
        self.changes = asyncio.Condition()

    async def set(self, value):
        async with self.changes:
            self.value, self.version = value, self.version + 1
            self.changes.notify_all()

    async def close(self):
        async with self.changes:
            self.closed = True
            self.changes.notify_all()

    async def changed(self, seen):
        async with self.changes:
            await self.changes.wait_for(lambda: self.version != seen or self.closed)
            if self.version == seen:
                raise EOFError
            return self.value, self.version


async def heat(degrees):
    for now in range(21, 24):
        await degrees.set(now)


async def main():
    degrees = Watch(20)
    async with asyncio.TaskGroup() as group:
        group.create_task(heat(degrees))
        now, version = await degrees.changed(0)
        print(f"at first {now} degrees")
        await asyncio.sleep(0.01)
        now, version = await degrees.changed(version)
        print(f"then {now} degrees, version {version}")
    await degrees.close()
    try:
        await degrees.changed(version)
    except EOFError:
        print(f"it is {degrees.value} degrees, and stays so")


asyncio.run(main())
