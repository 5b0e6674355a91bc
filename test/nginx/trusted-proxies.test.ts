// Balancers in front of the proxies: address, scheme, host and port of the client apply if the balancer is trusted.
import { beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, get, startOddNginx, twoTasks } from '../support/odd-nginx.ts';
import { valuesOf } from '../support/raw-request.ts';

const services = [
  aService('plain'),
  aService('secure', { lb: { ssl_only: 'true' } }),
  aService('hsts', { lb: { ssl_cert: 'site', hsts: 'true' } }),
  aService('locked', { lb: { ssl_cert: 'site', ssl_client_ca: 'ca' } }),
  aService('upgraded', { lb: { redirects: 'http://upgraded.example.org,https://upgraded.example.org' } }),
  aService('moved', { lb: { redirects: 'http://moved.example.org,https://new.example.org' } }),
  aService('shut', { lb: { maintenance: 'true', maintenance_allow: '203.0.113.9, 2001:db8::/32' } }),
  aService('hashed', { port: twoTasks, lb: { ip_hash: 'true' } }),
];
const log = '/tmp/access.log';
const elsewhere = '10.255.255.0/24';

/** The test's own address, as nginx sees it. */
let client: string;
let untrusted: NginxContainer;

async function start(settings: object): Promise<NginxContainer> {
  const Config = { AccessLogPath: log };
  return startOddNginx(services, {
    secrets: { site: '', ca: '' },
    settings: { PublishMode: 'host', Config, ...settings },
  });
}

beforeAll(async () => {
  untrusted = await start({});
  client = String(arrived(await get(untrusted, 'plain.example.org')).header('x-real-ip'));
  return () => untrusted[Symbol.asyncDispose]();
});

const report = async (nginx: NginxContainer, ...headers: readonly string[]) =>
  arrived(await get(nginx, 'plain.example.org', '/', { headers }));
const location = async (nginx: NginxContainer, host: string, target: string, ...headers: readonly string[]) =>
  valuesOf((await get(nginx, host, target, { headers })).headers, 'location').join();

describe('12: an untrusted client', () => {
  const forged = [
    'X-Forwarded-For: 203.0.113.9',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: forged',
    'X-Forwarded-Port: 1',
  ];
  const everything = [...forged, 'Forwarded: for=203.0.113.9;proto=https;host=forged', 'CF-Connecting-IP: 203.0.113.9'];

  describe.each([
    ['without the setting', undefined],
    ['that is not in the list', [elsewhere]],
  ])('%s', (_, TrustedProxies) => {
    let nginx: NginxContainer;
    beforeAll(async () => {
      if (!TrustedProxies) {
        nginx = untrusted;
        return;
      }
      nginx = await start({ TrustedProxies });
      return () => nginx[Symbol.asyncDispose]();
    });

    it('changes nothing that the application sees', async () => {
      const { header } = await report(nginx, ...everything);

      expect(['for', 'proto', 'host', 'port'].map((name) => header(`x-forwarded-${name}`))).toEqual([
        client,
        'http',
        'plain.example.org',
        '80',
      ]);
      expect(header('x-real-ip')).toBe(client);
    });

    it('is redirected to HTTPS', async () => {
      const answer = await get(nginx, 'secure.example.org', '/a?b', { headers: everything });

      expect(answer.status).toBe(301);
      expect(valuesOf(answer.headers, 'location')).toEqual(['https://secure.example.org:8443/a?b']);
    });

    it('matches no allow list, gets no HSTS, and is hashed by its own address', async () => {
      expect((await get(nginx, 'shut.example.org', '/', { headers: everything })).status).toBe(503);
      const { headers } = await get(nginx, 'hsts.example.org', '/', { headers: everything });
      expect(valuesOf(headers, 'strict-transport-security')).toEqual([]);
      const ports = new Set<number>();
      for (let n = 0; n < 20; n++) {
        const headers = [`X-Forwarded-For: 198.51.${n}.7`];
        ports.add(arrived(await get(nginx, 'hashed.example.org', '/', { headers })).port);
      }
      expect(ports.size).toBe(1);
    });
  });
});

