// Labels `response_header.<Name>`, in the real nginx: for every status, each header once, and values as they are written.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeSite } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { get, oneDeadTask, startOddNginx } from '../support/odd-nginx.ts';
import { valuesOf } from '../support/raw-request.ts';

const policy = `default-src 'self'; report-uri "/csp?h=$host"\\`;
const headers = {
  'response_header.X-Frame-Options': 'DENY',
  'response_header.Content-Security-Policy': policy,
  'response_header.X-Powered-By': '',
};
const services = [
  aService('plain', { lb: headers }),
  aService('retried', { port: oneDeadTask, lb: headers }),
  aService('rewritten', { lb: { ...headers, context_root: '/app', context_root_rewrite: 'true' } }),
  aService('secured', { lb: { ...headers, ssl_cert: 'site', hsts: '600' } }),
  aService('other'),
];

let nginx: NginxContainer;
beforeAll(async () => {
  const site = await makeSite('secured.example.org');
  nginx = await startOddNginx(services, { secrets: { site } });
});
afterAll(() => nginx[Symbol.asyncDispose]());

const own = '?header=X-Frame-Options&value=SAMEORIGIN&header=X-Powered-By&value=app&header=X-Other&value=kept';

describe.each(['plain', 'retried', 'rewritten', 'secured'])('the response headers of %s', (name) => {
  const path = name === 'rewritten' ? '/app/x' : '/x';

  it.each([200, 204, 302, 404, 500])('replace those of the service with status %i', async (status) => {
    const answer = await get(nginx, `${name}.example.org`, `${path}${own}&status=${status}`);

    expect(answer.status).toBe(status);
    expect(valuesOf(answer.headers, 'x-frame-options')).toEqual(['DENY']);
    expect(valuesOf(answer.headers, 'content-security-policy')).toEqual([policy]);
    expect(valuesOf(answer.headers, 'x-powered-by')).toEqual([]);
    expect(valuesOf(answer.headers, 'x-other')).toEqual(['kept']);
  });

  it('leave headers of one connection hidden', async () => {
    const answer = await get(
      nginx,
      `${name}.example.org`,
      `${path}?header=Proxy-Connection&value=close&header=TE&value=x`,
    );

    expect(valuesOf(answer.headers, 'proxy-connection')).toEqual([]);
    expect(valuesOf(answer.headers, 'te')).toEqual([]);
  });
});

it("leave another service's headers alone", async () => {
  const answer = await get(nginx, 'other.example.org', `/x${own}`);

  expect(valuesOf(answer.headers, 'x-frame-options')).toEqual(['SAMEORIGIN']);
  expect(valuesOf(answer.headers, 'x-powered-by')).toEqual(['app']);
});
