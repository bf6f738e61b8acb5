// npm's ws, as the client of our server, and as the server of our client: websocket.js URL TLS_URL CA_FILE
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { once } = require('node:events');
const { WebSocket, WebSocketServer } = require('ws');
const run = require('./checks.js');

const [url, tlsUrl, caFile] = process.argv.slice(2);

async function open(path, options) {
    const ws = new WebSocket(url.replace('http', 'ws') + path, options);
    await once(ws, 'open');
    return ws;
}

async function hear(ws) {
    const [data, isBinary] = await once(ws, 'message');
    return isBinary ? data : data.toString();
}

async function close(ws, ...how) {
    ws.close(...how);
    const [code] = await once(ws, 'close');
    return code;
}

async function text(path) {
    const answer = await fetch(url + path);
    assert.equal(answer.status, 200);
    return answer.text();
}

// ---- our server ----

const kinds = [{ perMessageDeflate: false }, { perMessageDeflate: { threshold: 0 } }];

async function messagesComeBack() {
    for (const options of kinds) {
        const ws = await open('/speak', options);
        assert.equal(ws.extensions.includes('permessage-deflate'), Boolean(options.perMessageDeflate));
        for (const data of ['', 'hello', 'tea \u{1F375}', Buffer.alloc(0), Buffer.from([0, 255, 10]),
            'x'.repeat(125), 'x'.repeat(126), 'x'.repeat(65535), 'x'.repeat(65536)]) {
            ws.send(data);
            assert.deepEqual(await hear(ws), data);
        }
        assert.equal(await close(ws), 1005);
    }
}

async function largeMessagesComeBack() {
    for (const options of kinds) {
        const ws = await open('/speak', options);
        for (const data of [Buffer.alloc(12000000, 'abc'), crypto.randomBytes(5000000)]) {
            ws.send(data);
            assert.ok(data.equals(await hear(ws)));
        }
        assert.equal(await close(ws, 1000), 1000);
    }
}

async function fragmentsAreJoined() {
    for (const options of kinds) {
        const ws = await open('/speak', options);
        const pieces = 'a message of several'.split('');
        for (let times = 0; times < 10; times++) {
            pieces.forEach((piece, i) => {
                ws.send(piece, { fin: i === pieces.length - 1 });
                ws.ping(); // which may stand between
            });
            assert.equal(await hear(ws), pieces.join(''));
        }
        assert.equal(await close(ws), 1005);
    }
}

async function manyMessagesComeBackInOrder() {
    for (const options of kinds) {
        const ws = await open('/speak', options);
        let heard = 0;
        ws.on('message', (data) => assert.equal(Number(data), heard++));
        for (let i = 0; i < 10000; i++)
            ws.send(String(i));
        while (heard < 10000)
            await once(ws, 'message');
        assert.equal(await close(ws), 1005);
    }
}

async function pingsAreAnswered() {
    const ws = await open('/speak');
    ws.ping('are you there?');
    assert.equal(String((await once(ws, 'pong'))[0]), 'are you there?');
    assert.equal(await close(ws), 1005);
    const watched = await open('/watched');
    for (let i = 0; i < 3; i++)
        await once(watched, 'ping');
    watched.send('still here');
    assert.equal(await hear(watched), 'still here');
    assert.equal(await close(watched), 1005);
}

async function codesAreTold() {
    let ws = await open('/goodbye');
    assert.equal(await close(ws, 4711, 'why not'), 4711);
    assert.equal(await text('/code'), '4711');
    ws = new WebSocket(`${url.replace('http', 'ws')}/part?code=3456`);
    const [code, reason] = await once(ws, 'close');
    assert.equal(code, 3456);
    assert.equal(String(reason), 'as you wish');
}

async function whatIsWrongIsTold() {
    let ws = await open('/speak');
    ws.send(Buffer.from([0xc3, 0x28]), { binary: false }); // no UTF-8
    assert.equal((await once(ws, 'close'))[0], 1007);
    for (const options of kinds) {
        ws = await open('/speak', options);
        ws.on('error', () => {}); // it may still be sending
        ws.send(Buffer.alloc(17 * 1024 * 1024)); // a little may become a lot
        assert.equal((await once(ws, 'close'))[0], 1009);
    }
}

async function whoIsGoneIsForgotten() {
    for (let i = 0; i < 20; i++) {
        const ws = await open('/speak');
        ws.send('hello');
        ws.terminate();
    }
    assert.equal(await text('/'), 'hello, world\n');
}

async function tlsCarriesItToo() {
    const ws = new WebSocket(`${tlsUrl.replace('http', 'ws')}/speak`, { ca: fs.readFileSync(caFile) });
    await once(ws, 'open');
    ws.send(Buffer.alloc(3000000, 'z'));
    assert.equal((await hear(ws)).length, 3000000);
    assert.equal(await close(ws), 1005);
}

// ---- our client ----

// What our client says of a conversation with a server, and how the server has heard it end.
async function dial(options, onConnection, bytes = 5) {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
    await once(server, 'listening');
    const closed = [];
    server.on('connection', (ws) => {
        closed.push(once(ws, 'close').then(([code, reason]) => `${code} ${reason}`));
        onConnection(ws);
    });
    const told = await text(`/dial?bytes=${bytes}&url=ws://127.0.0.1:${server.address().port}/x`);
    server.close();
    return [told, ...await Promise.all(closed)];
}

const whole = ['TR_OK', '4001 that is all'];

async function ourClientTalks() {
    for (const perMessageDeflate of [false, { threshold: 0 }])
        for (const bytes of [0, 5, 126, 70000, 9000000])
            assert.deepEqual(await dial({ perMessageDeflate, maxPayload: 0 }, (ws) => {
                assert.equal(ws.extensions !== '', Boolean(perMessageDeflate));
                ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
            }, bytes), whole);
}

async function ourClientJoinsFragmentsAndAnswersPings() {
    let pongs = 0;
    assert.deepEqual(await dial({}, (ws) => {
        ws.on('pong', () => { pongs++; });
        ws.on('message', (data, binary) => {
            ws.send(data.subarray(0, 1), { binary, fin: false });
            ws.ping();
            ws.send(data.subarray(1), { binary, fin: true });
        });
    }), whole);
    assert.equal(pongs, 2);
}

async function ourClientHearsHowItEnds() {
    assert.deepEqual(await dial({ verifyClient: () => false }, () => {}), ['TR_EPROTO']);
    assert.deepEqual(await dial({}, (ws) => ws.on('message', () => ws.close(1000))),
        ['TR_EEND', '1000 ']);
    const [told] = await dial({}, (ws) => ws.terminate());
    assert.match(told, /^TR_(EEND|ECONNRESET|EPIPE)$/);
    assert.equal(await text('/dial?bytes=5&url=ws://127.0.0.1:1/'), 'TR_ECONNREFUSED');
}

run([messagesComeBack, largeMessagesComeBack, fragmentsAreJoined, manyMessagesComeBackInOrder,
    pingsAreAnswered, codesAreTold, whatIsWrongIsTold, whoIsGoneIsForgotten, tlsCarriesItToo,
    ourClientTalks, ourClientJoinsFragmentsAndAnswersPings, ourClientHearsHowItEnds])
    .then(() => process.exit());
