import asyncio


class Server:
    def __init__(self, limit):
        self.permits = asyncio.Semaphore(limit)
        self.calls = self.most = 0

    async def call(self):
        async with self.permits:
            self.calls += 1
            self.most = max(self.most, self.calls)
            await asyncio.sleep(0.01)
            self.calls -= 1


async def main():
    server = Server(limit=3)
    async with asyncio.TaskGroup() as calls:
        for _ in range(9):
            calls.create_task(server.call())
    print(f"at most {server.most} calls at once")


asyncio.run(main())
