"""aiohttp's side of ./dev bench --http: checks by hand; a room."""
import asyncio
import sys

import uvloop
from aiohttp import WSMsgType, web

room = set()


async def hello(request):
    return web.Response(text="Hello, World!")


def is_wrong(o):
    return (not isinstance(o.get("name"), str) or not 1 <= len(o["name"]) <= 80
            or not isinstance(o.get("price"), (int, float)) or not o["price"] > 0
            or not isinstance(o.get("quantity"), int) or not 1 <= o["quantity"] <= 1000
            or o.get("color") not in ("red", "green", "blue")
            or not isinstance(o.get("is_gift", False), bool)
            or not isinstance(o.get("note", ""), str) or len(o.get("note", "")) > 200)


async def take_order(request):
    try:
        o = await request.json()
    except ValueError:
        return web.Response(status=400)
    if is_wrong(o):
        return web.Response(status=422)
    return web.json_response({"name": o["name"], "total": o["price"] * o["quantity"],
                              "quantity": o["quantity"]})


async def speak(request):
    ws = web.WebSocketResponse(compress=False)
    await ws.prepare(request)
    room.add(ws)
    try:
        async for message in ws:
            if message.type == WSMsgType.TEXT:
                await asyncio.gather(*(other.send_str(message.data) for other in room))
    finally:
        room.discard(ws)
    return ws


app = web.Application()
app.router.add_get("/", hello)
app.router.add_post("/orders", take_order)
app.router.add_get("/room", speak)
uvloop.install()
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None,
            keepalive_timeout=3600, backlog=4096)
