// CAs from Docker secrets: client certificates, verified services, and an invalid CA beside them.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bed,
  curl,
  demo,
  echo,
  eventually,
  InterlockStory,
  ping,
  problemsOf,
  published,
  settled,
} from '../support/interlock.ts';
import { makeCertificate, makeRevocationList } from '../support/material.ts';

const story = new InterlockStory();
const secrets = [
  'site.crt',
  'site.key',
  'clients.crt',
  'backend.crt',
  'inside.crt',
  'inside.key',
  'broken.crt',
  'clients.crl',
];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'story-authorities-'));
  await makeCertificate(folder, 'site', { names: ['*.local'] });
  await makeCertificate(folder, 'clients', { names: ['clients'] });
  await makeCertificate(folder, 'backend', { names: ['backend'] });
  await makeCertificate(folder, 'alice', { names: ['alice'], issuer: 'clients' });
  await makeCertificate(folder, 'revoked', { names: ['revoked'], issuer: 'clients' });
  await makeRevocationList(folder, 'clients', 'clients', ['revoked']);
  await makeCertificate(folder, 'mallory', { names: ['mallory'], issuer: 'backend' });
  await makeCertificate(folder, 'inside', { names: ['inside.internal'], issuer: 'backend' });
  await writeFile(join(folder, 'broken.crt'), '-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n');
  for (const name of secrets) await bed.docker('secret', 'create', name, join(folder, name));
  await story.docker('network create -d overlay demo');
  const site = 'ssl_cert=site.crt ssl_key=site.key';
  await create('guarded', `${site} ssl_client_ca=clients.crt`);
  await create('greeted', `${site} ssl_client_ca=clients.crt ssl_client_verify=optional`);
  await create('revoking', `${site} ssl_client_ca=clients.crt ssl_client_crl=clients.crl`);
  await create('shut', `${site} ssl_client_ca=broken.crt`);
  await create('verified', `${verifying('backend.crt')} ssl_backend_name=inside.internal`, withTls);
  await create('misnamed', verifying('backend.crt'), withTls);
  await create('distrusted', `${verifying('broken.crt')} ssl_backend_name=inside.internal`, withTls);
  await published('greeted.local', 'verified.local', { host: 'greeted.local', path: '/ping', tls: true });
}, 300_000);

afterAll(async () => {
  await story.close();
  await settled();
  for (const name of secrets) await bed.docker('secret', 'rm', name);
  await rm(folder, { recursive: true, force: true });
}, 300_000);

const withTls = '--tls-cert=/run/secrets/inside.crt --tls-key=/run/secrets/inside.key';
const verifying = (ca: string) => `ssl_backend=true ssl_backend_ca=${ca}`;

/** A service at `<name>.local`. Labels without their prefix. */
async function create(name: string, labels: string, args = ''): Promise<void> {
  const all = [`hosts=${name}.local`, 'port=8080', ...labels.split(' ')];
  const written = all.map((label) => `--label com.docker.lb.${label}`).join(' ');
  const mounted = args === '' ? '' : '--secret inside.crt --secret inside.key';
  await story.docker(`service create --name ${name} --network demo ${written} ${mounted} ${demo} ${args}`);
}

function as(name: string) {
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  return { tls: true, client: { cert: read(`${name}.crt`), key: read(`${name}.key`) } };
}

describe('a client', () => {
  it.each(['guarded', 'greeted'])('is identified to the application by its certificate: %s', async (host) => {
    const { headers } = await echo(`${host}.local`, '/echo', as('alice'));

    expect(headers).toMatchObject({ 'x-ssl-client-verify': 'SUCCESS', 'x-ssl-client-subject': 'CN=alice' });
  });

  it('is rejected without a certificate if one is required, and with one of another CA', async () => {
    expect((await curl('guarded.local', '/', { tls: true })).status).toBe(403);
    expect((await curl('guarded.local', '/', as('mallory'))).status).toBe(400);
    expect(await curl('guarded.local', '/a?b')).toMatchObject({
      status: 301,
      headers: { location: 'https://guarded.local:8443/a?b' },
    });
  });

  it('is rejected if its certificate is revoked', async () => {
    await published({ host: 'revoking.local', path: '/ping', ...as('alice') });

    expect((await curl('revoking.local', '/', as('revoked'))).status).toBe(400);
    expect((await curl('guarded.local', '/', as('revoked'))).status).toBe(200);
    expect(await problemsOf('revoking')).toEqual([]);
  });

  it.each([true, false])('cannot forge its identity: over TLS %s', async (tls) => {
    const headers = { 'x-ssl-client-verify': 'SUCCESS', 'x-ssl-client-subject': 'CN=alice' };
    const seen = await echo('greeted.local', '/echo', { tls, headers });

    expect(Object.keys(seen.headers).filter((name) => name.startsWith('x-ssl'))).toEqual([]);
  });
});

describe('a service behind TLS', () => {
  it('answers if its certificate is of the CA and covers the name', async () => {
    await ping('verified.local');
  });

  it('answers 502 if the name differs', async () => {
    expect((await curl('misnamed.local', '/ping')).status).toBe(502);
  });
});

describe('an invalid CA', () => {
  it('closes the routes that name it, and does not prevent the proxies from starting', async () => {
    const reason = expect.stringMatching(/^the CA in secret \S+ is rejected: /);
    await eventually(async () => {
      // One cause is one problem, which names both.
      const affects = expect.arrayContaining([
        expect.objectContaining({ service: 'distrusted', label: 'com.docker.lb.ssl_backend_ca' }),
        expect.objectContaining({ service: 'shut', label: 'com.docker.lb.ssl_client_ca' }),
      ]);
      for (const service of ['distrusted', 'shut'])
        expect(await problemsOf(service)).toMatchObject([{ reason, affects }]);
      expect((await curl('distrusted.local', '/ping')).status).toBe(503);
      expect((await curl('shut.local', '/ping')).status).toBe(503);
    });
    await expect(curl('shut.local', '/ping', as('alice'))).rejects.toThrow();
    const { clusters } = await settled();
    expect(clusters).toMatchObject([{ rolling: false }]);
    expect(await problemsOf('verified')).toEqual([]);
  });
});
