// npm's ws, when the server is sent SIGTERM: each socket is told that it goes away. goodbye.js URL PID
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { WebSocket } = require('ws');
const run = require('./checks.js');

const [url, pid] = process.argv.slice(2);

// It talks until it is told; the code that it was told.
async function talk(i) {
    const ws = new WebSocket(`${url.replace('http', 'ws')}/speak`);
    const closed = once(ws, 'close'); // an error would end it
    await once(ws, 'open');
    ws.on('message', () => { if (ws.readyState === WebSocket.OPEN) ws.send('x'.repeat(i * 100)); });
    ws.send('hello');
    await once(ws, 'message');
    return { closed };
}

async function eachSocketIsToldOfTheEnd() {
    const talks = await Promise.all(Array.from({ length: 100 }, (_, i) => talk(i)));
    process.kill(Number(pid), 'SIGTERM');
    for (const { closed } of talks)
        assert.equal((await closed)[0], 1001);
}

run([eachSocketIsToldOfTheEnd]);
