import asyncio


class Server(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        print(f"somebody asks: {data.decode()}")
        self.transport.sendto(b"it is late", addr)


class Client(asyncio.DatagramProtocol):
    def __init__(self):
        self.answer = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, addr):
        if not self.answer.done():
            self.answer.set_result(data)


async def ask(address):
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(Client, remote_addr=address)
    try:
        for _ in range(5):
            transport.sendto(b"what time is it?")
            try:
                return await asyncio.wait_for(asyncio.shield(client.answer), 1)
            except TimeoutError:
                continue
        raise TimeoutError
    finally:
        transport.close()


async def main():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    address = transport.get_extra_info("sockname")
    answer = await ask(address)
    print(f"{answer.decode()}, at a port of {address[0]} that is known now")
    transport.close()


asyncio.run(main())
