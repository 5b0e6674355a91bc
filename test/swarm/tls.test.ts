// Acceptance cases F1 to F3 and G1 to G3 of Interlock, invalid material beside valid, and certificates that change
// under load.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NodeName, nodeNames } from '../../bed/bed-shape.ts';
import { LoadTool, scanTls } from '../support/clients/tools.ts';
import { foundInTask, isOnDisk, partsOfKeys, shownByDocker } from '../support/exposed-keys.ts';
import {
  bed,
  curl,
  defaultSettings,
  demo,
  eventually,
  InterlockStory,
  ping,
  problemsOf,
  published,
  settled,
} from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import { makeCertificate, makeSite } from '../support/material.ts';
import { applySettings, restoreSettings } from '../support/story.ts';

const story = new InterlockStory();
const secrets: string[] = [];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'story-tls-'));
  await makeCertificate(folder, 'demo.local', { names: ['demo.local'], type: 'rsa' });
  await makeCertificate(folder, 'renewed', { names: ['demo.local'] });
  await makeCertificate(folder, 'app.example.org', { names: ['app.example.org'] });
  await makeCertificate(folder, 'own', { names: ['own.local'] });
  await makeCertificate(folder, 'default', { names: ['default.local'] });
  const [certificate, key] = await Promise.all(
    ['crt', 'key'].map((kind) => readFile(join(folder, `default.${kind}`), 'utf8')),
  );
  await writeFile(join(folder, 'default'), `${certificate}${key}`);
  await writeFile(join(folder, 'listed'), await makeSite('plain.local', 'demo.local'));
  await writeFile(join(folder, 'garbage'), 'no certificate at all\n');
  for (const [name, file] of [
    ['demo.local.cert', 'demo.local.crt'],
    ['demo.local.key', 'demo.local.key'],
    ['renewed.cert', 'renewed.crt'],
    ['renewed.key', 'renewed.key'],
    ['own.cert', 'own.crt'],
    ['own.key', 'own.key'],
    ['by-default', 'default'],
    ['listed', 'listed'],
    ['garbage', 'garbage'],
    ['worse', 'garbage'],
  ] as const)
    await createSecret(name, file);
  await story.docker('network create -d overlay demo');
  await create('demo', 'demo.local', 'ssl_cert=demo.local.cert ssl_key=demo.local.key');
  await create('plain', 'plain.local', '');
  await create('missing', 'missing.local', 'ssl_cert=never-created');
  await create('garbage', 'garbage.local', 'ssl_cert=garbage');
  await create('unfit', 'unfit.local', 'ssl_cert=demo.local.cert ssl_key=renewed.key');
  await create('own', 'own.local', 'ssl_passthrough=true network=demo', withOwnTls);
  await create('own2', 'own2.local', 'ssl_passthrough=true ssl_only=true', withOwnTls);
  await create('own3', 'own3.local', 'ssl_passthrough=true port=443', `${withOwnTls} --port=443`);
  await story.deploy('tls', stack());
  await published('plain.local', 'demo.local', ...['own.local', 'own2.local', 'own3.local'].map((host) => tls(host)));
}, 300_000);

afterAll(async () => {
  await restoreSettings();
  await story.close();
  await settled();
  for (const name of secrets) await bed.docker('secret', 'rm', name);
  await rm(folder, { recursive: true, force: true });
}, 300_000);

const withOwnTls = '--tls-cert=/run/secrets/own.cert --tls-key=/run/secrets/own.key';

async function createSecret(name: string, file: string): Promise<void> {
  await bed.docker('secret', 'create', name, join(folder, file));
  secrets.push(name);
}

/** As in the documentation. Labels without their prefix. */
async function create(name: string, host: string, labels: string, args = ''): Promise<void> {
  const all = ['port=8080', ...labels.split(' ').filter((label) => label !== '')];
  const written = all.map((label) => `--label com.docker.lb.${label}`).join(' ');
  const mounted = args === '' ? '' : '--secret own.cert --secret own.key';
  await story.docker(
    `service create --name ${name} --network demo --label com.docker.lb.hosts=${host} ${written} ${mounted} ${demo} ${args}`,
  );
}