describe('12: a trusted balancer', () => {
  let nginx: NginxContainer;
  beforeAll(async () => {
    nginx = await start({ TrustedProxies: [client, elsewhere] });
    return () => nginx[Symbol.asyncDispose]();
  });

  it.each`
    header                                       | address
    ${'203.0.113.9'}                             | ${'203.0.113.9'}
    ${'198.51.100.1, 203.0.113.9'}               | ${'203.0.113.9'}
    ${'198.51.100.1,203.0.113.9,10.255.255.3'}   | ${'203.0.113.9'}
    ${'203.0.113.9, 10.255.255.3, 10.255.255.4'} | ${'203.0.113.9'}
    ${'forged, 203.0.113.9'}                     | ${'203.0.113.9'}
    ${'2001:db8::7'}                             | ${'2001:db8::7'}
  `("sets the client's address: X-Forwarded-For: $header", async ({ header, address }) => {
    const seen = await report(nginx, `X-Forwarded-For: ${header}`);

    expect([seen.header('x-real-ip'), seen.header('x-forwarded-for')]).toEqual([address, address]);
  });

  it('may send the header in several lines', async () => {
    const seen = await report(nginx, 'X-Forwarded-For: 198.51.100.1', 'X-Forwarded-For: 203.0.113.9, 10.255.255.3');

    expect([seen.header('x-real-ip'), seen.header('x-forwarded-for')]).toEqual(['203.0.113.9', '203.0.113.9']);
  });

  it.each([
    'Forwarded: for=203.0.113.9',
    'CF-Connecting-IP: 203.0.113.9',
    'True-Client-IP: 203.0.113.9',
    'X-Real-IP: 203.0.113.9',
    'X-Forwarded-For: garbage',
  ])('is itself the client without a valid header of the setting: %s', async (line) => {
    const seen = await report(nginx, line);

    expect([seen.header('x-real-ip'), seen.header('x-forwarded-for')]).toEqual([client, client]);
    for (const name of ['forwarded', 'cf-connecting-ip', 'true-client-ip']) expect(seen.header(name)).toBeUndefined();
  });

  it('sets scheme, host and port', async () => {
    const headers = ['X-Forwarded-Proto: https', 'X-Forwarded-Host: public.example.org', 'X-Forwarded-Port: 443'];

    const { header } = await report(nginx, ...headers);

    expect(['proto', 'host', 'port'].map((name) => header(`x-forwarded-${name}`))).toEqual([
      'https',
      'public.example.org',
      '443',
    ]);
  });

  it('implies the port by the scheme', async () => {
    expect((await report(nginx, 'X-Forwarded-Proto: https')).header('x-forwarded-port')).toBe('443');
    expect((await report(nginx, 'X-Forwarded-Proto: http')).header('x-forwarded-port')).toBe('80');
  });

  it.each(['ftp', 'https://', 'javascript', 'HTTPS evil', ''])('cannot set another scheme: %j', async (scheme) => {
    expect((await report(nginx, `X-Forwarded-Proto: ${scheme}`)).header('x-forwarded-proto')).toBe('http');
  });

  it('is not redirected with X-Forwarded-Proto: https, and is with http or without', async () => {
    const ask = async (...headers: string[]) => (await get(nginx, 'secure.example.org', '/', { headers })).status;

    expect(await ask('X-Forwarded-Proto: https')).toBe(200);
    expect(await ask('X-Forwarded-Proto: HTTPS')).toBe(200);
    expect(await ask('X-Forwarded-Proto: http')).toBe(301);
    expect(await ask()).toBe(301);
  });

  it('gets HSTS for HTTPS, and not for HTTP', async () => {
    const hsts = async (scheme: string) => {
      const headers = [`X-Forwarded-Proto: ${scheme}`];
      const answer = await get(nginx, 'hsts.example.org', '/hsts', { headers });
      return valuesOf(answer.headers, 'strict-transport-security');
    };

    expect(await hsts('https')).toEqual(['max-age=31536000']);
    expect(await hsts('http')).not.toContain('max-age=31536000');
  });

  it('is in an allow list by the address of the client', async () => {
    const ask = async (address: string) =>
      (await get(nginx, 'shut.example.org', '/', { headers: [`X-Forwarded-For: ${address}`] })).status;

    expect(await ask('203.0.113.9')).toBe(200);
    expect(await ask('2001:db8::1')).toBe(200);
    expect(await ask('203.0.113.8')).toBe(503);
    expect(await ask('203.0.113.9, 203.0.113.8')).toBe(503);
  });

  it('is hashed by the address of the client', async () => {
    const task = async (address: string) =>
      arrived(await get(nginx, 'hashed.example.org', '/', { headers: [`X-Forwarded-For: ${address}`] })).port;
    const addresses = Array.from({ length: 20 }, (_, n) => `198.51.${n}.7`);

    const first = await Promise.all(addresses.map(task));
    const second = await Promise.all(addresses.map(task));

    expect(new Set(first).size).toBe(2);
    expect(second).toEqual(first);
  });

  it('is logged by the address of the client', async () => {
    await report(nginx, 'X-Forwarded-For: 203.0.113.77');

    await eventually(async () => expect(await nginx.read(log)).toMatch(/^203\.0\.113\.77 /m), { timeoutMs: 10_000 });
  });

  it('does not change the request id', async () => {
    expect((await report(nginx, 'X-Request-ID: balancer-0001')).header('x-request-id')).toBe('balancer-0001');
  });
});

