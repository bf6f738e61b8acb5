import asyncio
from asyncio.subprocess import PIPE


async def sort(text):
    p = await asyncio.create_subprocess_exec("sort", stdin=PIPE, stdout=PIPE)
    out, _ = await p.communicate(text)
    print(out.decode().rstrip("\n").replace("\n", " "))


async def complain():
    command = "echo 'no such fruit' >&2; exit 3"
    p = await asyncio.create_subprocess_exec("sh", "-c", command, stderr=PIPE)
    _, err = await p.communicate()
    print(f"status {p.returncode}, and it complained: {err.decode()}", end="")


async def wait_too_long():
    p = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        await asyncio.wait_for(p.wait(), 0.05)
    except TimeoutError:
        p.kill()
        await p.wait()
        print("sleep took too long")


async def main():
    await sort(b"pears\napples\n")
    await complain()
    await wait_too_long()
    try:
        await asyncio.create_subprocess_exec("no-program-has-this-name")
    except FileNotFoundError:
        print("there is no program of that name")


asyncio.run(main())
