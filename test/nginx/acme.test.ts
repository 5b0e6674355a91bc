import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkHost } from '../../src/cli/acme-checks.ts';
import type { Dns } from '../../src/lib/dns-records.ts';
import { accountLabels, accountName, certificateLabels, certificateName } from '../../src/model/acme/certificates.ts';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import type { Route } from '../../src/model/route.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import type { StoredObject } from '../../src/model/snapshot.ts';
import type { OrderResponse } from '../../src/protocol/acme-messages.ts';
import { createAuthority } from '../../src/protocol/certificates.ts';
import { extensionName } from '../../src/protocol/names.ts';
import { AcmeContainers } from '../support/acme/containers.ts';
import { aNetwork, aService } from '../support/builders.ts';
import { render } from '../support/golden.ts';
import { containerPort, containerTlsPort, NginxContainer } from '../support/nginx-container.ts';
import { curlAt } from '../support/nginx-tls.ts';

/** Hosts whose other labels would keep a challenge from being answered. */
const acme = { acme: 'true' };
const services = [
  aService('plain', { lb: acme }),
  aService('several', { host: 'one.example.org, two.example.org', lb: acme }),
  aService('secure', { lb: { ...acme, ssl_only: 'true' } }),
  aService('moved', { lb: { ...acme, redirects: 'http://moved.example.org,http://www.example.org' } }),
  aService('shut', { lb: { ...acme, maintenance: 'true' } }),
  aService('rooted', { lb: { ...acme, context_root: '/app', context_root_rewrite: 'true' } }),
  aService('fenced', { lb: { ...acme, allow: '192.0.2.1' } }),
  aService('own', {}),
];
const application = ['server { listen 127.0.0.1:9001; location / { return 200 "application $request_uri"; } }'];
const directory = 'https://pebble:14000/dir';
const issuer = { name: 'pebble', Directory: directory };

let containers: AcmeContainers;
let nginx: NginxContainer;

beforeAll(async () => {
  [containers, nginx] = await Promise.all([AcmeContainers.start(), NginxContainer.start()]);
  await containers.leadTo(await nginx.join(containers.network));
  await nginx.serve(configuration([]));
  return async () => {
    await nginx[Symbol.asyncDispose]();
    await containers[Symbol.asyncDispose]();
  };
});

const stored = (name: string, labels: Record<string, string>): StoredObject => ({
  id: name,
  name,
  createdAt: '',
  labels,
});

/** What the proxies serve with these certificates. */
function configuration(certificates: readonly StoredObject[]): string {
  const settings = parseSettings(
    {
      Acme: { pebble: { Directory: directory, Email: 'ops@example.org', AcceptTerms: true } },
      Extensions: {
        default: {
          TargetPort: containerPort,
          TargetSSLPort: containerTlsPort,
          PublishMode: 'host',
          Config: { HTTPOptions: application },
        },
      },
    },
    '1',
  ).settings;
  const { thumbprint } = containers.account;
  const account = stored(accountName(issuer), accountLabels({ issuer: 'pebble', directory, thumbprint }));
  const secrets = [account, ...certificates];
  const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
  const [state] = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing, secrets }, settings).clusters;
  const input = toRenderInput(state!);
  return render({ ...input, routes: input.routes.map(onLoopback) }).files[0]!.text;
}

function onLoopback(route: Route): Route {
  if (route.backend.kind === 'unavailable') return route;
  return { ...route, backend: { kind: 'peers', peers: [{ address: '127.0.0.1', port: 9001, resolve: false }] } };
}

const token = 'LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0';
const challenge = `/.well-known/acme-challenge/${token}`;
const http = (host: string, path: string) => nginx.ask({ host: `${host}.example.org`, path });

function issued(response: OrderResponse) {
  if (response.kind !== 'issued') throw new Error(response.failure.reason);
  return response;
}

describe('challenges over HTTP', () => {
  it.each(['plain', 'one', 'two', 'secure', 'moved', 'shut', 'rooted', 'fenced'])(
    'are answered by every proxy, whatever other labels say: %s',
    async (host) => {
      const { status, body } = await http(host, challenge);
      expect([status, body]).toEqual([200, `${token}.${containers.account.thumbprint}`]);
    },
  );

  it.each([
    '/.well-known/acme-challenge/',
    `${challenge}/x`,
    `/x${challenge}`,
    `${challenge}%0a`,
    '/.well-known/acme-challenge/short',
  ])('are answered for tokens only: %s', async (path) => {
    const { body } = await http('plain', path);
    expect(body).not.toContain(containers.account.thumbprint);
  });

  it('go to the service of a host without an issuer', async () => {
    expect((await http('own', challenge)).body).toBe(`application ${challenge}`);
  });

  it('are found by the check before an order', async () => {
    const none = () => Promise.reject(Object.assign(new Error(), { code: 'ENODATA' }));
    const dns = { resolve4: async () => ['127.0.0.1'], resolve6: none, resolveCaa: none } as unknown as Dns;
    const isReady = async (host: string) =>
      (await checkHost(`${host}.example.org`, { dns, port: nginx.port })).every(({ ok }) => ok);

    expect(await isReady('secure')).toBe(true);
    expect(await isReady('shut')).toBe(true);
    expect(await isReady('own')).toBe(false);
  });

  it('leave the remaining configuration as it is: no application in clear text before there is a certificate', async () => {
    const { status, body, headers } = await http('plain', '/');
    expect([status, headers['retry-after']]).toEqual([503, '5']);
    expect(body).toContain('certificate for this host is being ordered');
    expect((await http('moved', '/x')).headers.location).toBe('http://www.example.org/x');
    expect((await curlAt(nginx.tlsPort, 'plain.example.org')).verbose).toContain('unrecognized name');
  });
});