describe('12: ClientAddressHeader', () => {
  it.each([
    ['CF-Connecting-IP', [['203.0.113.9', '203.0.113.9']]],
    ['True-Client-IP', [['2001:db8::7', '2001:db8::7']]],
    [
      'Forwarded',
      [
        ['for=203.0.113.9;proto=https;host=public.example.org', '203.0.113.9'],
        ['for=198.51.100.1, for="203.0.113.9:4711"', '203.0.113.9'],
        ['For="[2001:db8::7]:4711";by=10.255.255.3', '2001:db8::7'],
        ['proto=http;for=203.0.113.9, for=10.255.255.3', '203.0.113.9'],
      ],
    ],
  ] as const)('may be %s', async (name, cases) => {
    await using nginx = await start({ TrustedProxies: [client, elsewhere], ClientAddressHeader: name });

    for (const [value, address] of cases) {
      const seen = await report(nginx, `${name}: ${value}`, 'X-Forwarded-For: 198.51.100.99');

      expect([value, seen.header('x-real-ip'), seen.header('x-forwarded-for')]).toEqual([value, address, address]);
      expect(seen.header(name)).toBeUndefined();
    }
  });
});

describe('12: the public port', () => {
  it.each`
    PublicSSLPort | authority
    ${443}        | ${'secure.example.org'}
    ${9443}       | ${'secure.example.org:9443'}
  `('is that of PublicSSLPort in redirects: $PublicSSLPort', async ({ PublicSSLPort, authority }) => {
    await using nginx = await start({ PublicSSLPort, PublicPort: 80, TrustedProxies: [client] });

    expect(await location(nginx, 'secure.example.org', '/a?b')).toBe(`https://${authority}/a?b`);
    expect(await location(nginx, 'secure.example.org:8080', '/a?b')).toBe(`https://${authority}/a?b`);
    expect(await location(nginx, 'moved.example.org', '/a?b')).toBe('https://new.example.org/a?b');
    // With the host that a trusted balancer sends.
    const headers = ['X-Forwarded-Host: public.example.org', 'X-Forwarded-Proto: http'];
    const named = authority.replace('secure', 'public');
    expect(await location(nginx, 'secure.example.org', '/a', ...headers)).toBe(`https://${named}/a`);
  });

  it('is that of PublicPort for applications if the client names none', async () => {
    await using nginx = await start({ PublicPort: 8000 });

    expect((await report(nginx)).header('x-forwarded-port')).toBe('8000');
    const named = arrived(await get(nginx, 'plain.example.org:81'));
    expect(named.header('x-forwarded-port')).toBe('81');
  });
});

describe('12: TLS terminated by a trusted balancer', () => {
  let nginx: NginxContainer;
  beforeAll(async () => {
    nginx = await start({ TrustedProxies: [`${client}/32`] });
    return () => nginx[Symbol.asyncDispose]();
  });
  const over = (scheme: string, host: string) =>
    get(nginx, `${host}.example.org`, '/x', { headers: [`X-Forwarded-Proto: ${scheme}`] });

  it('is not redirected to HTTPS again', async () => {
    expect((await over('http', 'upgraded')).status).toBe(302);
    expect((await over('https', 'upgraded')).status).toBe(200);
  });

  it('is not accepted by a host that requires client certificates', async () => {
    expect((await over('http', 'locked')).status).toBe(301);
    expect((await over('https', 'locked')).status).toBe(403);
  });
});
