import asyncio
from collections import deque


class Broadcast:
    def __init__(self, kept):
        self.kept, self.subscribers, self.closed = kept, [], False

    def subscribe(self):
        subscription = Subscription(self)
        self.subscribers.append(subscription)
        return subscription

    def send(self, item):
        for s in self.subscribers:
            s.put(item)

    def close(self):
        self.closed = True
        for s in self.subscribers:
            s.come.set()


class Subscription:
    def __init__(self, broadcast):
        self.broadcast, self.items, self.missed = broadcast, deque(), 0
        self.come = asyncio.Event()

    def put(self, item):
        if len(self.items) == self.broadcast.kept:
            self.items.popleft()
            self.missed += 1
        self.items.append(item)
        self.come.set()

    async def receive(self):
        while not self.items:
            if self.broadcast.closed:
                raise EOFError
            self.come.clear()
            await self.come.wait()
        missed, self.missed = self.missed, 0
        return self.items.popleft(), missed


async def listen(prices, heard):
    while True:
        try:
            price, _ = await prices.receive()
        except EOFError:
            return
        heard.append(price)


async def send_prices(broadcast):
    for price in range(1, 6):
        broadcast.send(price)
        await asyncio.sleep(0.001)
    broadcast.close()


async def main():
    broadcast = Broadcast(kept=2)
    quick, slow = broadcast.subscribe(), broadcast.subscribe()
    heard = []
    async with asyncio.TaskGroup() as group:
        group.create_task(listen(quick, heard))
        await send_prices(broadcast)
    print("quick heard", *heard)
    first, missed = await slow.receive()
    second, _ = await slow.receive()
    print(f"slow missed {missed}, and heard {first} {second}")


asyncio.run(main())
