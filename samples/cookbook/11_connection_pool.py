import asyncio
from contextlib import asynccontextmanager


class Connection:
    queries = 0

    async def query(self):
        await asyncio.sleep(0.001)
        self.queries += 1


class Pool:
    def __init__(self, connections):
        self.idle = asyncio.Queue()
        for connection in connections:
            self.idle.put_nowait(connection)

    @asynccontextmanager
    async def connection(self):
        connection = await self.idle.get()
        try:
            yield connection
        finally:
            self.idle.put_nowait(connection)


async def serve(pool):
    async with pool.connection() as connection:
        await connection.query()


async def main():
    connections = [Connection(), Connection()]
    pool = Pool(connections)
    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(serve(pool))
    total = sum(connection.queries for connection in connections)
    print(f"{total} queries on {len(connections)} connections")


asyncio.run(main())