function stack(): string {
  const file = (name: string) => ({ file: join(folder, name) });
  return JSON.stringify({
    version: '3.2',
    services: {
      app: {
        image: demo,
        networks: ['demo-network'],
        deploy: {
          labels: {
            'com.docker.lb.hosts': 'app.example.org',
            'com.docker.lb.network': 'tls_demo-network',
            'com.docker.lb.port': '8080',
            'com.docker.lb.ssl_cert': 'tls_app.example.org.cert',
            'com.docker.lb.ssl_key': 'app.example.org.key',
          },
        },
      },
    },
    networks: { 'demo-network': { driver: 'overlay' } },
    secrets: {
      'app.example.org.cert': file('app.example.org.crt'),
      'app.example.org.key': file('app.example.org.key'),
    },
  });
}

const tls = (host: string, node: NodeName = 'worker1') => ({ host, path: '/ping', tls: true, node });

/** The certificate for a client that sends this server name, or none. Rejects if the handshake fails. */
function shown(
  servername: string,
  node: NodeName = 'worker1',
): Promise<{ certificate: PeerCertificate; protocol: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ certificate: PeerCertificate; protocol: string }>();
  const socket = connect({ ...bed.node(node).address(8443), servername, rejectUnauthorized: false, timeout: 10_000 });
  socket.once('secureConnect', () => {
    resolve({ certificate: socket.getPeerCertificate(), protocol: socket.getProtocol() ?? '' });
    socket.destroy();
  });
  socket.once('error', reject);
  socket.once('timeout', () => socket.destroy(new Error('The handshake takes too long')));
  return promise;
}

describe('TLS terminated by the proxies', () => {
  it.each(nodeNames)('F1: uses the certificate of the secret on %s, and answers', async (node) => {
    const { certificate, protocol } = await shown('demo.local', node);

    expect(certificate.subject.CN).toBe('demo.local');
    expect(protocol).toBe('TLSv1.3');
    await ping('demo.local', { tls: true, node });
  });

  it.each([
    ['demo.local', 'RSA'],
    ['app.example.org', 'ECDSA'],
  ])('offers nothing old and nothing weak, according to sslscan: %s', async (host, type) => {
    const { protocols, ciphers, subject, ...weaknesses } = await scanTls(host, 'worker1');

    expect(subject).toBe(host);
    expect(protocols).toEqual(['TLSv1.2', 'TLSv1.3']);
    expect(ciphers.map(({ name }) => name).toSorted()).toEqual(
      [
        ...['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].map((name) => `ECDHE-${type}-${name}`),
        ...['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384', 'CHACHA20_POLY1305_SHA256'].map((name) => `TLS_${name}`),
      ].toSorted(),
    );
    expect(ciphers.filter(({ strength }) => strength !== 'strong')).toEqual([]);
    expect(weaknesses).toEqual({ compresses: false, renegotiates: false, heartbleeds: false });
  });

  it('F2: finds the secrets of a stack with and without its prefix', async () => {
    expect((await shown('app.example.org')).certificate.subject.CN).toBe('app.example.org');
    await ping('app.example.org', { tls: true });
  });

  it('F3: fails the handshake of a client that sends no server name, or an unknown one', async () => {
    await expect(shown('')).rejects.toThrow();
    await expect(shown('unknown.local')).rejects.toThrow();
    await expect(shown('plain.local')).rejects.toThrow();
  });

  it('also answers over HTTP', async () => {
    await ping('demo.local');
  });

  it("makes the secrets readable to the proxies' user only", async () => {
    const script = `for (const name of fs.readdirSync('/tmp/secrets')) {
      const { mode, uid, gid } = fs.statSync('/tmp/secrets/' + name);
      console.log(mode.toString(8), uid, gid, name);
    }`;
    const listed = await bed.exec('signalbox-proxy', 'node', '-e', script);

    expect(listed).toMatch(/^100400 101 101 demo\.local\.key\.[a-z0-9]{12}$/m);
    expect(listed).not.toMatch(/own\.key|controller|extension|password/);
  });
});

describe('TLS terminated by the service', () => {
  it('G1: is passed through with the network named, and uses the certificate of the application', async () => {
    expect((await shown('own.local')).certificate.subject.CN).toBe('own.local');
    const answer = await curl('own.local', '/ping', { tls: true });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('x-'))).toEqual([]);
  });

  it('G2: is passed through without a name of the network, and HTTP redirects to it', async () => {
    await ping('own2.local', { tls: true });
    expect(await curl('own2.local', '/a?b=c')).toMatchObject({
      status: 301,
      headers: { location: 'https://own2.local:8443/a?b=c' },
    });
  });

  it('G3: is passed through to port 443', async () => {
    await ping('own3.local', { tls: true });
  });
});

