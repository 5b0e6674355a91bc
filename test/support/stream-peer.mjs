// Runs beside nginx in its container: services over TCP, TLS and UDP.
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** Answers each chunk with its own name before it. */
const echo = (name) => (socket) => {
  socket.on('error', () => {});
  socket.on('data', (chunk) => socket.write(`${name} ${chunk}`));
};

createServer(echo('one')).listen(7001, '127.0.0.1');
createServer(echo('two')).listen(7002, '127.0.0.1');
const [key, cert] = ['key', 'crt'].map((kind) => readFileSync(`/tmp/own.${kind}`));
createTlsServer({ key, cert }, echo('own')).listen(7003, '127.0.0.1');

const udp = createSocket('udp4');
udp.on('message', (message, { port, address }) => udp.send(`${port} ${message}`, port, address));
udp.bind(7004, '127.0.0.1');
