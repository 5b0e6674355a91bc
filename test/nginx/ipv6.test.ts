// Setting `IPv6`, in the real nginx: clients and tasks at `::1`.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeCertificate } from '../support/material.ts';
import { containerPort, containerTlsPort, type NginxContainer } from '../support/nginx-container.ts';
import { arrived, get, ipv6Task, startOddNginx } from '../support/odd-nginx.ts';

const services = [
  aService('plain'),
  aService('task', { port: ipv6Task }),
  aService('secure', { lb: { ssl_cert: 'site', ssl_only: 'true' } }),
  aService('cert', { host: 'cert.example.org', lb: { ssl_cert: 'site', hsts: 'false' } }),
  aService('admitted', { lb: { allow: '::1' } }),
  aService('refused', { lb: { allow: '127.0.0.1' } }),
  aService('limited', { lb: { rate_limit: '1r/m burst=0' } }),
  aService('unknown', { host: '', lb: { default_backend: 'true', 'request_header.X-Default': '1' } }),
  aService('database', { labels: tcp({ tcp_port: '9500', allow: '::1' }) }),
  aService('shared-a', { labels: tcp({ tcp_port: '9501', tcp_tls: 'site', hosts: 'a.test' }) }),
  aService('shared-b', { labels: tcp({ tcp_port: '9501', tcp_tls: 'site', hosts: 'b.test', allow: '192.0.2.1' }) }),
];

/** No HTTP beside it. */
function tcp(values: Readonly<Record<string, string>>): Record<string, string> {
  const all = { hosts: '', ...values };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [`com.docker.lb.${name}`, value]));
}

let folder: string;
let nginx: NginxContainer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ipv6-'));
  await makeCertificate(folder, 'site', { names: ['secure.example.org', 'cert.example.org', 'a.test', 'b.test'] });
  const site = (await readFile(join(folder, 'site.crt'), 'utf8')) + (await readFile(join(folder, 'site.key'), 'utf8'));
  const settings = { IPv6: true, PublishMode: 'host', TcpPorts: [9500, 9501] };
  nginx = await startOddNginx(services, { secrets: { site }, settings });
});
afterAll(async () => {
  await nginx?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function overIpv6(host: string, ...args: readonly string[]): Promise<string> {
  return nginx.curl('--header', `Host: ${host}`, `http://[::1]:${containerPort}/x?q`, ...args);
}

const status = ['--output', '/dev/null', '--write-out', '%{http_code}'];
const headersOf = (report: string) => {
  const { rawHeaders } = JSON.parse(report) as { readonly rawHeaders: readonly string[] };
  return new Map(
    rawHeaders.flatMap((name, n) => (n % 2 === 0 ? [[name.toLowerCase(), rawHeaders[n + 1]] as const] : [])),
  );
};

describe('a client with an IPv6 address', () => {
  it('reaches a service, which sees the address', async () => {
    const headers = headersOf(await overIpv6('plain.example.org'));
    expect([headers.get('x-real-ip'), headers.get('x-forwarded-for')]).toEqual(['::1', '::1']);
  });

  it('reaches the service for unknown hosts, also by address', async () => {
    expect(headersOf(await overIpv6('anything.test')).get('x-default')).toBe('1');
    expect(headersOf(await nginx.curl(`http://[::1]:${containerPort}/`)).get('x-default')).toBe('1');
  });

  it('is redirected to HTTPS, and served there', async () => {
    expect(await overIpv6('secure.example.org', ...status)).toBe('301');
    for (const name of ['secure.example.org', 'cert.example.org']) {
      const url = `https://${name}:${containerTlsPort}/`;
      const report = await nginx.curl('--insecure', '--resolve', `${name}:${containerTlsPort}:[::1]`, url);
      expect(headersOf(report).get('x-forwarded-proto')).toBe('https');
    }
  });

  it('is compared with address lists, and counted by limits', async () => {
    expect(await overIpv6('admitted.example.org', ...status)).toBe('200');
    expect(await overIpv6('refused.example.org', ...status)).toBe('403');
    expect(await overIpv6('limited.example.org', ...status)).toBe('200');
    expect(await overIpv6('limited.example.org', ...status)).toBe('429');
  });

  it('reaches TCP ports, alone and with names', async () => {
    expect(headersOf(await nginx.curl('http://[::1]:9500/')).get('host')).toBe('[::1]:9500');
    const resolve = (name: string) => ['--insecure', '--resolve', `${name}:9501:[::1]`, `https://${name}:9501/`];
    expect(headersOf(await nginx.curl(...resolve('a.test'))).get('host')).toBe('a.test:9501');
    await expect(nginx.curl(...resolve('b.test'))).rejects.toThrow();
  });
});

describe('a client with an IPv4 address', () => {
  it('keeps its address', async () => {
    const report = await nginx.curl('--header', 'Host: plain.example.org', `http://127.0.0.1:${containerPort}/`);
    expect(headersOf(report).get('x-real-ip')).toBe('127.0.0.1');
    expect(
      await nginx.curl('--header', 'Host: refused.example.org', `http://127.0.0.1:${containerPort}/`, ...status),
    ).toBe('200');
  });
});

it('reaches tasks with IPv6 addresses', async () => {
  expect(arrived(await get(nginx, 'task.example.org', '/x'))).toMatchObject({ url: '/x', port: 9002 });
});