describe('invalid material', () => {
  it('closes only its own host, and the problem names service and secret', async () => {
    await expect(shown('missing.local')).rejects.toThrow();
    expect((await curl('missing.local', '/ping')).status).toBe(503);
    expect(await problemsOf('missing')).toMatchObject([
      { label: 'com.docker.lb.ssl_cert', value: 'never-created', reason: 'secret never-created does not exist' },
    ]);
    await ping('demo.local', { tls: true });
  });

  it.each([
    ['garbage', 'ssl_cert', 'garbage', expect.stringContaining('secret garbage contains neither')],
    ['unfit', 'ssl_key', 'renewed.key', expect.stringContaining('does not match the certificate in secret')],
  ])('is found by the proxies, and closes only its own host: %s', async (name, label, value, reason) => {
    await eventually(async () => {
      expect(await problemsOf(name)).toMatchObject([{ label: `com.docker.lb.${label}`, value, reason }]);
      expect((await curl(`${name}.local`, '/ping')).status).toBe(503);
    });
    await expect(shown(`${name}.local`)).rejects.toThrow();
    await ping('demo.local', { tls: true });
    await ping('plain.local');
  });

  it('is fixed by the missing secret', async () => {
    await makeCertificate(folder, 'late', { names: ['missing.local'] });
    await createSecret('late.key', 'late.key');
    await createSecret('never-created', 'late.crt');
    await story.docker('service update --label-add com.docker.lb.ssl_key=late.key missing');

    await eventually(async () => await ping('missing.local', { tls: true }), 120_000);
    await settled();
    expect(await problemsOf('missing')).toEqual([]);
  });
});

/** Number of tasks that the proxies have had so far. Each roll-out creates two. */
async function proxyTasks(): Promise<number> {
  return (await bed.tasks('signalbox-proxy')).length;
}

describe('certificates that change under load', () => {
  it('are used by all replicas, and no request fails, even if the new one is invalid', async () => {
    await using renewed = new Load({ host: 'demo.local', tls: true, clients: 4, requestsPerSecond: 40 });
    await using multiplexed = LoadTool.h2load('demo.local', 'worker1');
    await using neighbor = LoadTool.wrk('app.example.org', 'worker2');
    // A passthrough connection can't be closed gracefully: a keep-alive connection is cut when the grace period ends.
    const brief = { keepAlive: false, clients: 2, requestsPerSecond: 20 };
    await using handedOn = new Load({ host: 'own.local', tls: true, ...brief });

    const before = await proxyTasks();
    const renewal = '--label-add com.docker.lb.ssl_cert=renewed.cert --label-add com.docker.lb.ssl_key=renewed.key';
    await Promise.all(['demo', 'garbage', 'unfit'].map((name) => story.docker(`service update ${renewal} ${name}`)));
    await settled();
    await eventually(async () => {
      const fingerprints = await Promise.all(
        Array.from(
          { length: 12 },
          async (_, n) => (await shown('demo.local', nodeNames[n % 3])).certificate.fingerprint256,
        ),
      );
      expect(new Set(fingerprints).size).toBe(1);
      expect((await shown('demo.local')).certificate.asn1Curve).toBe('prime256v1');
    }, 60_000);
    expect((await proxyTasks()) - before).toBe(0);

    await story.docker('service update --label-add com.docker.lb.ssl_cert=worse unfit');
    await eventually(async () => {
      expect(await problemsOf('unfit')).toMatchObject([
        { value: 'worse', reason: expect.stringContaining('secret worse contains neither') },
      ]);
      expect((await curl('unfit.local', '/ping')).status).toBe(503);
    }, 180_000);
    await settled();

    // h2load counts an orderly GOAWAY in the middle of a burst as errors of that connection's requests, which a client
    // would send again. So it may report one connection for each reload, and no more.
    const { total, failures } = await multiplexed.stop();
    expect(total).toBeGreaterThan(100);
    expect(failures.errored ?? 0).toBeLessThanOrEqual(40);
    expect(failures.timeout ?? 0).toBe(0);
    for (const load of [renewed, neighbor, handedOn]) {
      const { total, failures } = await load.stop();
      expect(failures).toEqual({});
      expect(total).toBeGreaterThan(0);
    }
  });
});

