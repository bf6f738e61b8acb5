"""websockets' side of ./dev bench --http: a room."""
import asyncio
import sys

import uvloop
import websockets

room = set()


async def speak(ws):
    room.add(ws)
    try:
        async for message in ws:
            websockets.broadcast(room, message)
    finally:
        room.discard(ws)


async def main():
    async with websockets.serve(speak, "127.0.0.1", int(sys.argv[1]), compression=None,
                                backlog=4096):
        await asyncio.Future()


uvloop.install()
asyncio.run(main())
