// An application that reports what reached it, and answers in unusual ways on request. Plain Node, no dependencies. The swarm
// tests run it in the demo's image as a Docker config, the nginx tests beside nginx in its container.
//
// The last segment of the path selects the answer, so it works below any context root:
//
//   drop                     closes the connection without a response. With ?after=<n>, after n bytes of the body
//   invalid?kind=<kind>      a response that nginx rejects or might reject: see `invalid` below
//   bigheader?n=&size=       n cookies of this size in bytes
//   slow?ms=                 answers after this many milliseconds
//   download?bytes=          this many bytes, as fast as the client reads them
//   sse                      six events, half a second apart
//   parts                    six parts, half a second apart, with a Content-Length
//   hsts                     a Strict-Transport-Security of its own
//   accel?to=<path>          X-Accel-Redirect
//   count?key=<key>          number of requests with the header `x-count: <key>` that this instance has received
//
// Every other path answers with what reached it, in JSON, after reading (and counting) the body. For every answer:
//
//   ?status=<code>           with this status
//   ?header=<name>&value=    with this header. May be repeated
//
// PORTS is a list of ports to listen on; those in HTTP2_PORTS speak HTTP/2 without TLS, as h2c and gRPC do.
import http from 'node:http';
import http2 from 'node:http2';
import { hostname } from 'node:os';

const instance = hostname();

const block = Buffer.alloc(64 * 1024, 'odd-app.');

/** Complete responses, written to the socket unchanged. */
const invalid = {
  'status-line': 'HTTP/1.1 abc\r\nContent-Length: 2\r\n\r\nok',
  'no-status-line': 'nonsense\r\n\r\n',
  'nul-in-header': 'HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 2\r\n\r\nok',
  'nul-in-name': 'HTTP/1.1 200 OK\r\nX-\0Nul: a\r\nContent-Length: 2\r\n\r\nok',
  'no-colon': 'HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 2\r\n\r\nok',
  'two-lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
  'bad-length': 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nok',
  'length-and-chunks': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'bad-chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n',
  'unknown-coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok',
  'big-header': `HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(100_000)}\r\nContent-Length: 2\r\n\r\nok`,
};

const counts = new Map();

function count(request) {
  const key = request.headers['x-count'];
  if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The last segment and the query. Targets that are not URLs have none. */
function parse(target) {
  const [path, ...rest] = target.split('?');
  return { name: path.split('/').at(-1), query: new URLSearchParams(rest.join('?')) };
}

function addAsked(response, query) {
  const values = query.getAll('value');
  for (const [index, name] of query.getAll('header').entries()) response.appendHeader(name, values[index] ?? '');
  if (query.has('status')) response.statusCode = Number(query.get('status'));
}

function sendParts(response, part) {
  let n = 0;
  const send = () => response.write(part(n++));
  send();
  const timer = setInterval(() => {
    send();
    if (n > 5) response.end();
  }, 500);
  response.on('close', () => clearInterval(timer));
}

const answers = {
  drop({ request, query }) {
    if (!query.has('after')) return request.socket.destroy();
    const bytes = Number(query.get('after'));
    request.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes + 1000}\r\n\r\n${'x'.repeat(bytes)}`);
    request.socket.destroySoon();
  },
  invalid({ request, query }) {
    request.socket.end(Buffer.from(invalid[query.get('kind')] ?? '', 'latin1'));
  },
  bigheader(exchange) {
    const { response, query } = exchange;
    const size = Number(query.get('size') ?? 1900);
    const cookies = Array.from({ length: Number(query.get('n') ?? 3) }, (_, n) => `c${n}=${'x'.repeat(size)}`);
    response.setHeader('set-cookie', cookies);
    report(exchange);
  },
  slow(exchange) {
    setTimeout(report, Number(exchange.query.get('ms') ?? 1000), exchange);
  },
  download({ response, query }) {
    let left = Number(query.get('bytes') ?? 0);
    response.setHeader('content-length', left);
    const send = () => {
      while (left > 0) {
        const chunk = left < block.length ? block.subarray(0, left) : block;
        left -= chunk.length;
        if (!response.write(chunk)) return response.once('drain', send);
      }
      response.end();
    };
    send();
  },
  sse({ response }) {
    response.setHeader('content-type', 'text/event-stream');
    sendParts(response, (n) => `data: ${n}\n\n`);
  },
  parts({ response }) {
    response.setHeader('content-length', 6 * 'part 0\n'.length);
    sendParts(response, (n) => `part ${n}\n`);
  },
  hsts(exchange) {
    exchange.response.setHeader('strict-transport-security', 'max-age=60');
    report(exchange);
  },
  accel(exchange) {
    exchange.response.setHeader('x-accel-redirect', exchange.query.get('to') ?? '/elsewhere');
    report(exchange);
  },
  count({ response, query }) {
    response.end(JSON.stringify({ instance, count: counts.get(query.get('key')) ?? 0 }));
  },
};

/** What reached the application, with the size of the body. */
function report({ request, response }) {
  const { method, url, httpVersion, rawHeaders, socket } = request;
  let length = 0;
  request.on('data', (chunk) => {
    length += chunk.length;
  });
  request.on('end', () => {
    const arrived = { instance, port: socket.localPort, method, url, httpVersion, rawHeaders, length };
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify(arrived)}\n`);
  });
}

function respond(request, response) {
  const exchange = { request, response, ...parse(request.url) };
  count(request);
  addAsked(response, exchange.query);
  const answer = Object.hasOwn(answers, exchange.name) ? answers[exchange.name] : report;
  answer(exchange);
}

/** Accepts every upgrade, as a server that supports h2c would, and reports what it then receives. */
function upgrade(request, socket) {
  count(request);
  const { upgrade } = request.headers;
  socket.on('error', () => {});
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`);
  socket.write(`${JSON.stringify({ url: request.url, rawHeaders: request.rawHeaders })}\n`);
  socket.on('data', (chunk) => socket.write(`raw: ${chunk}`));
  socket.on('end', () => socket.end());
}

// A test's unusual request must not stop the application for the others.
process.on('uncaughtException', (error) => console.error(error));
process.on('SIGTERM', () => process.exit(0));

for (const port of (process.env.PORTS ?? '8080').split(','))
  http
    .createServer({ maxHeaderSize: 1 << 20, requestTimeout: 0 }, respond)
    .on('upgrade', upgrade)
    .listen(Number(port));

for (const port of (process.env.HTTP2_PORTS ?? '').split(',').filter(Boolean))
  http2.createServer(respond).listen(Number(port));
