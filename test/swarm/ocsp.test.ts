// Certificates that name an OCSP responder: proxies staple its answer, and work when it is down.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { NodeName } from '../../bed/bed-shape.ts';
import {
  administer,
  bed,
  curl,
  demo,
  eventually,
  InterlockStory,
  problemsOf,
  settled,
  state,
} from '../support/interlock.ts';
import { answerOcsp, makeCertificate } from '../support/material.ts';

const host = 'stapled.local';
const story = new InterlockStory();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'story-ocsp-'));
  await makeCertificate(folder, 'ca', { names: ['ca'], type: 'rsa' });
  const more = ['-addext', 'authorityInfoAccess=OCSP;URI:http://responder.internal:8000/ocsp'];
  await makeCertificate(folder, 'site', { names: [host], issuer: 'ca', more });
  const [site, ca, key] = await Promise.all(
    ['site.crt', 'ca.crt', 'site.key'].map((name) => readFile(join(folder, name), 'utf8')),
  );
  await writeFile(join(folder, 'site.pem'), `${site}${ca}${key}`);
  await writeFile(join(folder, 'answer.der'), await answerOcsp(folder, 'site', 'ca'));
  await writeFile(join(folder, 'responder.conf'), responder);
  await story.deploy('ocsp', stack());
  await bed.settle('ocsp_app', 1);
  await bed.settle('ocsp_responder', 1);
  await settled();
}, 300_000);

afterAll(async () => {
  await story.close();
  await settled();
  await rm(folder, { recursive: true, force: true });
}, 300_000);

/** It always returns the same response for the one certificate. */
const responder = `pid /tmp/nginx.pid; events {} error_log stderr;
http { client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
access_log off; default_type application/ocsp-response;
server { listen 8000; root /etc/nginx; location /ocsp/ { try_files /answer.der =404; } } }`;

function stack(): string {
  const file = (name: string) => ({ file: join(folder, name) });
  return JSON.stringify({
    services: {
      app: {
        image: demo,
        networks: ['net'],
        deploy: {
          labels: {
            'com.docker.lb.hosts': host,
            'com.docker.lb.port': '8080',
            'com.docker.lb.network': 'net',
            'com.docker.lb.ssl_cert': 'site',
          },
        },
      },
      responder: {
        image: `signalbox/proxy:${inject('version')}`,
        read_only: true,
        volumes: [{ type: 'tmpfs', target: '/tmp' }],
        networks: { net: { aliases: ['responder.internal'] } },
        configs: [
          { source: 'responder', target: '/etc/nginx/nginx.conf' },
          { source: 'answer', target: '/etc/nginx/answer.der' },
        ],
      },
    },
    networks: { net: { driver: 'overlay' } },
    configs: { responder: file('responder.conf'), answer: file('answer.der') },
    secrets: { site: file('site.pem') },
  });
}

async function handshake(node: NodeName): Promise<string> {
  const { host: address, port } = bed.node(node).address(8443);
  const command = `openssl s_client -connect ${address}:${port} -servername ${host} -status </dev/null 2>&1`;
  return (await promisify(execFile)('sh', ['-c', command], { timeout: 20_000 })).stdout;
}

describe('a certificate that names a responder', () => {
  it.each(['worker1', 'worker2'] as const)('is stapled with its answer: %s', async (node) => {
    await eventually(async () => {
      const shown = await handshake(node);
      expect(shown).toContain('OCSP Response Status: successful');
      expect(shown).toContain('Cert Status: good');
    }, 120_000);
    await eventually(async () => expect(await problemsOf('ocsp_app')).toEqual([]));
  });

  it('answers without it, too', async () => {
    await bed.docker('service', 'scale', '--detach', 'ocsp_responder=0');
    await bed.settle('ocsp_responder', 0);
    // A change makes nginx query again.
    await bed.docker('service', 'update', '--detach', '--label-add', 'com.docker.lb.hsts=true', 'ocsp_app');
    await settled();

    await eventually(async () => {
      const answer = await curl(host, '/ping', { tls: true });
      expect(answer.status).toBe(200);
      expect(answer.headers).toHaveProperty('strict-transport-security');
    });
  });

  it('serves with a held version, which has its own copy, even if no label names it any more', async () => {
    const served = (await state()).clusters.find(({ name }) => name === 'default')!.served;
    expect((await administer(`/api/clusters/default/versions/${served}/hold`, { method: 'PUT' })).status).toBe(204);
    try {
      await bed.docker('service', 'update', '--detach', '--label-rm', 'com.docker.lb.ssl_cert', 'ocsp_app');
      await settled();

      expect((await curl(host, '/ping')).status).toBe(200);
      expect(await handshake('worker1')).toContain('CN = stapled.local');
    } finally {
      await administer('/api/clusters/default/hold', { method: 'DELETE' });
    }
  });
});
