// undici's side of ./dev bench --client: a pool with a connection for each request in flight.
'use strict';
const { Pool } = require('undici');

const [address, requests, inFlight] = [process.argv[2], +process.argv[3], +process.argv[4]];
const url = new URL(address);
const pool = new Pool(url.origin, { connections: inFlight, pipelining: 1 });

async function fetchAll(count) {
  let left = count, right = 0, wrong = 0;
  async function some() {
    while (left-- > 0) {
      try {
        const { statusCode, body } = await pool.request({ path: url.pathname, method: 'GET' });
        if (await body.text() === 'Hello, World!' && statusCode === 200) right++;
        else wrong++;
      } catch {
        wrong++;
      }
    }
  }
  await Promise.all(Array.from({ length: inFlight }, some));
  return [right, wrong];
}

(async () => {
  await fetchAll(inFlight * 10); // connections are there then
  const before = process.cpuUsage();
  const [right, wrong] = await fetchAll(requests);
  const used = process.cpuUsage(before);
  console.log(`requests ${right} errors ${wrong} client_user ${used.user / 1e6} ` +
    `client_sys ${used.system / 1e6}`);
  await pool.close();
})();
