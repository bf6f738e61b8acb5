/* The page of the ledger: balances that move as the feed tells.
 *
 * A posting says what its account has after it, and its id is its place in the feed: so the newest one
 * that was seen is the balance, however often, or in which order, they come. */
"use strict";

const SHOWN = 60, HISTORY = 40, LINES = 12, FRESH_MS = 600, PULSE = 60, REMEMBERED = 2000;
const SPEEDS = [1, 2, 4, 8, 16, 40, 100, 250, Infinity]; /* transfers a second */
const AT_ONCE = 24;

const $ = id => document.getElementById(id);
const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const format = cents => money.format(cents / 100);
const signed = cents => (cents > 0 ? "+" : "\u2212") + format(Math.abs(cents));
const MEMO = "from the page"; /* of what is moved by itself */

const accounts = new Map();
let last = 0;        /* the newest posting that was seen */
let seenSince = 0;   /* transfers since the last second */
let dirty = new Set(), lines = [], isDrawing = false;
const debits = new Map(); /* of transfers of which the other posting is still to come */
const told = new Set();   /* transfers: what was missed may cross what is new */
const strangers = new Map(); /* accounts that are asked for at this moment, and their postings meanwhile */
const pulse = [];         /* transfers of each of the last seconds */

/* ---- drawing: once a frame, however much comes ---- */

function draw() {
  isDrawing = false;
  for (const a of dirty) {
    a.balance.textContent = format(a.cents);
    a.card.classList.toggle("in", a.change > 0);
    a.card.classList.toggle("out", a.change < 0);
    clearTimeout(a.timer);
    a.timer = setTimeout(() => a.card.classList.remove("in", "out"), FRESH_MS);
    a.told.textContent = signed(a.change);
    plot(a.line, a.history, Math.min(...a.history));
  }
  dirty.clear();
  if (lines.length > 0) {
    $("feed").prepend(...lines.slice(-LINES).reverse().map(lineOf));
    while ($("feed").children.length > LINES)
      $("feed").lastChild.remove();
    lines = [];
  }
  let total = 0;
  for (const a of accounts.values())
    total += a.cents;
  $("total").textContent = format(total);
}

/* A line through values, from the least up. */
function plot(line, values, least) {
  const range = Math.max(...values) - least || 1;
  line.setAttribute("points", values.map((value, i) =>
    `${100 * i / Math.max(1, values.length - 1)},${22 - 20 * (value - least) / range}`).join(" "));
}

function drawSoon() {
  if (!isDrawing) {
    isDrawing = true;
    requestAnimationFrame(draw);
  }
}

function nameOf(id) {
  return id === 0 ? "treasury" : accounts.get(id)?.owner ?? `account ${id}`;
}

function lineOf({ from, to, cents, memo }) {
  const li = document.createElement("li"), who = document.createElement("span");
  const what = document.createElement("span");
  who.textContent = `${nameOf(from)} \u2192 ${nameOf(to)}`;
  if (memo && memo !== MEMO) {
    const small = document.createElement("small");
    small.textContent = ` ${memo}`;
    who.append(small);
  }
  what.textContent = format(cents);
  li.append(who, what);
  return li;
}

function addAccount({ id, owner, cents }, seen) {
  const card = $("card").content.firstElementChild.cloneNode(true);
  const a = { id, owner, cents, seen, card, change: 0, history: [cents], timer: 0,
              balance: card.querySelector(".balance"), told: card.querySelector(".change"),
              line: card.querySelector("polyline") };
  card.id = `account-${id}`;
  card.querySelector("h3").textContent = owner;
  accounts.set(id, a);
  $("accounts").append(card);
  a.balance.textContent = format(cents);
  for (const name of ["from", "to"])
    $("send").elements[name].append(new Option(owner, id, false, name === "to" && accounts.size === 2));
  $("run").disabled = accounts.size < 2;
}

/* Somebody has opened an account. What is told of it while it is asked for is taken behind the answer: the
 * newest posting that there is says what it has. */
