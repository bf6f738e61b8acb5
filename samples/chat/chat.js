'use strict';

const messages = document.getElementById('messages');
const state = document.getElementById('state');
const enter = document.getElementById('enter');
const say = document.getElementById('say');
let socket = null;

/* Texts are set, never parsed: what people say is no HTML. */
function show(line) {
    const item = document.createElement('li');
    const colon = line.indexOf(': ');
    if (colon < 0) {
        item.className = 'notice';
        item.textContent = line;
    } else {
        const who = document.createElement('b');
        who.textContent = line.slice(0, colon);
        item.append(who, ' ' + line.slice(colon + 2));
    }
    messages.append(item);
    item.scrollIntoView({ block: 'end' });
}

function setOpen(isOpen) {
    state.textContent = isOpen ? 'connected' : 'not connected';
    enter.hidden = isOpen;
    say.hidden = !isOpen;
    (isOpen ? document.getElementById('text') : document.getElementById('name')).focus();
}

enter.addEventListener('submit', (event) => {
    event.preventDefault();
    const name = document.getElementById('name').value;
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    socket = new WebSocket(`${scheme}//${location.host}/room?name=${encodeURIComponent(name)}`);
    state.textContent = 'connecting';
    socket.onopen = () => setOpen(true);
    socket.onmessage = (event) => show(event.data);
    socket.onclose = () => setOpen(false);
});

say.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = document.getElementById('text');
    socket.send(text.value);
    text.value = '';
});
