import asyncio
import time


class Open(Exception):
    pass


class Breaker:
    def __init__(self, failures, open_for):
        self.most, self.open_for = failures, open_for
        self.failures, self.opened = 0, None

    def state(self):
        if self.opened is None:
            return "closed"
        return "open" if time.monotonic() < self.opened + self.open_for else "half-open"

    async def call(self, fn, *args):
        if self.state() == "open":
            raise Open
        try:
            answer = await fn(*args)
        except OSError:
            self.failures += 1
            if self.failures >= self.most:
                self.opened = time.monotonic()
            raise
        self.failures, self.opened = 0, None
        return answer


async def ask(is_down):
    await asyncio.sleep(0.001)
    if is_down:
        raise ConnectionRefusedError


async def call(breaker, is_down):
    try:
        await breaker.call(ask, is_down)
        print(f"answered: it is {breaker.state()}")
    except Open:
        print(f"not asked: it is {breaker.state()}")
    except ConnectionRefusedError:
        print(f"failed: it is {breaker.state()}")


async def main():
    patient = Breaker(failures=2, open_for=3600)
    for _ in range(3):
        await call(patient, True)
    hasty = Breaker(failures=1, open_for=0.001)
    try:
        await hasty.call(ask, True)
    except ConnectionRefusedError:
        pass
    await asyncio.sleep(0.01)
    print(f"after a while it is {hasty.state()}")
    await call(hasty, False)


asyncio.run(main())
