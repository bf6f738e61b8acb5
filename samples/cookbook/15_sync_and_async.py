import asyncio


async def fetch_price(article):
    await asyncio.sleep(0.01)
    return 10 * article


def make_bill(article, loop):
    price = asyncio.run_coroutine_threadsafe(fetch_price(article), loop)
    return price.result(timeout=60) + 5


async def main():
    loop = asyncio.get_running_loop()
    bill = await asyncio.to_thread(make_bill, 7, loop)
    print(f"article 7, and the postage: {bill}")


asyncio.run(main())
