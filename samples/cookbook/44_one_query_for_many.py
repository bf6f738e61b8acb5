import asyncio


class Batcher:
    def __init__(self, fn, most, longest):
        self.fn, self.most, self.longest = fn, most, longest
        self.batch, self.timer = [], None

    async def call(self, item):
        done = asyncio.get_running_loop().create_future()
        self.batch.append((item, done))
        if len(self.batch) == self.most:
            self.flush()
        elif self.timer is None:
            self.timer = asyncio.get_running_loop().call_later(self.longest, self.flush)
        return await done

    def flush(self):
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        batch, self.batch = self.batch, []
        if batch:
            self.running = asyncio.create_task(self.run(batch))

    async def run(self, batch):
        try:
            answers = await self.fn([item for item, _ in batch])
        except Exception as e:
            for _, done in batch:
                done.set_exception(e)
            return
        for (_, done), answer in zip(batch, answers):
            if not done.cancelled():
                done.set_result(answer)


async def query(keys):
    await asyncio.sleep(0.001)
    print(f"one query for {len(keys)} rows")
    return [10 * key for key in keys]


async def main():
    b = Batcher(query, most=3, longest=10)
    print("rows", *await asyncio.gather(b.call(1), b.call(2), b.call(3)))
    last = asyncio.create_task(b.call(4))
    await asyncio.sleep(0)
    b.flush()
    print(f"row {await last}")


asyncio.run(main())