describe('certificates that the settings name', () => {
  it('are used in place, for as long as the settings name them', async () => {
    for (const host of ['unknown.local', 'unfit.local', 'plain.local']) await expect(shown(host)).rejects.toThrow();
    const before = await proxyTasks();

    const named = 'DefaultCertificate = "by-default"\nCertificates = ["listed"]\n';
    await applySettings(`${defaultSettings.trimEnd()}\n${named}`);
    // Hosts without a certificate of their own are also served over HTTPS.
    await eventually(async () => {
      for (const node of nodeNames) {
        expect((await shown('plain.local', node)).certificate.subject.CN).toBe('plain.local');
        await ping('plain.local', { tls: true, node });
      }
    }, 60_000);
    await ping('plain.local');
    // Unknown names and hosts whose own certificate is invalid answer 503.
    await eventually(async () => {
      for (const host of ['unknown.local', 'unfit.local']) {
        expect((await shown(host)).certificate.subject.CN).toBe('default.local');
        expect((await curl(host, '/ping', { tls: true })).status).toBe(503);
      }
    }, 180_000);
    await settled();
    expect((await shown('')).certificate.subject.CN).toBe('default.local');
    expect((await shown('demo.local')).certificate.subject.CN).toBe('demo.local');
    await ping('demo.local', { tls: true });
    expect((await proxyTasks()) - before).toBe(0);
    await expectNoExposedKeys();

    await restoreSettings();
    await eventually(async () => {
      for (const host of ['unknown.local', 'plain.local']) await expect(shown(host)).rejects.toThrow();
    });
    await ping('demo.local', { tls: true });
    await ping('plain.local');
  });
});

/** Private keys are in clear in the memory of the proxies only. The job that reads them has ended. */
async function expectNoExposedKeys(): Promise<void> {
  const files = ['demo.local.key', 'app.example.org.key', 'renewed.key', 'default', 'listed'];
  const parts = await partsOfKeys(files.map((file) => join(folder, file)));

  // Where they are in use, the same search finds them.
  const inProxy = await foundInTask(bed, 'signalbox-proxy', parts);
  expect(inProxy).toContainEqual(expect.stringMatching(/^\/tmp\/secrets\/listed\./));
  expect(inProxy.filter((path) => !path.startsWith('/tmp/secrets/'))).toEqual([]);
  for (const service of ['signalbox_controller', 'signalbox-extension'])
    expect(await foundInTask(bed, service, parts), service).toEqual([]);

  const inspected = await shownByDocker(bed);
  expect(inspected).toContain('signalbox.secret.default.');
  expect(parts.filter((part) => inspected.includes(part))).toEqual([]);
  for (const service of ['signalbox_controller', 'signalbox-extension', 'signalbox-proxy', 'signalbox-proxy-secrets']) {
    const logs = await bed.logs(service, 1_000_000);
    expect(
      parts.filter((part) => logs.includes(part)),
      service,
    ).toEqual([]);
  }

  for (const node of bed.nodes) {
    expect(await isOnDisk(node, ['com.docker.swarm.service.name']), node.name).toBe(true);
    expect(await isOnDisk(node, parts), node.name).toBe(false);
  }
}
