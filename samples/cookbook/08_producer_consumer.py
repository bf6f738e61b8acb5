import asyncio


async def produce(orders):
    for price in range(1, 21):
        await orders.put(price)
    await orders.join()


async def consume(orders, sales):
    while True:
        price = await orders.get()
        try:
            await asyncio.sleep(0.001)
            sales.append(price)
        finally:
            orders.task_done()


async def main():
    orders, sales = asyncio.Queue(maxsize=4), []
    consumers = [asyncio.create_task(consume(orders, sales)) for _ in range(3)]
    await produce(orders)
    for consumer in consumers:
        consumer.cancel()
    await asyncio.gather(*consumers, return_exceptions=True)
    print(f"sold for {sum(sales)}")


asyncio.run(main())
