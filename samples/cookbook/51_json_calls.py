import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Orders(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if isinstance(order.get("item"), str) and isinstance(order.get("count"), int) and order["count"] >= 1:
            self.send(201, {"item": order["item"], "total": 2.5 * order["count"]})
        else:
            self.send(422, {"title": "Unprocessable Content"})

    def send(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def order(base, count):
    body = json.dumps({"item": "tea", "count": count}).encode()
    request = urllib.request.Request(f"{base}/orders", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            receipt = json.load(reply)
    except urllib.error.HTTPError as e:
        print(f"{e.code}: it may not be so")
        receipt = json.load(e)
    if not isinstance(receipt.get("total"), (int, float)):
        print("the answer is no receipt: /total is required")
    else:
        print(f"201: {count} of {receipt['item']} cost {receipt['total']:g}")


server = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
threading.Thread(target=server.serve_forever, args=(0.02,)).start()
for count in (3, 0):
    order(f"http://127.0.0.1:{server.server_port}", count)
server.shutdown()
server.server_close()
