import asyncio
import socket
import struct


def send_message(writer, text):
    data = text.encode()
    writer.writelines([struct.pack("!I", len(data)), data])


async def receive_message(reader):
    try:
        head = await reader.readexactly(4)
    except asyncio.IncompleteReadError as e:
        if not e.partial:
            return None
        raise
    (length,) = struct.unpack("!I", head)
    if length >= 100:
        raise ValueError("too large")
    return (await reader.readexactly(length)).decode()


async def talk(writer):
    for order in ("tea", "two pots of coffee"):
        send_message(writer, order)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def main():
    one, other = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=one)
    reader, end = await asyncio.open_connection(sock=other)
    async with asyncio.TaskGroup() as group:
        group.create_task(talk(writer))
        while (text := await receive_message(reader)) is not None:
            print(text)
    end.close()
    await end.wait_closed()


asyncio.run(main())
