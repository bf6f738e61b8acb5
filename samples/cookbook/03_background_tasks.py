import asyncio

background = set()


def in_background(coroutine):
    task = asyncio.create_task(coroutine)
    background.add(task)
    task.add_done_callback(background.discard)


async def send_mail(to, seconds):
    await asyncio.sleep(seconds)
    print(f"mail to {to}: sent")


async def main():
    for seconds, name in ((0.01, "Ann"), (0.02, "Bob")):
        in_background(send_mail(name, seconds))
        print(f"{name}: thank you")
    await asyncio.gather(*background)
    print("all mail is sent")


asyncio.run(main())
