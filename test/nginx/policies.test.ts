// Policies, defaults, enforced values and default hosts, in the real nginx.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { get, startOddNginx } from '../support/odd-nginx.ts';
import { valuesOf } from '../support/raw-request.ts';

const Policies = {
  office: { allow: '198.51.100.0/24', 'response_header.X-Policy': 'office' },
  public: { 'response_header.X-Policy': 'public' },
};
const stack = { 'com.docker.stack.namespace': 'shop' };
const bare = (name: string, lb = {}, labels = {}) => ({ ...aService(name, { host: '', lb, labels }) });

describe('enforced values', () => {
  let nginx: NginxContainer;
  beforeAll(async () => {
    const services = [aService('app'), aService('against', { lb: { ssl_only: 'false' } }), bare('shop_web', {}, stack)];
    nginx = await startOddNginx(services, {
      settings: { Enforced: { ssl_only: true }, DefaultHost: '{service}.{stack}.apps.example.org' },
    });
  });
  afterAll(() => nginx[Symbol.asyncDispose]());

  it.each(['app.example.org', 'against.example.org', 'web.shop.apps.example.org'])(
    'redirect every host to HTTPS: %s',
    async (host) => {
      const answer = await get(nginx, host, '/x?y');

      expect(answer.status).toBe(301);
      expect(valuesOf(answer.headers, 'location')).toEqual([`https://${host}:8443/x?y`]);
    },
  );
});

describe('policies and defaults', () => {
  let nginx: NginxContainer;
  beforeAll(async () => {
    const services = [
      aService('office', { lb: { policy: 'office' } }),
      aService('public', { lb: { policy: 'public, office', allow: '0.0.0.0/0' } }),
      aService('unknown', { lb: { policy: 'ofice' } }),
      aService('default'),
      bare('shop_web', { policy: 'public' }, stack),
      bare('lone'),
      aService('groups', {
        lb: { '2.hosts': 'two.example.org', '2.port': '8080', '2.policy': 'office' },
      }),
    ];
    const anybody = ['0.0.0.0/0', '::/0'];
    nginx = await startOddNginx(services, {
      policies: Policies,
      settings: {
        TrustedProxies: anybody,
        ClientAddressHeader: 'True-Client-IP',
        DefaultHost: '{service}.{stack}.apps.example.org',
        Defaults: { response_header: { 'X-Policy': 'default' } },
      },
    });
  });
  afterAll(() => nginx[Symbol.asyncDispose]());

  it.each([
    ['office.example.org', '198.51.100.1', 200, 'office'],
    ['office.example.org', '192.0.2.1', 403, undefined],
    ['public.example.org', '192.0.2.1', 200, 'public'],
    ['unknown.example.org', '198.51.100.1', 503, undefined],
    ['default.example.org', '192.0.2.1', 200, 'default'],
    ['web.shop.apps.example.org', '192.0.2.1', 200, 'public'],
    ['lone.apps.example.org', '192.0.2.1', 200, 'default'],
    ['groups.example.org', '192.0.2.1', 200, 'default'],
    ['two.example.org', '192.0.2.1', 403, undefined],
    ['two.example.org', '198.51.100.1', 200, 'office'],
  ])('%s answers %s with %i and the header %s', async (host, address, status, header) => {
    const answer = await get(nginx, host, '/', { headers: [`True-Client-IP: ${address}`] });

    expect(answer.status).toBe(status);
    if (status === 200) expect(valuesOf(answer.headers, 'x-policy')).toEqual([header]);
  });
});