async function meet(p) {
  const id = p.account;
  if (strangers.has(id))
    strangers.get(id).push(p);
  if (id === 0 || accounts.size >= SHOWN || strangers.has(id))
    return;
  strangers.set(id, []);
  const answer = await fetch(`accounts/${id}`).catch(() => null);
  const account = answer?.ok ? await answer.json() : null;
  const meanwhile = strangers.get(id);
  strangers.delete(id);
  if (account === null)
    return;
  addAccount(account, p.id);
  meanwhile.forEach(take);
  if (accounts.size === 2)
    complain(null);
  drawSoon();
}

/* ---- the feed ---- */

/* A transfer is told when both its postings have come. */
function pair(p) {
  if (told.has(p.transfer))
    return;
  if (p.cents < 0) {
    debits.set(p.transfer, p);
    return;
  }
  lines.push({ from: debits.get(p.transfer)?.account, to: p.account, cents: p.cents, memo: p.memo });
  debits.delete(p.transfer);
  told.add(p.transfer);
  if (told.size > REMEMBERED)
    told.delete(told.values().next().value); /* the first that came in */
  seenSince++;
}

function take(p) {
  const a = accounts.get(p.account);
  pair(p);
  if (lines.length > 4 * LINES)
    lines = lines.slice(-LINES);
  if (a === undefined)
    meet(p);
  if (a === undefined || p.id <= a.seen)
    return;
  a.seen = p.id;
  a.change = p.balance - a.cents;
  a.cents = p.balance;
  a.history.push(a.cents);
  if (a.history.length > HISTORY)
    a.history.shift();
  dirty.add(a);
}

function say(state, text) {
  $("link").dataset.state = state;
  $("link").textContent = text;
}

function follow() {
  const url = new URL(`events?after=${last}`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const ws = new WebSocket(url);
  ws.onopen = () => say("live", "live");
  ws.onmessage = event => {
    const batch = JSON.parse(event.data);
    batch.postings.forEach(take);
    last = Math.max(last, batch.last);
    drawSoon();
  };
  ws.onclose = () => {
    say("lost", "the connection is lost; trying again");
    setTimeout(follow, 1000); /* it goes on where it was: nothing is missed */
  };
}

setInterval(() => {
  $("rate").textContent = seenSince;
  pulse.push(seenSince);
  if (pulse.length > PULSE)
    pulse.shift();
  plot($("pulse").firstElementChild, pulse, 0);
  seenSince = 0;
}, 1000);

/* ---- moving money ---- */

let isRunning = false, underWay = 0, next = 0, login = null;
const times = [];

function complain(text) {
  $("problem").hidden = !text;
  $("problem").textContent = text ?? "";
}

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, "0")).join("");
}

function pick() {
  const all = [...accounts.values()], from = all[Math.floor(Math.random() * all.length)];
  let to = from;
  while (to === from)
    to = all[Math.floor(Math.random() * all.length)];
  /* Up to a tenth of it: so there is always something to move. */
  return { from: from.id, to: to.id, cents: 1 + Math.floor(Math.random() * from.cents / 10), memo: MEMO };
}

function keepTime(ms) {
  times.push(ms);
  if (times.length > 50)
    times.shift();
  $("latency").textContent = `${[...times].sort((a, b) => a - b)[times.length >> 1].toFixed(1)} ms`;
}

/* What became of it: { transfer, ms }, or { why }. Asking again after a failure is safe: the key is the
 * same. */
async function move(order, key, tries = 5) {
  const start = performance.now();
  const answer = await fetch("transfers", {
    method: "POST", body: JSON.stringify(order),
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
  }).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (answer?.ok && body) {
    const ms = performance.now() - start;
    keepTime(ms);
    complain(null);
    return { transfer: body, ms };
  }
  if (answer?.status === 401)
    return await askForLogin() ? move(order, key, tries) : { why: "Nothing was moved: nobody has logged in." };
  if (answer !== null && answer.status < 500)
    return { status: answer.status, why: body?.detail ?? body?.errors?.[0]?.what ?? "It was refused." };
  const why = answer === null ? "The ledger does not answer. It is asked again." : body?.detail ?? "The ledger has failed.";
  complain(why);
  if (tries === 1)
    return { why };
  await new Promise(done => setTimeout(done, 1000 * (Number(answer?.headers.get("Retry-After")) || 1)));
  return move(order, key, tries - 1);
}