describe('orders', () => {
  it('succeed through the proxies, although the CA rejects half of the nonces', async () => {
    for (const name of ['plain', 'secure', 'moved', 'shut', 'rooted', 'fenced'].map((host) => `${host}.example.org`)) {
      const { chain, key, names, notAfter, notBefore } = issued(await containers.order([name], { profile: 'default' }));
      expect(names).toEqual([name]);
      const leaf = new X509Certificate(chain);
      expect(leaf.checkHost(name)).toBe(name);
      expect(key).toContain('PRIVATE KEY');
      expect(Math.round((notAfter - notBefore) / 86_400_000)).toBe(90);
    }
  });

  it('are served by the proxies', async () => {
    const { chain, key, ...facts } = issued(await containers.order(['plain.example.org']));
    const name = certificateName('plain.example.org', chain);
    await nginx.write('/run/secrets', { [name]: chain + key });
    await nginx.reload(configuration([stored(name, certificateLabels({ issuer: 'pebble', profile: '', ...facts }))]));
    const answer = () => curlAt(nginx.tlsPort, 'plain.example.org', '--insecure');
    await expect.poll(async () => (await answer()).out, { timeout: 10_000 }).toContain('application /');
    expect((await http('plain', challenge)).body).toBe(`${token}.${containers.account.thumbprint}`);
    expect((await http('one', '/')).status).toBe(503);
  });

  it('honor the profile and the type of key, and say when to renew', async () => {
    const response = issued(
      await containers.order(['plain.example.org'], { profile: 'shortlived', keyType: 'rsa2048' }),
    );
    expect(Math.round((response.notAfter - response.notBefore) / 86_400_000)).toBe(6);
    expect(new X509Certificate(response.chain).publicKey.asymmetricKeyType).toBe('rsa');
    const { window, againAfterMs } = await containers.renewalInfo(response.ari);
    expect(window!.start).toBeGreaterThan(response.notBefore);
    expect(window!.end).toBeLessThan(response.notAfter);
    expect(againAfterMs).toBeGreaterThan(0);
  });

  it('bind external accounts', async () => {
    const bound = { directory: 'https://pebble:14001/dir' };
    expect(await containers.order(['plain.example.org'], bound)).toMatchObject({
      kind: 'failed',
      failure: { kind: 'account' },
    });
    issued(
      await containers.order(['plain.example.org'], {
        ...bound,
        externalAccountKid: 'kid-1',
        externalAccountSecret: 'hmac',
      }),
    );
  });

  it('use the DNS for wildcards, with RFC 2136, and clean up', async () => {
    const dns = {
      directory: 'https://pebble:14002/dir',
      challenge: 'dns-01',
      dnsProvider: 'rfc2136',
      dnsSecret: 'dns',
    };
    const { names } = issued(await containers.order(['*.dns.test'], dns));
    expect(names).toEqual(['*.dns.test']);
    expect(await containers.txtRecords('_acme-challenge.dns.test')).toBe('');
  });

  it.each([
    ['own.example.org', {}, 'unauthorized', /did not match this challenge/],
    ['blocked.test', {}, 'other', /forbidden/],
    ['plain.example.org', { directory: 'https://pebble:1/dir' }, 'unreachable', /refused/],
    ['plain.example.org', { ca: '' }, 'unreachable', /not trusted/],
    ['plain.example.org', { profile: 'nothing' }, 'account', /profile/],
    ['plain.example.org', { accountKey: 'nothing' }, 'account', /not mounted/],
    ['x.other.test', { challenge: 'dns-01', dnsProvider: 'rfc2136', dnsSecret: 'hmac' }, 'dns', /line 1/],
  ] as const)('fail with a plain reason: %s %j', async (name, more, kind, reason) => {
    const response = await containers.order([name], more);
    expect(response).toMatchObject({ kind: 'failed', failure: { kind, reason: expect.stringMatching(reason) } });
  });
});

describe('the service', () => {
  it('accepts only the controller', async () => {
    const other = await createAuthority(Date.now());
    await expect(containers.call('GET', '/health', {}, other)).rejects.toThrow();
    expect(
      (await containers.call('GET', '/health', {}, await containers.identity(extensionName('default')))).status,
    ).toBe(403);
    expect((await containers.call('GET', '/health')).status).toBe(204);
    expect((await containers.call('POST', '/order', { names: ['--help'] })).status).toBe(400);
  });

  it('leaves no keys behind and logs no secrets', async () => {
    expect(await containers.remainders()).not.toContain('order-');
    const log = await containers.log();
    expect(log).toContain('Certificate issued');
    for (const secret of containers.secretTexts()) expect(log).not.toContain(secret);
  });
});
