import asyncio


async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def ask(host, port):
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"hello\nhow are you\n")
    await writer.drain()
    writer.write_eof()
    while answer := await reader.read(1000):
        print(answer.decode(), end="")
    writer.close()
    await writer.wait_closed()


async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        await ask(*server.sockets[0].getsockname())


asyncio.run(main())