async function moveSome() {
  const { status, why } = await move(pick(), newKey());
  if (why && status !== 409) /* it had been spent meanwhile */
    complain(why);
}

function step() {
  const now = performance.now(), rate = SPEEDS[$("speed").value];
  if (next < now - 500)
    next = now;
  while (isRunning && underWay < AT_ONCE && next <= now && accounts.size > 1) {
    next += 1000 / rate;
    underWay++;
    moveSome().finally(() => underWay--);
    if (rate === Infinity && underWay === AT_ONCE)
      break;
  }
  if (isRunning)
    setTimeout(step, rate > 60 ? 4 : 15);
}

$("run").onclick = () => {
  isRunning = !isRunning;
  $("run").toggleAttribute("data-running", isRunning);
  $("run").textContent = isRunning ? "Stop" : "Move money";
  step();
};
$("speed").oninput = () => {
  const rate = SPEEDS[$("speed").value];
  $("wanted").textContent = rate === Infinity ? "as fast as it can" : `${rate} a second`;
  $("speed").setAttribute("aria-valuetext", $("wanted").textContent);
};

/* By hand. While nothing is changed in the form, to press again is to ask again: by the same key. */
let key = newKey();

$("send").oninput = () => {
  key = newKey();
};
$("send").onsubmit = async event => {
  event.preventDefault();
  const form = $("send").elements, button = $("send").querySelector("button");
  const [whole, part = ""] = form.amount.value.split(".");
  button.disabled = true;
  const order = { from: Number(form.from.value), to: Number(form.to.value),
                  cents: 100 * Number(whole) + Number(part.padEnd(2, "0")), memo: form.memo.value };
  const { transfer, ms, status, why } = await move(order, key);
  button.disabled = false;
  $("sent").className = why ? "wrong" : "";
  $("sent").textContent = status === 409 ? `${nameOf(order.from)} has less than ${format(order.cents)}.`
    : why ?? `Transfer ${transfer.id} is on disk, after ${ms.toFixed(1)} ms.`;
  if (transfer)
    key = newKey();
};

/* Who needs it at the same time waits for the same dialog. */
function askForLogin() {
  login ??= new Promise(done => {
    const dialog = $("login"), wrong = dialog.querySelector(".wrong");
    wrong.hidden = true;
    dialog.showModal();
    dialog.querySelector("form").onsubmit = async event => {
      event.preventDefault();
      const answer = await fetch("login", {
        method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify(Object.fromEntries(new FormData(event.target))),
      });
      if (answer.ok) {
        dialog.close("ok");
      } else {
        wrong.textContent = (await answer.json()).detail;
        wrong.hidden = false;
      }
    };
    dialog.onclose = () => {
      const isIn = dialog.returnValue === "ok";
      if (!isIn && isRunning)
        $("run").click();
      login = null;
      done(isIn);
    };
  });
  return login;
}

/* ---- the beginning ---- */

async function begin() {
  const answer = await fetch(`accounts?limit=${SHOWN}`);
  if (!answer.ok)
    throw new Error((await answer.json()).detail);
  const list = await answer.json();
  last = list.last;
  for (const account of list.accounts ?? [])
    addAccount(account, list.last);
  if (accounts.size === SHOWN) {
    $("more").hidden = false;
    $("more").textContent = `These are the first ${SHOWN} accounts.`;
  }
  if (accounts.size < 2)
    complain("There is nothing to move between: open two accounts, or start it with --accounts 16.");
  drawSoon();
  follow();
}

begin().catch(error => {
  complain(error.message);
  setTimeout(() => location.reload(), 3000);
});
