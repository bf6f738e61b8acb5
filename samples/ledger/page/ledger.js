/* The page of the ledger: balances that move as the feed tells.
 *
 * A posting says what its account has after it, and its id is its place in the feed: so the newest one
 * that was seen is the balance, however often, or in which order, they come. */
"use strict";

const SHOWN = 60, HISTORY = 40, LINES = 16, FRESH_MS = 350;
const SPEEDS = [1, 2, 4, 8, 16, 40, 100, 250, Infinity]; /* transfers a second */
const AT_ONCE = 24;

const $ = id => document.getElementById(id);
const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const format = cents => money.format(cents / 100);

const accounts = new Map();
let last = 0;        /* the newest posting that was seen */
let seenSince = 0;   /* postings since the last second */
let dirty = new Set(), lines = [], isDrawing = false;

/* ---- drawing: once a frame, however much comes ---- */

function draw() {
  isDrawing = false;
  for (const a of dirty) {
    a.balance.textContent = format(a.cents);
    a.card.classList.toggle("in", a.change > 0);
    a.card.classList.toggle("out", a.change < 0);
    clearTimeout(a.timer);
    a.timer = setTimeout(() => a.card.classList.remove("in", "out"), FRESH_MS);
    const least = Math.min(...a.history), range = Math.max(...a.history) - least || 1;
    a.line.setAttribute("points", a.history.map((cents, i) =>
      `${100 * i / Math.max(1, a.history.length - 1)},${22 - 20 * (cents - least) / range}`).join(" "));
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

function drawSoon() {
  if (!isDrawing) {
    isDrawing = true;
    requestAnimationFrame(draw);
  }
}

function lineOf(p) {
  const li = document.createElement("li"), who = document.createElement("span");
  const what = document.createElement("span");
  who.textContent = accounts.get(p.account)?.owner ?? `account ${p.account}`;
  what.textContent = (p.cents > 0 ? "+" : "\u2212") + format(Math.abs(p.cents));
  what.className = p.cents > 0 ? "plus" : "minus";
  li.append(who, what);
  return li;
}

function addAccount({ id, owner, cents }, seen) {
  const card = $("card").content.firstElementChild.cloneNode(true);
  const a = { id, owner, cents, seen, card, change: 0, history: [cents], timer: 0,
              balance: card.querySelector(".balance"), line: card.querySelector("polyline") };
  card.id = `account-${id}`;
  card.querySelector("h3").textContent = owner;
  accounts.set(id, a);
  $("accounts").append(card);
  a.balance.textContent = format(cents);
}

/* ---- the feed ---- */

function take(p) {
  const a = accounts.get(p.account);
  seenSince++;
  lines.push(p);
  if (lines.length > 4 * LINES)
    lines = lines.slice(-LINES);
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
  $("rate").textContent = Math.round(seenSince / 2); /* a transfer has two */
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
  return { from: from.id, to: to.id, cents: 1 + Math.floor(Math.random() * from.cents / 10), memo: "from the page" };
}

/* Asking again after a failure is safe: the key is the same. */
async function move(order, key, tries = 5) {
  const start = performance.now();
  let answer = null;
  try {
    answer = await fetch("transfers", {
      method: "POST", body: JSON.stringify(order),
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    });
  } catch (error) {
    complain("The ledger does not answer.");
  }
  if (answer?.ok) {
    times.push(performance.now() - start);
    if (times.length > 50)
      times.shift();
    $("latency").textContent = `${[...times].sort((a, b) => a - b)[times.length >> 1].toFixed(1)} ms`;
    complain(null);
    return;
  }
  if (answer?.status === 401 && await askForLogin())
    return move(order, key, tries);
  if (answer !== null && answer.status < 500) {
    if (answer.status !== 409) /* it had been spent meanwhile */
      complain((await answer.json()).detail);
    return;
  }
  if (answer !== null)
    complain((await answer.json().catch(() => ({}))).detail ?? "The ledger has failed.");
  if (tries > 1) {
    await new Promise(done => setTimeout(done, 1000 * (Number(answer?.headers.get("Retry-After")) || 1)));
    return move(order, key, tries - 1);
  }
}

function step() {
  const now = performance.now(), rate = SPEEDS[$("speed").value];
  if (next < now - 500)
    next = now;
  while (isRunning && underWay < AT_ONCE && next <= now && accounts.size > 1) {
    next += 1000 / rate;
    underWay++;
    move(pick(), newKey()).finally(() => underWay--);
    if (rate === Infinity && underWay === AT_ONCE)
      break;
  }
  if (isRunning)
    setTimeout(step, rate > 60 ? 4 : 15);
}

$("run").onclick = () => {
  isRunning = !isRunning;
  $("run").setAttribute("aria-pressed", isRunning);
  $("run").textContent = isRunning ? "Stop" : "Move money";
  step();
};
$("speed").oninput = () => {
  const rate = SPEEDS[$("speed").value];
  $("wanted").textContent = rate === Infinity ? "as fast as it can" : `${rate} a second`;
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
