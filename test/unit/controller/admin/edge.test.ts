// What unauthenticated clients can do to the listener: every answer has a body, and nothing is held forever.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { operations } from '../../../../src/controller/admin/operations.ts';
import { AdminWorld } from '../../../support/admin-world.ts';
import { eventually } from '../../../support/eventually.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT'];

let folder: string;
let box: AdminWorld;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'page-'));
  writeFileSync(join(folder, 'index.html'), '<title>Signalbox</title>');
  box = await AdminWorld.open({ page: folder });
  return async () => {
    await box[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  };
});

/** Problem details with all security headers. */
function expectRefusal(raw: string, status: number): void {
  const [head = '', body = ''] = raw.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  for (const header of ['content-security-policy', 'x-frame-options', 'x-content-type-options', 'referrer-policy'])
    expect(head.toLowerCase(), header).toContain(`\r\n${header}: `);
  expect(head.toLowerCase()).toContain('content-type: application/problem+json');
  const json = JSON.parse(body.replace(/^[0-9a-f]+\r\n|\r\n0$/g, '').trim());
  expect(json).toEqual(
    expect.objectContaining({ type: 'about:blank', status, title: expect.any(String), detail: expect.any(String) }),
  );
}

const ask = (method: string, path: string, more = '') =>
  box.raw(`${method} ${path} HTTP/1.1\r\nHost: localhost:${box.port}\r\nConnection: close\r\n${more}\r\n`);

describe('Without sign-in', () => {
  const paths = Object.keys(operations).map((path) => path.replaceAll(/\{\w+\}/g, 'x'));

  it('every method that a route does not support is 405, with the supported ones', async () => {
    for (const [index, described] of Object.keys(operations).entries()) {
      const has = Object.keys(operations[described]!).map((method) => method.toUpperCase());
      for (const method of METHODS) {
        const isHead = method === 'HEAD' && has.includes('GET') && !described.endsWith('/events');
        if (has.includes(method) || isHead) continue;
        const answer = await box.start(paths[index]!, { method });
        expect([answer.statusCode, answer.headers['x-frame-options']], `${method} ${described}`).toEqual([405, 'DENY']);
        expect(answer.headers.allow!.split(', ')).toEqual(expect.arrayContaining(has));
        answer.destroy();
      }
    }
    expectRefusal(await ask('PUT', '/api/state'), 405);
    expectRefusal(await ask('TRACE', '/healthz'), 405);
    expectRefusal(await ask('POST', '/', 'Content-Length: 0\r\n'), 405);
  });

  it.each([
    '/api/nothing',
    '/api/state/',
    '/api//state',
    '/auth/nothing',
    '/healthz/x',
    '/nothing',
    '/assets/%00',
    '/assets/%',
    '/assets/..%2f..%2fpackage.json',
    `/assets/${'x'.repeat(5000)}`,
    '/%',
    '/api/%E0%A4%A',
    '/../../etc/passwd',
  ])('%s is 404', async (path) => {
    expectRefusal(await ask('GET', path), 404);
    const { statusCode } = await box.start('/api/nothing', { method: 'POST' });
    expect(statusCode).toBe(404);
  });

  it.each([
    ['an invalid host', 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400],
    ['a host with a user', 'GET / HTTP/1.1\r\nHost: x@y\r\nConnection: close\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['a target without a path', 'GET nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    ['a tunnel', 'CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n', 405],
    ['no HTTP', 'nonsense\r\n\r\n', 400],
    ['large headers', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['an expectation', 'GET / HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\nConnection: close\r\n\r\n', 417],
    [
      'two lengths',
      'POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
  ])('%s is rejected with problem details', async (_what, bytes, status) => {
    expectRefusal(await box.raw(bytes), status);
  });

  it('a body that is too large is rejected', async () => {
    const answer = await box.ask('/auth/login', { method: 'POST', body: 'x'.repeat(70_000) });
    expect([answer.status, answer.headers['x-frame-options']]).toEqual([413, 'DENY']);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 413, detail: expect.any(String) });
  });

  it('the page is served', async () => {
    expect((await box.ask('/')).body).toContain('Signalbox');
    expect((await box.ask('/', { method: 'HEAD' })).status).toBe(200);
  });
});

describe('TLS', () => {
  const shake = (options: object) =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: box.port, rejectUnauthorized: false, ...options });
      socket.once('secureConnect', () => {
        resolve(`${socket.getProtocol()} ${socket.getCipher().name}`);
        socket.destroy();
      });
      socket.once('error', () => resolve('refused'));
    });

  it.each([
    'ECDHE-ECDSA-AES128-SHA256',
    'ECDHE-ECDSA-AES256-SHA384',
    'ECDHE-ECDSA-AES256-SHA',
    'AES128-SHA',
    'AES128-GCM-SHA256',
  ])('1.2 rejects %s', async (ciphers) => {
    expect(await shake({ maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` })).toBe('refused');
  });

  it('1.2 accepts AEAD ciphers, 1.3 all of its ciphers, and 1.1 is rejected', async () => {
    expect(await shake({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).toContain('GCM');
    expect(await shake({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' })).toContain('CHACHA20');
    expect(await shake({})).toMatch(/^TLSv1.3 /);
    expect(await shake({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' })).toBe('refused');
  });
});

describe('Connections', () => {
  it('of one client are limited, and others are still served', async () => {
    await using capped = await AdminWorld.open({ limits: { connectionsOfClient: 10 } });
    const sockets: TLSSocket[] = [];
    for (let count = 0; count < 30; count++) sockets.push(await capped.connect());
    await eventually(() => expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(10), { intervalMs: 20 });
    expect((await capped.ask('/healthz', { from: '127.0.0.2' })).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await eventually(async () => expect((await capped.ask('/healthz')).status).toBe(200), { timeoutMs: 5000 });
  });

  it('of all clients are limited', async () => {
    await using capped = await AdminWorld.open({ limits: { connections: 10 } });
    const sockets: TLSSocket[] = [];
    for (let count = 0; count < 20; count++) sockets.push(await capped.connect());
    await eventually(() => expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(10), { intervalMs: 20 });
    for (const socket of sockets) socket.destroy();
  });

  it.each([
    ['nothing', ''],
    ['half of its headers', 'GET / HTTP/1.1\r\nHost: localhost\r\n'],
    ['half of its body', 'POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{'],
  ])('are closed if a client sends %s', async (_what, bytes) => {
    await using impatient = await AdminWorld.open({ limits: { headersMs: 400, requestMs: 800 } });
    const socket = await impatient.connect();
    socket.resume().write(bytes);
    await eventually(() => expect(socket.destroyed).toBe(true), { timeoutMs: 5000, intervalMs: 50 });
  });

  it('of event streams stay open', async () => {
    await using impatient = await AdminWorld.open({ limits: { headersMs: 300, requestMs: 600 } });
    const stream = await impatient.start('/api/events', { headers: await impatient.bearer('viewer') });
    stream.resume();
    await sleep(2000);
    expect([stream.complete, stream.destroyed]).toEqual([false, false]);
    stream.on('error', () => {}).destroy();
  });
});
