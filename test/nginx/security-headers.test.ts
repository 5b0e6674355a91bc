// Label `security_headers`, in the real nginx: each header once, on every status.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeSite } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { get, http2Port, oneDeadTask, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, valuesOf } from '../support/raw-request.ts';

const strict = { security_headers: 'strict' };
const services = [
  aService('basic', { lb: { security_headers: 'true' } }),
  aService('strict', { lb: strict }),
  aService('retried', { port: oneDeadTask, lb: strict }),
  aService('rewritten', { lb: { ...strict, context_root: '/app', context_root_rewrite: 'true' } }),
  aService('secured', { lb: { ...strict, ssl_cert: 'site', hsts: '600' } }),
  aService('calls', { port: http2Port, lb: { ...strict, backend_protocol: 'grpc' } }),
  aService('own', {
    lb: {
      ...strict,
      'response_header.x-frame-options': 'SAMEORIGIN',
      'response_header.Content-Security-Policy': '',
      'response_header.Referrer-Policy': '',
    },
  }),
  aService('other'),
];

let nginx: NginxContainer;
beforeAll(async () => {
  const site = await makeSite('secured.example.org');
  nginx = await startOddNginx(services, { secrets: { site } });
});
afterAll(() => nginx[Symbol.asyncDispose]());

const query = (own: Readonly<Record<string, string | readonly string[]>>) =>
  Object.entries(own)
    .flatMap(([name, values]) => [values].flat().map((value) => `header=${name}&value=${encodeURIComponent(value)}`))
    .join('&');
const names = [
  ...['x-content-type-options', 'x-frame-options', 'referrer-policy', 'permissions-policy'],
  ...['cross-origin-opener-policy', 'cross-origin-resource-policy', 'x-permitted-cross-domain-policies'],
  'content-security-policy',
];
const own = {
  'X-Frame-Options': ['ALLOWALL', 'ALLOWALL'],
  'Referrer-Policy': 'unsafe-url',
  'Cross-Origin-Opener-Policy': 'unsafe-none',
  'Content-Security-Policy': "default-src 'none'",
};

describe.each(['strict', 'retried', 'rewritten', 'secured'])('strict headers of %s', (name) => {
  const path = name === 'rewritten' ? '/app/x' : '/x';

  it.each([200, 204, 302, 404, 500])('are sent once, with status %i', async (status) => {
    const answer = await get(nginx, `${name}.example.org`, `${path}?status=${status}`);

    expect(answer.status).toBe(status);
    for (const each of names) expect(valuesOf(answer.headers, each), each).toHaveLength(1);
    expect(valuesOf(answer.headers, 'content-security-policy')[0]).toContain("frame-ancestors 'none'");
  });

  it("replace the service's own, except its Content-Security-Policy", async () => {
    const answer = await get(nginx, `${name}.example.org`, `${path}?${query(own)}`);

    expect(valuesOf(answer.headers, 'x-frame-options')).toEqual(['DENY']);
    expect(valuesOf(answer.headers, 'referrer-policy')).toEqual(['no-referrer']);
    expect(valuesOf(answer.headers, 'cross-origin-opener-policy')).toEqual(['same-origin']);
    expect(valuesOf(answer.headers, 'content-security-policy')).toEqual(["default-src 'none'"]);
  });
});

describe('basic headers', () => {
  it.each([200, 404, 500])('are added with status %i', async (status) => {
    const answer = await get(nginx, 'basic.example.org', `/x?status=${status}`);

    expect(valuesOf(answer.headers, 'x-content-type-options')).toEqual(['nosniff']);
    expect(valuesOf(answer.headers, 'x-frame-options')).toEqual(['SAMEORIGIN']);
    expect(valuesOf(answer.headers, 'referrer-policy')).toEqual(['strict-origin-when-cross-origin']);
    expect(valuesOf(answer.headers, 'permissions-policy')).toHaveLength(1);
    expect(valuesOf(answer.headers, 'content-security-policy')).toEqual([]);
  });

  it("do not weaken the service's own", async () => {
    const answer = await get(nginx, 'basic.example.org', `/x?${query({ 'X-Frame-Options': 'DENY' })}`);

    expect(valuesOf(answer.headers, 'x-frame-options')).toEqual(['DENY']);
    expect(valuesOf(answer.headers, 'x-content-type-options')).toEqual(['nosniff']);
  });
});

it('response_header.<Name> replaces and removes single headers', async () => {
  const answer = await get(nginx, 'own.example.org', `/x?${query(own)}`);

  expect(valuesOf(answer.headers, 'x-frame-options')).toEqual(['SAMEORIGIN']);
  expect(valuesOf(answer.headers, 'content-security-policy')).toEqual([]);
  expect(valuesOf(answer.headers, 'referrer-policy')).toEqual([]);
  expect(valuesOf(answer.headers, 'x-content-type-options')).toEqual(['nosniff']);
});

it('are sent over TLS with HTTP/2, beside HSTS', async () => {
  await using client = await Http2Client.open({ port: nginx.tlsPort, tls: { servername: 'secured.example.org' } });
  const { headers } = await client.request({ headers: { ':authority': 'secured.example.org', ':path': '/x' } });

  for (const each of names) expect(valuesOf(headers, each), each).toHaveLength(1);
  expect(valuesOf(headers, 'strict-transport-security')).toEqual(['max-age=600']);
});

it('are sent with gRPC', async () => {
  await using client = await Http2Client.open({ port: nginx.port });
  const answer = await client.request({
    headers: { ':authority': 'calls.example.org', ':method': 'POST', ':path': `/s/M?${query(own)}` },
  });

  expect(answer.status).toBe(200);
  expect(valuesOf(answer.headers, 'x-frame-options')).toEqual(['DENY']);
});

it("leave another service's headers alone", async () => {
  const answer = await get(nginx, 'other.example.org', `/x?${query(own)}`);

  expect(valuesOf(answer.headers, 'x-frame-options')).toEqual(['ALLOWALL', 'ALLOWALL']);
  expect(valuesOf(answer.headers, 'x-content-type-options')).toEqual([]);
});
