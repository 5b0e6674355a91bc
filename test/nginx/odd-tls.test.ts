// TLS terminated by nginx: which hosts one connection may request, and the proxy's headers over TLS.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeCertificate } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, deadOnly, startOddNginx } from '../support/odd-nginx.ts';
import { type Endpoint, Http2Client, head, rawRequest, type TlsChoice, valuesOf } from '../support/raw-request.ts';

const one = { ssl_cert: 'one' };
const services = [
  aService('one', { lb: { ...one, hsts: 'true' } }),
  aService('same', { host: 'same.one.example.org', lb: one }),
  aService('locked', { host: 'locked.one.example.org', lb: { ...one, ssl_client_ca: 'ca' } }),
  aService('locked-elsewhere', { host: 'locked-elsewhere.one.example.org', lb: { ...one, ssl_client_ca: 'other-ca' } }),
  aService('two', { lb: { ssl_cert: 'two' } }),
  aService('dead', { host: 'dead.one.example.org', port: deadOnly, lb: { ...one, hsts: 'true' } }),
  aService('plain', { host: 'plain.one.example.org' }),
];

let folder: string;
let nginx: NginxContainer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'odd-tls-'));
  await makeCertificate(folder, 'one', { names: ['one.example.org', '*.one.example.org'] });
  await makeCertificate(folder, 'two', { names: ['two.example.org'] });
  for (const ca of ['ca', 'other-ca']) await makeCertificate(folder, ca, { names: [ca] });
  await makeCertificate(folder, 'alice', { names: ['alice'], issuer: 'ca' });
  const secrets = { one: pair('one'), two: pair('two'), ca: read('ca.crt'), 'other-ca': read('other-ca.crt') };
  nginx = await startOddNginx(services, { secrets, settings: { Config: { ConnectTimeout: 1 } } });
  return () => nginx[Symbol.asyncDispose]();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const pair = (name: string) => read(`${name}.crt`) + read(`${name}.key`);
const alice = () => ({ cert: read('alice.crt'), key: read('alice.key') });
const at = (servername: string, more: Partial<TlsChoice> = {}): Endpoint => ({
  port: nginx.tlsPort,
  tls: { servername, ...more },
});

describe('9: a connection for one.example.org', () => {
  it.each`
    host                                  | status
    ${'one.example.org'}                  | ${200}
    ${'ONE.example.org.:8443'}            | ${200}
    ${'same.one.example.org'}             | ${200}
    ${'two.example.org'}                  | ${421}
    ${'locked.one.example.org'}           | ${421}
    ${'locked-elsewhere.one.example.org'} | ${421}
    ${'plain.one.example.org'}            | ${421}
    ${'unknown.example.org'}              | ${421}
  `('answers $status for $host', async ({ host, status }) => {
    await using h2 = await Http2Client.open(at('one.example.org'));
    const target = `https://${host}/x`;

    const answers = [
      await h2.request({ headers: { ':authority': host, ':scheme': 'https', ':path': '/x' } }),
      await rawRequest(at('one.example.org'), head('GET /x HTTP/1.1', `Host: ${host}`)),
      await rawRequest(at('one.example.org'), head(`GET ${target} HTTP/1.1`, `Host: ${host}`)),
      await rawRequest(at('one.example.org'), head(`GET ${target} HTTP/1.1`, 'Host: one.example.org')),
      await rawRequest(at('one.example.org'), head(`GET ${target} HTTP/1.0`)),
    ];

    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => status));
  });

  it('keeps its HTTP/2 session after a 421', async () => {
    await using h2 = await Http2Client.open(at('one.example.org'));
    const ask = async (host: string) =>
      (await h2.request({ headers: { ':authority': host, ':scheme': 'https' } })).status;

    expect(await ask('one.example.org')).toBe(200);
    expect(await ask('two.example.org')).toBe(421);
    expect(await ask('same.one.example.org')).toBe(200);
  });
});

describe('9: a connection with a client certificate', () => {
  it.each`
    host                                  | status
    ${'locked.one.example.org'}           | ${200}
    ${'LOCKED.one.example.org:8443'}      | ${200}
    ${'locked-elsewhere.one.example.org'} | ${421}
    ${'one.example.org'}                  | ${421}
    ${'two.example.org'}                  | ${421}
  `('answers $status for $host', async ({ host, status }) => {
    const client = alice();
    await using h2 = await Http2Client.open(at('locked.one.example.org', { client }));

    const second = await h2.request({ headers: { ':authority': host, ':scheme': 'https' } });
    const first = await rawRequest(
      at('locked.one.example.org', { client }),
      head(`GET https://${host}/ HTTP/1.1`, 'Host: locked.one.example.org'),
    );

    expect([second.status, first.status]).toEqual([status, status]);
  });

  it('gets 403 without one', async () => {
    const answer = await rawRequest(
      at('locked.one.example.org'),
      head('GET / HTTP/1.1', 'Host: locked.one.example.org'),
    );

    expect(answer.status).toBe(403);
  });
});

describe('8: the routed host over TLS', () => {
  it('is that of an absolute target, whatever Host says', async () => {
    const report = arrived(
      await rawRequest(
        at('one.example.org'),
        head('GET https://SAME.one.example.org:444/x?y HTTP/1.1', 'Host: locked.one.example.org'),
      ),
    );

    expect(report.url).toBe('/x?y');
    expect(['host', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto'].map(report.header)).toEqual([
      'same.one.example.org:444',
      'same.one.example.org:444',
      '444',
      'https',
    ]);
  });

  it('has the HTTPS port if the client names none', async () => {
    const report = arrived(await rawRequest(at('one.example.org'), head('GET / HTTP/1.1', 'Host: one.example.org')));

    expect(report.header('x-forwarded-port')).toBe('443');
  });
});

describe('10: Strict-Transport-Security', () => {
  it.each`
    host                      | path       | expected
    ${'one.example.org'}      | ${'/'}     | ${'max-age=31536000'}
    ${'one.example.org'}      | ${'/hsts'} | ${'max-age=31536000'}
    ${'dead.one.example.org'} | ${'/'}     | ${'max-age=31536000'}
    ${'same.one.example.org'} | ${'/hsts'} | ${'max-age=60'}
  `('is sent once: $host $path', async ({ host, path, expected }) => {
    await using h2 = await Http2Client.open(at('one.example.org'));
    const first = await rawRequest(at(host), head(`GET ${path} HTTP/1.1`, `Host: ${host}`));
    const second = await h2.request({ headers: { ':authority': host, ':scheme': 'https', ':path': path } });

    for (const { headers } of [first, second])
      expect(valuesOf(headers, 'strict-transport-security')).toEqual([expected]);
  });
});
