// node and the ledger: its fetch, agents that keep connections, both feeds. ledger.js URL TOKEN
// The WebSockets are npm's ws, and left out where that is not to be had.
const assert = require('node:assert/strict');
const http = require('node:http');
const { once } = require('node:events');
const run = require('./checks.js');

const [url, token] = process.argv.slice(2);
const ACCOUNTS = 8;
const WebSocket = (() => {
    try {
        return require('ws').WebSocket;
    } catch {
        return null;
    }
})();

let keys = 0;

function order(from, to, cents, key = `node ${keys++}`) {
    return {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key, Authorization: `Bearer ${token}` },
        body: JSON.stringify({ from, to, cents, memo: '\u{1F375}' }),
    };
}

async function transfer(...what) {
    const answer = await fetch(`${url}/transfers`, order(...what));
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

async function get(path) {
    const answer = await fetch(url + path);
    assert.equal(answer.status, 200);
    return answer.json();
}

async function balances() {
    return new Map((await get('/accounts')).accounts.map(({ id, cents }) => [id, cents]));
}

async function transfersAtOnceAddUp() {
    const expected = await balances();
    const asked = Array.from({ length: 100 }, (_, i) => [1 + i % ACCOUNTS, 1 + (i + 1 + i % 3) % ACCOUNTS, 1 + i]);
    for (const [from, to, cents] of asked) {
        expected.set(from, expected.get(from) - cents);
        expected.set(to, expected.get(to) + cents);
    }
    for (const { status, body } of await Promise.all(asked.map((a) => transfer(...a)))) {
        assert.equal(status, 200);
        assert.equal(body.memo, '\u{1F375}');
    }
    assert.deepEqual(await balances(), expected);
    for (const [id, cents] of expected) // what the actors believe
        assert.equal((await get(`/accounts/${id}`)).cents, cents);
}

async function aKeyThatComesAgainChangesNothing() {
    const first = await transfer(1, 2, 10, 'node, once');
    assert.equal(first.headers.get('Idempotent-Replayed'), null);
    const before = await balances();
    const again = await transfer(1, 2, 10, 'node, once');
    assert.equal(again.headers.get('Idempotent-Replayed'), 'true');
    assert.deepEqual(again.body, first.body);
    const other = await transfer(1, 3, 10, 'node, once');
    assert.equal(other.status, 422);
    assert.match(other.headers.get('Content-Type'), /^application\/problem\+json/);
    assert.deepEqual(await balances(), before);
}

async function reasonsAreTold() {
    assert.match((await transfer(1, 999, 10)).body.detail, /no account 999/);
    assert.match((await transfer(1, 2, 1e12)).body.detail, /less than 1000000000000 cents/);
    const { status, body } = await transfer(1, '2', 0.5);
    assert.equal(status, 422);
    assert.deepEqual(body.errors.map((e) => e.where).sort(), ['/cents', '/to']);
    const answer = await fetch(`${url}/transfers`, { ...order(1, 2, 3), headers: {} });
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get('WWW-Authenticate'), /^Bearer/);
}

// What a request of node:http was answered, and by which port of ours.
async function ask(path, options, body) {
    const request = http.request(url + path, options);
    request.end(body);
    const [answer] = await once(request, 'response');
    const port = answer.socket.localPort;
    let text = '';
    answer.setEncoding('utf8');
    for await (const piece of answer)
        text += piece;
    assert.equal(answer.statusCode, 200, text);
    return { value: JSON.parse(text), port };
}

async function agentsKeepTheirConnections() {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const before = (await get('/accounts/3')).cents;
    const answers = await Promise.all(Array.from({ length: 60 }, () => {
        const { method, headers, body } = order(3, 4, 2);
        return ask('/transfers', { method, headers, agent }, body);
    }));
    assert.equal(new Set(answers.map(({ port }) => port)).size, 4);
    assert.equal((await ask('/accounts/3', { agent })).value.cents, before - 120);
    agent.destroy();
}

// The postings of a feed are without a gap.
function check(postings, after, last) {
    assert.deepEqual(postings.map((p) => p.id), Array.from({ length: last - after }, (_, i) => after + i + 1));
    for (let i = 0; i < postings.length; i += 2)
        assert.equal(postings[i].cents, -postings[i + 1].cents);
}

async function* eventsOf(answer) {
    let text = '';
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
        text += piece;
        const events = text.split('\n\n');
        text = events.pop();
        for (const event of events) {
            const fields = Object.fromEntries(event.split('\n').map((line) => line.split(/: (.*)/s)));
            if (fields.event === 'posting')
                yield { id: Number(fields.id), ...JSON.parse(fields.data) };
        }
    }
}

async function moveSome() {
    await Promise.all(Array.from({ length: 40 }, (_, i) => transfer(5 + i % 3, 8, 1)));
}

async function eventsComeAndGoOnWhereTheyWere() {
    const first = 2 * (await get('/audit')).transfers, last = first + 80;
    const aborter = new AbortController();
    const answer = await fetch(`${url}/events?after=${first}`, { signal: aborter.signal });
    const told = [];
    const moved = moveSome();
    for await (const posting of eventsOf(answer)) {
        told.push(posting);
        if (told.length === 7) // in the middle of a batch: the connection is lost
            break;
    }
    await moved;
    const again = await fetch(`${url}/events`, {
        headers: { 'Last-Event-ID': String(told.at(-1).id) }, signal: aborter.signal,
    });
    for await (const posting of eventsOf(again)) {
        told.push(posting);
        if (posting.id === last)
            break;
    }
    check(told, first, last);
}

async function hear(ws, postings) {
    const [data] = await once(ws, 'message');
    const batch = JSON.parse(data);
    for (const posting of batch.postings)
        postings.set(posting.id, posting);
    return batch.last;
}

async function socketsHearAll() {
    if (WebSocket === null)
        return;
    const first = 2 * (await get('/audit')).transfers, last = first + 80;
    const early = new WebSocket(`${url.replace('http', 'ws')}/events`), heard = new Map();
    const begin = await hear(early, heard); // or a little before: what is new just now may be told again
    assert.ok(begin <= first);
    const moved = moveSome();
    while (heard.size < last - begin)
        await hear(early, heard);
    check([...heard.values()].sort((a, b) => a.id - b.id), begin, last);
    await moved;
    const late = new WebSocket(`${url.replace('http', 'ws')}/events?after=0`), all = new Map();
    while (all.size < last)
        await hear(late, all);
    check([...all.values()], 0, last);
    for (const ws of [early, late]) {
        ws.close(1000);
        assert.equal((await once(ws, 'close'))[0], 1000);
    }
}

run([transfersAtOnceAddUp, aKeyThatComesAgainChangesNothing, reasonsAreTold, agentsKeepTheirConnections,
    eventsComeAndGoOnWhereTheyWere, socketsHearAll])
    .then(() => process.exit()); // connections that are kept would hold it
