// Runs beside nginx in its container: an application on port 8080, over TLS on port 8443, and the DNS server with its
// addresses.
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { text } from 'node:stream/consumers';

/** The last answers, by name. */
const answers = {};

function nameIn(labels) {
  const name = [];
  for (let at = 0; at < labels.length; at += 1 + labels[at])
    name.push(labels.toString('latin1', at + 1, at + 1 + labels[at]));
  return name.join('.');
}

const contentOf = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

/** As in Docker's DNS, network names are case-sensitive. */
function isKnown(name) {
  const networks = contentOf('/tmp/networks')?.split(' ');
  return networks === undefined || networks.some((network) => name.endsWith(`.${network}`));
}

/**
 * All names have the addresses in a file, with a TTL of one second. If another file lists networks, only names in
 * these.
 */
function answer(query) {
  const end = query.indexOf(0, 12);
  const question = query.subarray(12, end + 5);
  const name = nameIn(query.subarray(12, end));
  if (!isKnown(name))
    return Buffer.concat([query.subarray(0, 2), Buffer.from([0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]), question]);
  const addresses = readFileSync('/tmp/addresses', 'utf8').split(' ').filter(Boolean);
  const records = addresses.map((address) =>
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)]),
  );
  const head = Buffer.from([...query.subarray(0, 2), 0x81, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0]);
  answers[name] = addresses;
  writeFileSync('/tmp/answers', JSON.stringify(answers));
  return Buffer.concat([head, question, ...records]);
}

const dns = createSocket('udp4');
dns.on('message', (query, { port, address }) => {
  if (!existsSync('/tmp/silent')) dns.send(answer(query), port, address);
});
dns.bind(5353, '127.0.0.1');

/** Resolves when the test ends the task. */
async function untilTaskLeaves() {
  while (!existsSync('/tmp/leave')) await new Promise((resolve) => setTimeout(resolve, 20));
}

/**
 * Answers with the request's target, and at `/asked` with the number of requests. `/hang-up` and `/think` do not
 * answer. `/leave` does not answer the first time.
 */
let asked = 0;
let left = 0;
async function serve(request, response) {
  response.setHeader('task', request.socket.localAddress);
  if (request.url === '/asked') return response.end(String(asked));
  asked += 1;
  const body = await text(request);
  if (request.url === '/hang-up') return request.socket.destroy();
  if (request.url === '/leave' && left++ === 0) return untilTaskLeaves().then(() => request.socket.destroy());
  if (request.url !== '/think') response.end(`${request.method} ${request.url} ${body}`);
}

const [key, cert] = ['key', 'crt'].map((kind) => readFileSync(`/tmp/site.${kind}`));
for (const last of [1, 3, 4, 5, 6]) createServer(serve).listen(8080, `127.0.0.${last}`);
createTlsServer({ key, cert }, serve).listen(8443, '127.0.0.1');
