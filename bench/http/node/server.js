// node's side of ./dev bench --http: node:http, JSON.parse, checks by hand; ws for rooms.
const http = require('http');
const { WebSocketServer, WebSocket } = require('ws');

function wrong(o) {
    return typeof o.name !== 'string' || o.name.length < 1 || o.name.length > 80 ||
        typeof o.price !== 'number' || !(o.price > 0) ||
        !Number.isInteger(o.quantity) || o.quantity < 1 || o.quantity > 1000 ||
        !['red', 'green', 'blue'].includes(o.color) ||
        (o.is_gift !== undefined && typeof o.is_gift !== 'boolean') ||
        (o.note !== undefined && (typeof o.note !== 'string' || o.note.length > 200));
}

function takeOrder(req, res) {
    let text = '';
    req.setEncoding('utf8');
    req.on('data', (piece) => { text += piece; });
    req.on('end', () => {
        let o;
        try {
            o = JSON.parse(text);
        } catch {
            res.writeHead(400).end();
            return;
        }
        if (wrong(o)) {
            res.writeHead(422).end();
            return;
        }
        const answer = JSON.stringify({ name: o.name, total: o.price * o.quantity, quantity: o.quantity });
        res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(answer) });
        res.end(answer);
    });
}

const server = http.createServer((req, res) => {
    if (req.method === 'POST') {
        takeOrder(req, res);
        return;
    }
    res.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': 13 });
    res.end('Hello, World!');
});
server.keepAliveTimeout = 3600 * 1000;

const room = new WebSocketServer({ server, path: '/room', perMessageDeflate: false });
room.on('connection', (one) => one.on('message', (data, isBinary) => {
    for (const other of room.clients)
        if (other.readyState === WebSocket.OPEN)
            other.send(data, { binary: isBinary });
}));
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
