// One verdict on certificates: what we report about a secret is the result of a real handshake with the proxies' nginx.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { judgeAuthority, judgeServer } from '../../src/model/secrets/judge-secrets.ts';
import type { Material } from '../../src/model/secrets/material.ts';
import type { SecretFacts } from '../../src/model/secrets/secret-facts.ts';
import { confirmPairs } from '../../src/proxy/nginx/confirm-pairs.ts';
import { inspectSecret, inspectSecrets } from '../../src/tls-material/inspect-secrets.ts';
import { aService } from '../support/builders.ts';
import { certificateShapes } from '../support/certificate-shapes.ts';
import { NginxContainer } from '../support/nginx-container.ts';
import { curlAt, openssl, renderOnLoopback } from '../support/nginx-tls.ts';

const application = 'server { listen 127.0.0.1:9001; return 200; }';
let folder: string;
let nginx: NginxContainer;
let shapes: Record<string, Buffer>;
let inspected: readonly SecretFacts[];
let confirmed: readonly SecretFacts[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shapes-'));
  shapes = await certificateShapes(folder);
  nginx = await NginxContainer.start();
  await nginx.write('/run/secrets', shapes);
  inspected = Object.entries(shapes).map(([name, content]) => inspectSecret(name, content));
  confirmed = await confirmPairs(inspected, async ([file]) => (await nginx.test([file!.text]))[0] || undefined);
  const services = Object.keys(shapes).map((name) => aService(name, { lb: { ssl_cert: name } }));
  await nginx.serve(renderOnLoopback(services, Object.keys(shapes), { Config: { HTTPOptions: [application] } }));
}, 300_000);
afterAll(async () => {
  await nginx?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const materialOf = (facts: readonly SecretFacts[]): Material => ({
  facts: new Map(facts.map((each) => [each.name, each])),
  now: Date.now(),
});

function rejectedByUs(facts: readonly SecretFacts[]): string[] {
  const material = materialOf(facts);
  return facts
    .map(({ name }) => name)
    .filter((name) => judgeServer(name, name, material).some(({ severity }) => severity === 'error'));
}

it('the verdict on each kind of certificate equals the result of a handshake', async () => {
  const failing: string[] = [];
  for (const name of Object.keys(shapes)) {
    const { code, verbose } = await curlAt(nginx.tlsPort, `${name}.example.org`);
    expect([0, 35], verbose).toContain(code);
    if (code !== 0) failing.push(name);
  }

  expect(rejectedByUs(confirmed)).toEqual(failing);
  expect(failing.length).toBeGreaterThan(25);
  expect(Object.keys(shapes).length - failing.length).toBeGreaterThan(25);
}, 120_000);

it("the verdict on each kind of certificate as a CA equals that of the proxy's nginx", async () => {
  const rejected = join(folder, 'rejected');
  const secrets = join(folder, 'secrets');
  await Promise.all([rejected, secrets].map((path) => mkdir(path)));
  for (const [name, content] of Object.entries(shapes)) await writeFile(join(secrets, name), content);
  for (const complaint of (await nginx.read('/tmp/material/.rejected/*')).trim().split('\n'))
    await writeFile(join(rejected, /run\/secrets\/([^"]+)/.exec(complaint)![1]!), complaint);
  const written = await nginx.read('/tmp/material/*/backend.conf');
  const accepted = [...written.matchAll(/backend_ca ([^;]+);/g)].map(([, name]) => name!);

  const facts = await inspectSecrets(secrets, () => false, rejected);

  const good = facts
    .map(({ name }) => name)
    .filter((name) => judgeAuthority(name, materialOf(facts)).every(({ severity }) => severity !== 'error'));
  expect(good.toSorted()).toEqual(accepted.toSorted());
  expect(accepted.length).toBeGreaterThan(25);
});

it('a client that connects to an address gets the default certificate and its host', async () => {
  const secrets = ['rsa-4096', 'p-256'];
  const services = [aService('address', { host: '10.20.30.40', lb: { ssl_cert: 'p-256' } })];
  await using other = await NginxContainer.start();
  await other.write('/run/secrets', Object.fromEntries(secrets.map((name) => [name, shapes[name]!])));
  const config = { Config: { HTTPOptions: [application] }, DefaultCertificate: 'rsa-4096' };
  await other.serve(renderOnLoopback(services, secrets, config));

  const request = 'GET / HTTP/1.1\r\nHost: 10.20.30.40\r\nConnection: close\r\n\r\n';
  const answer = await openssl(other.tlsPort, request, ['-noservername', '-showcerts']);

  expect(answer).toMatch(/^HTTP\/1\.1 200/m);
});

it('Node reads certificates and keys as nginx does', () => {
  expect(inspected.map(({ name, rejected, key }) => [name, rejected, key])).toEqual(
    confirmed.map(({ name, rejected, key }) => [name, rejected, key]),
  );
});
