#!/usr/bin/env python3
"""Two people in the room of samples/chat: what the first one hears. A WebSocket client of the standard
library's: talk.py ADDRESS"""
import os
import socket
import struct
import sys
from base64 import b64encode


class Person:
    def __init__(self, address, name):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 60)
        key = b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /room?name={name} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        self.file = self.socket.makefile("rb")
        assert self.file.readline().startswith(b"HTTP/1.1 101")
        while self.file.readline() != b"\r\n":
            pass

    def frame(self, opcode, data):
        mask = os.urandom(4)
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
        self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(data)]) + mask + masked)

    def hear(self):
        _, length = self.file.read(2)
        return self.file.read(length).decode()

    def leave(self):
        self.frame(8, struct.pack("!H", 1000))
        while self.file.read(1):
            pass
        self.socket.close()


ann = Person(sys.argv[1], "ann")
print(ann.hear())
bob = Person(sys.argv[1], "bob")
print(ann.hear())
bob.frame(1, b"hello")
print(ann.hear())
bob.leave()
print(ann.hear())
ann.leave()
