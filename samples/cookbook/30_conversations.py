import asyncio
import signal
from asyncio.subprocess import PIPE

SCRIPT = "n=0; while read l; do n=$((n + 1)); echo $n $l; done; echo at the end >&2"


async def say(p, line):
    p.stdin.write(line)
    await p.stdin.drain()
    print((await p.stdout.readline()).decode(), end="")


async def talk():
    p = await asyncio.create_subprocess_exec("sh", "-c", SCRIPT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    await say(p, b"hello\n")
    await say(p, b"goodbye\n")
    p.stdin.close()
    print(f"it complains: {(await p.stderr.read()).decode()}", end="")
    print(f"it ended with status {await p.wait()}")


async def end():
    p = await asyncio.create_subprocess_exec("sleep", "60")
    p.send_signal(signal.SIGCONT)
    p.terminate()
    try:
        await asyncio.wait_for(p.wait(), 5)
    except TimeoutError:
        p.kill()
    print(f"another was ended by signal {-await p.wait()}")


async def main():
    await talk()
    await end()


asyncio.run(main())
