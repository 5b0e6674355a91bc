import { once } from 'node:events';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { acceptToken, createMetricsServer, ownAddressIn } from '../../../src/protocol/metrics-server.ts';
import { type Identity, proxyName } from '../../../src/protocol/names.ts';

const token = 'c0ffee'.repeat(10);
let identity: Identity;
let port: number;

beforeAll(async () => {
  identity = await issueIdentity(await createAuthority(Date.now()), proxyName('default'), Date.now());
  const server = createMetricsServer({
    identity,
    isAllowed: acceptToken(token),
    metrics: async () => 'some_metric 1\n',
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
  afterAll(() => void server.close());
});

type Question = { method?: string; path?: string; authorization?: string; more?: Record<string, string> };

async function ask(options: Question = {}) {
  const { method = 'GET', path = '/metrics', authorization = `Bearer ${token}`, more = {} } = options;
  const headers = authorization === '' ? more : { authorization, ...more };
  // Like a configured Prometheus: with the CA and the name in the certificate.
  const trust = { ca: identity.ca, servername: proxyName('default') };
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string; type: string }>();
  request({ host: '127.0.0.1', port, method, path, headers, ...trust, agent: false }, (response) => {
    const type = response.headers['content-type'] ?? '';
    readText(response).then((body) => resolve({ status: response.statusCode!, body, type }), reject);
  })
    .on('error', reject)
    .end();
  return promise;
}

describe('metrics of a proxy', () => {
  it('are returned with the right token', async () => {
    expect(await ask()).toEqual({
      status: 200,
      body: 'some_metric 1\n',
      type: expect.stringContaining('text/plain; version=0.0.4'),
    });
  });

  it.each([
    '',
    'Bearer',
    'Bearer ',
    token,
    `Basic ${token}`,
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token}0`,
    `Bearer ${token.toUpperCase()}`,
  ])('are not returned for %j', async (authorization) => {
    expect(await ask({ authorization })).toEqual({ status: 401, body: '', type: '' });
    expect((await ask({ authorization, path: '/other' })).status).toBe(401);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])('are not found for %s', async (method) => {
    expect((await ask({ method })).status).toBe(405);
  });

  it.each(['/', '/metrics/', '/metrics?x', '//metrics'])('are not found at %s', async (path) => {
    expect((await ask({ path })).status).toBe(404);
  });

  it('are not returned to a client with long headers', async () => {
    expect((await ask({ more: { 'x-long': 'x'.repeat(8000) } })).status).toBe(431);
  });
});

describe('metrics for one network', () => {
  /** Linux also accepts 127.0.0.1 as a client of the addresses 127.0.0.2 and so on. */
  const read = async (onlyFrom: readonly string[], localAddress = '127.0.0.1', host = '127.0.0.1') => {
    const server = createMetricsServer({
      identity,
      isAllowed: () => true,
      onlyFrom,
      metrics: async () => 'metric 1\n',
    });
    server.listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { promise, resolve } = Promise.withResolvers<string>();
    const options = { host, port, path: '/metrics', localAddress, agent: false, rejectUnauthorized: false };
    request(options, (response) => void readText(response).then(resolve))
      .on('error', ({ code }: NodeJS.ErrnoException) => resolve(code!))
      .end();
    return promise.finally(() => server.close());
  };

  it('are returned to its clients without a token', async () => {
    expect(await read(['127.0.0.0/30'])).toBe('metric 1\n');
  });

  it('are not returned to a client elsewhere, even at the right address', async () => {
    expect(await read(['127.0.0.0/30'], '127.0.0.9')).toBe('ECONNRESET');
  });

  it('are not returned at another address', async () => {
    expect(await read(['127.0.0.0/30'], '127.0.0.1', '127.0.0.9')).toBe('ECONNRESET');
  });

  it.each([[[]], [['10.0.0.0/8']], [['not a subnet']], [['']]])(
    'are returned to nobody in the subnets %j',
    async (none) => {
      expect(await read(none)).toBe('ECONNRESET');
    },
  );

  it('are served at the address of the task, not at the virtual address of its service', () => {
    const ipv4 = (address: string, netmask: string) => ({
      ...{ address, netmask, family: 'IPv4' as const, mac: '', internal: false, cidr: null },
    });
    const interfaces = {
      lo: [ipv4('127.0.0.1', '255.0.0.0')],
      eth0: [ipv4('10.0.2.3', '255.255.255.0')],
      eth1: [ipv4('10.0.1.2', '255.255.255.255'), ipv4('10.0.1.9', '255.255.255.0')],
    };

    expect(ownAddressIn(['10.0.1.0/24'], interfaces)).toBe('10.0.1.9');
    expect(ownAddressIn(['10.0.9.0/24'], interfaces)).toBeUndefined();
    expect(ownAddressIn([], interfaces)).toBeUndefined();
  });
});
