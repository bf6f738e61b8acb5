import asyncio


async def fetch(seconds):
    async with asyncio.timeout(0.1):
        await asyncio.sleep(seconds)
    return "page"


async def test_a_page_comes():
    assert await fetch(0) == "page"


async def test_a_slow_server_is_given_up():
    try:
        await fetch(60)
    except TimeoutError:
        return
    assert False, "it should have been given up"


async def run(test):
    async with asyncio.timeout(60):
        await test()
    print(f"ok {test.__name__}")


async def main():
    await run(test_a_page_comes)
    await run(test_a_slow_server_is_given_up)


asyncio.run(main())
