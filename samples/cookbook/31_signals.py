import asyncio
import os
import signal


async def main():
    signals = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for signo in (signal.SIGHUP, signal.SIGUSR1):
        loop.add_signal_handler(signo, signals.put_nowait, signo)
    os.kill(os.getpid(), signal.SIGHUP)
    if await signals.get() == signal.SIGHUP:
        print("the settings are read again")
    else:
        print("all is well")


asyncio.run(main())
