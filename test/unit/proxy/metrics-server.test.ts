import { once } from 'node:events';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { type Identity, proxyName } from '../../../src/protocol/names.ts';
import { createMetricsServer } from '../../../src/proxy/metrics-server.ts';

const token = 'c0ffee'.repeat(10);
let identity: Identity;
let port: number;

beforeAll(async () => {
  identity = await issueIdentity(await createAuthority(Date.now()), proxyName('default'), Date.now());
  const server = createMetricsServer({ identity, token, metrics: async () => 'some_metric 1\n' }).listen(
    0,
    '127.0.0.1',
  );
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
