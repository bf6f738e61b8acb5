// npm's undici, which node's fetch is made of, with what fetch hides: undici.js URL TLS_URL CA_FILE
const assert = require('node:assert/strict');
const fs = require('node:fs');
const { Client, Pool, WebSocket } = require('undici');
const run = require('./checks.js');

const [url, tlsUrl, caFile] = process.argv.slice(2);

async function requestsInAPipelineAreAnsweredInOrder() {
    for (const client of [new Client(url, { pipelining: 16 }),
        new Client(tlsUrl, { pipelining: 16, connect: { ca: fs.readFileSync(caFile) } })]) {
        const peers = new Set();
        const asked = Array.from({ length: 500 }, async (_, i) => {
            const answer = await client.request({ method: 'GET', path: `/numbers?count=${i}` });
            assert.equal((await answer.body.text()).split('\n').length, i + 1);
            peers.add(await (await client.request({ method: 'GET', path: '/peer' })).body.text());
        });
        await Promise.all(asked);
        assert.equal(peers.size, 1);
        await client.close();
    }
}

async function aPoolSharesItsConnections() {
    const pool = new Pool(url, { connections: 4 });
    const body = Buffer.alloc(50000, 'x');
    await Promise.all(Array.from({ length: 200 }, async () => {
        const answer = await pool.request({ method: 'POST', path: '/echo', body });
        assert.ok(body.equals(Buffer.from(await answer.body.arrayBuffer())));
    }));
    await pool.close();
}

async function itsWebSocketIsUnderstood() {
    const ws = new WebSocket(`${url.replace('http', 'ws')}/speak`);
    await new Promise((done) => { ws.onopen = done; });
    ws.send('hello');
    assert.equal((await new Promise((done) => { ws.onmessage = done; })).data, 'hello');
    ws.close(4000);
    assert.equal((await new Promise((done) => { ws.onclose = done; })).wasClean, true);
}

run([requestsInAPipelineAreAnsweredInOrder, aPoolSharesItsConnections, itsWebSocketIsUnderstood]);
