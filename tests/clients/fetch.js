// node's own fetch: fetch.js URL TLS_URL; NODE_EXTRA_CA_CERTS names the authority.
const assert = require('node:assert/strict');
const run = require('./checks.js');

const [url, tlsUrl] = process.argv.slice(2);
const patterned = (bytes) => Uint8Array.from({ length: bytes }, (_, i) => (i * i) % 251);

async function text(path, options) {
    const answer = await fetch(url + path, options);
    assert.equal(answer.status, 200);
    return answer.text();
}

async function connectionsAreKept() {
    const peers = new Set();
    for (let i = 0; i < 50; i++)
        peers.add(await text('/peer'));
    assert.ok(peers.size < 5); // the next request may come before the last one's connection is free
}

async function manyAtOnceAreAnswered() {
    const asked = Array.from({ length: 300 }, (_, i) => text(`/numbers?count=${i}`));
    (await Promise.all(asked)).forEach((told, i) => assert.equal(told.split('\n').length, i + 1));
}

async function tlsIsTrusted() {
    const answer = await fetch(tlsUrl);
    assert.equal(await answer.text(), 'hello, secretly\n');
    await assert.rejects(fetch(tlsUrl.replace('localhost', '127.0.0.2')));
}

async function jsonIsTaken() {
    const order = (value) => fetch(`${url}/orders`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(value),
    });
    let answer = await order({ name: 'tea \u{1F375}' });
    assert.equal(answer.status, 201);
    assert.deepEqual(await answer.json(), { name: 'tea \u{1F375}', pieces: 1 });
    answer = await order({ name: 7, pieces: 0 });
    assert.equal(answer.status, 422);
    assert.match(answer.headers.get('Content-Type'), /^application\/problem\+json/);
    assert.deepEqual((await answer.json()).errors.map((e) => e.where).sort(), ['/name', '/pieces']);
}

async function bodiesComeBack() {
    const data = patterned(700000);
    const answer = await fetch(`${url}/echo`, { method: 'POST', body: data });
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), data);
}

async function formsAreTaken() {
    const form = new FormData();
    form.append('title', 'quoted "so"');
    form.append('file', new Blob([patterned(1000000)], { type: 'image/x' }), 'a b.bin');
    const answer = await fetch(`${url}/form`, { method: 'POST', body: form });
    assert.equal(answer.status, 201);
    assert.match(await answer.text(), /^quoted "so" a b\.bin image\/x 1000000 /);
}

// A stream whose pieces are given one by one.
function source() {
    let controller;
    const stream = new ReadableStream({ start(c) { controller = c; } });
    return { stream, give: (piece) => controller.enqueue(piece), end: () => controller.close() };
}

async function streamsFlowBothWaysAtOnce() {
    const body = source();
    const asked = fetch(`${url}/relay`, { method: 'POST', body: body.stream, duplex: 'half' });
    body.give(patterned(1));
    const reader = (await asked).body.getReader();
    for (let i = 1; i < 100; i++) {
        const { value } = await reader.read(); // of the piece that was given last, all
        assert.equal(value.length, i);
        body.give(patterned(i + 1));
    }
    assert.equal((await reader.read()).value.length, 100);
    body.end();
    assert.equal((await reader.read()).done, true);
}

async function whoAbortsAnAnswerIsNoticed() {
    const aborter = new AbortController();
    const answer = await fetch(`${url}/endless`, { signal: aborter.signal });
    const reader = answer.body.getReader();
    for (let bytes = 0; bytes < 1000000;)
        bytes += (await reader.read()).value.length;
    aborter.abort();
    await assert.rejects(reader.read(), { name: 'AbortError' });
    await text('/abandoned');
}

async function whoAbortsARequestIsNoticed() {
    const aborter = new AbortController();
    const body = source();
    const asked = fetch(`${url}/relay`,
        { method: 'POST', body: body.stream, duplex: 'half', signal: aborter.signal });
    body.give(patterned(1000));
    await (await asked).body.getReader().read();
    aborter.abort();
    await text('/abandoned');
}

async function eventsAreHeard() {
    const answer = await fetch(`${url}/events`);
    assert.equal(answer.headers.get('Content-Type'), 'text/event-stream');
    assert.match(await answer.text(), /data: a\ndata: b\n\n[^]*data: c\n\n$/);
}

run([connectionsAreKept, manyAtOnceAreAnswered, tlsIsTrusted, jsonIsTaken, bodiesComeBack, formsAreTaken,
    streamsFlowBothWaysAtOnce, whoAbortsAnAnswerIsNoticed, whoAbortsARequestIsNoticed, eventsAreHeard])
    .then(() => process.exit()); // connections that are kept would hold it
