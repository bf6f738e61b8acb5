import asyncio


async def write_report():
    print("writing")
    try:
        await asyncio.sleep(60)
        print("written")
    finally:
        await asyncio.sleep(0.01)
        print("cleaned up")


async def main():
    report = asyncio.create_task(write_report())
    await asyncio.sleep(0.01)
    report.cancel()
    try:
        await report
    except asyncio.CancelledError:
        print("the report was given up")


asyncio.run(main())
