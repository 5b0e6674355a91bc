import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { checkHost } from '../../../src/cli/acme-checks.ts';
import type { Dns } from '../../../src/lib/dns-records.ts';

const thumbprint = 'x'.repeat(43);
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Listens on the port at an address of this machine. */
async function listen(address: string, answer: RequestListener, port = 0): Promise<number> {
  const server = createServer(answer).listen(port, address);
  await new Promise((resolve) => server.once('listening', resolve));
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const asProxy =
  (own = thumbprint): RequestListener =>
  ({ url, headers }, response) => {
    const token = url!.slice(url!.lastIndexOf('/') + 1);
    response.end(headers.host === 'app.example.org' ? `${token}.${own}\n` : 'another host');
  };

const absent = (code = 'ENODATA') => Promise.reject(Object.assign(new Error(code), { code }));

/** Records by name. */
function dnsWith(v4: readonly string[], v6: readonly string[] = [], caa: Record<string, object[]> = {}): Dns {
  return {
    resolve4: () => (v4.length === 0 ? absent() : Promise.resolve([...v4])),
    resolve6: () => (v6.length === 0 ? absent() : Promise.resolve([...v6])),
    resolveCaa: (name: string) => (caa[name] === undefined ? absent() : Promise.resolve(caa[name])),
  } as unknown as Dns;
}

const shown = async (host: string, options: Parameters<typeof checkHost>[1]) =>
  (await checkHost(host, options)).map(({ ok, check, text }) => `${ok ? '+' : '-'} ${check} ${text}`);

describe('the check before an order', () => {
  it('succeeds if every address answers the challenge of the host', async () => {
    const port = await listen('127.0.0.1', asProxy());
    await listen('127.0.0.2', asProxy(), port);

    expect(await shown('app.example.org', { dns: dnsWith(['127.0.0.1', '127.0.0.2']), port })).toEqual([
      '+ dns app.example.org is 127.0.0.1, 127.0.0.2',
      '+ http 127.0.0.1 answers challenges',
      '+ http 127.0.0.2 answers challenges',
      '+ caa no CAA records: any CA may issue',
    ]);
  });

  it('says which address does not answer, and which answers something else', async () => {
    const port = await listen('127.0.0.1', (_, response) => response.writeHead(404).end('nothing here'));

    const checks = await shown('app.example.org', { dns: dnsWith(['127.0.0.1', '127.0.0.2']), port });

    expect(checks[1]).toMatch(/^- http 127\.0\.0\.1 answers a challenge with 404: it is not a proxy/);
    expect(checks[2]).toMatch(/^- http 127\.0\.0\.2 does not answer on port \d+: connection refused$/);
  });

  it('finds a server that repeats the path, and one that never answers', async () => {
    const port = await listen('127.0.0.1', ({ url }, response) => response.end(url));
    await listen('127.0.0.2', () => {}, port);

    const checks = await shown('app.example.org', {
      ...{ dns: dnsWith(['127.0.0.1', '127.0.0.2']), port, timeoutMs: 300 },
    });

    expect(checks[1]).toContain('- http 127.0.0.1 answers a challenge with 200');
    expect(checks[2]).toContain('no answer within 0.3 s');
  });

  it('finds addresses of different swarms', async () => {
    const port = await listen('127.0.0.1', asProxy());
    await listen('127.0.0.2', asProxy('y'.repeat(43)), port);

    const checks = await shown('app.example.org', { dns: dnsWith(['127.0.0.1', '127.0.0.2']), port });

    expect(checks).toContain('- http the addresses answer for different accounts: they are different swarms');
  });

  it('says that a host has no addresses, or that DNS fails', async () => {
    expect((await shown('app.example.org', { dns: dnsWith([]) }))[0]).toContain('- dns app.example.org has neither');
    const failing = { ...dnsWith([]), resolve4: () => absent('ETIMEOUT') } as unknown as Dns;
    expect((await shown('app.example.org', { dns: failing }))[0]).toContain('- dns app.example.org cannot be resolved');
  });
});

describe('CAA records', () => {
  const check = async (host: string, caa: Record<string, object[]>) =>
    (await shown(host, { dns: dnsWith([], [], caa) })).at(-1);

  it.each([
    [
      'app.example.org',
      [{ critical: 0, issue: 'letsencrypt.org; validationmethods=http-01' }],
      '+ caa CAA records of example.org allow only letsencrypt.org',
    ],
    [
      'app.example.org',
      [{ critical: 0, issue: ';' }],
      '- caa CAA records of example.org forbid certificates: name the CA in them',
    ],
    [
      'app.example.org',
      [{ critical: 0, iodef: 'mailto:x@example.org' }],
      '+ caa CAA records of example.org name no CA: any may issue',
    ],
    [
      '*.example.org',
      [
        { critical: 0, issue: 'a.test' },
        { critical: 0, issuewild: 'b.test' },
      ],
      '+ caa CAA records of example.org allow only b.test',
    ],
  ])('of the closest name that has some decide: %s, %j', async (host, records, expected) => {
    expect(await check(host, { 'example.org': records, org: [{ critical: 0, issue: 'other.test' }] })).toBe(expected);
  });

  it('are the only records checked for a wildcard', async () => {
    expect(await shown('*.example.org', { dns: dnsWith([]) })).toEqual([
      '+ dns *.example.org is a wildcard: its challenge is a TXT record, not a request',
      '+ caa no CAA records: any CA may issue',
    ]);
  });
});
