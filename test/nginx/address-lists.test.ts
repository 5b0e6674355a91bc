// Labels `allow` and `deny`, in the real nginx: every way of reaching a service is checked, with the address that
// counts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { get, oneDeadTask, startOddNginx } from '../support/odd-nginx.ts';
import { head, rawRequest } from '../support/raw-request.ts';

const everybody = '0.0.0.0/0, ::/0';
const services = [
  aService('listed', { lb: { allow: '198.51.100.0/24, 2001:db8::/32' } }),
  aService('denied', { lb: { deny: '198.51.100.7', allow: '198.51.100.0/24' } }),
  aService('rewritten', { lb: { allow: '198.51.100.0/24', context_root: '/app', context_root_rewrite: 'true' } }),
  aService('retried', { port: oneDeadTask, lb: { allow: '198.51.100.0/24' } }),
  aService('shut', { lb: { deny: everybody } }),
  aService('calls', { lb: { backend_protocol: 'grpc', deny: everybody } }),
  aService('mistyped', { lb: { allow: '198.51.100.0/33' } }),
  aService('other'),
];

let nginx: NginxContainer;
beforeAll(async () => {
  const anybody = ['0.0.0.0/0', '::/0'];
  nginx = await startOddNginx(services, {
    settings: { TrustedProxies: anybody, ClientAddressHeader: 'True-Client-IP' },
  });
});
afterAll(() => nginx[Symbol.asyncDispose]());

const ask = (name: string, address: string, path = '/x', ...more: readonly string[]) =>
  rawRequest(
    { port: nginx.port },
    head(`GET ${path} HTTP/1.1`, `Host: ${name}.example.org`, `True-Client-IP: ${address}`, ...more),
  );

describe('a service with lists of addresses', () => {
  it.each([
    ['listed', '198.51.100.1', 200],
    ['listed', '2001:db8::1', 200],
    ['listed', '198.51.101.1', 403],
    ['listed', '2001:db9::1', 403],
    ['denied', '198.51.100.8', 200],
    ['denied', '198.51.100.7', 403],
    ['denied', '192.0.2.1', 403],
    ['retried', '198.51.100.1', 200],
    ['retried', '192.0.2.1', 403],
    ['shut', '192.0.2.1', 403],
    ['shut', '2001:db8::1', 403],
    ['mistyped', '198.51.100.1', 503],
    ['other', '192.0.2.1', 200],
  ])('%s answers %s with %i', async (name, address, status) => {
    expect((await ask(name, address)).status).toBe(status);
  });

  it.each(['/app', '/app/x', '/app/./x', '//app/x', '/%61pp/x'])(
    'is as strict under its context root: %s',
    async (path) => {
      expect((await ask('rewritten', '198.51.100.1', path)).status).toBe(200);
      expect((await ask('rewritten', '192.0.2.1', path)).status).toBe(403);
    },
  );

  it('is as strict for bodies that nginx streams', async () => {
    const large = ['POST /x HTTP/1.1', 'Host: listed.example.org', 'Content-Length: 4000000', 'Connection: close'];
    const answer = await rawRequest({ port: nginx.port }, head(...large, 'True-Client-IP: 192.0.2.1'));

    expect(answer.status).toBe(403);
  });

  it('answers 403 with a page', async () => {
    const { body, status } = await get(nginx, 'shut.example.org', '/');

    expect(status).toBe(403);
    expect(body.toString()).toContain('The request is not allowed.');
  });
});
