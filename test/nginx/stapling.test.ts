// OCSP stapling by the real nginx: it passes on the responder's answer, and works without one.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SecretFacts } from '../../src/model/secrets/secret-facts.ts';
import { readAtHandshake } from '../../src/nginx/check.ts';
import { confirmPairs } from '../../src/proxy/nginx/confirm-pairs.ts';
import { inspectSecret } from '../../src/tls-material/inspect-secrets.ts';
import { aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { answerOcsp, makeCertificate } from '../support/material.ts';
import { NginxContainer } from '../support/nginx-container.ts';
import { curlAt, renderOnLoopback } from '../support/nginx-tls.ts';

/** Replaces the agent: it answers for one of the two certificates. */
const relay = `server { listen 127.0.0.1:10247; default_type application/ocsp-response; root /run/secrets;
location /good/ { try_files /answer.der =404; } location / { return 502; } }`;
const application = 'server { listen 127.0.0.1:9001; return 200; }';

let folder: string;
let nginx: NginxContainer;
let configuration: string;
let facts: readonly SecretFacts[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stapling-'));
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  await makeCertificate(folder, 'ca', { names: ['ca'], type: 'rsa' });
  const more = ['-addext', 'authorityInfoAccess=OCSP;URI:http://ocsp.example.org'];
  const contents: Record<string, string> = {};
  for (const name of ['good', 'silent', 'broken']) {
    await makeCertificate(folder, name, { names: [`${name}.example.org`], issuer: 'ca', more });
    contents[name] = (await read(`${name}.crt`)) + (await read('ca.crt')) + (await read(`${name}.key`));
  }
  contents.broken += '-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n';
  nginx = await NginxContainer.start();
  await nginx.write('/run/secrets', { ...contents, 'answer.der': await answerOcsp(folder, 'good', 'ca') });

  const found = Object.entries(contents).map(([name, text]) => inspectSecret(name, text));
  facts = await confirmPairs(found, async ([file]) => (await nginx.test([file!.text]))[0] || undefined);
  const services = Object.keys(contents).map((name) => aService(name, { lb: { ssl_cert: name } }));
  configuration = renderOnLoopback(
    services,
    Object.keys(contents),
    { Config: { HTTPOptions: [application, relay] } },
    { facts: new Map(facts.map((each) => [each.name, each])), now: Date.now() },
  );
  await nginx.serve(configuration);
});
afterAll(async () => {
  await nginx?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function handshake(host: string): Promise<string> {
  const command = `openssl s_client -connect 127.0.0.1:${nginx.tlsPort} -servername ${host} -status </dev/null 2>&1`;
  return (await promisify(execFile)('sh', ['-c', command])).stdout;
}

it('OCSP stapling is enabled if nginx accepts certificate and key', () => {
  expect(facts.map(({ name, stapledWith }) => [name, stapledWith])).toEqual([
    ['good', ['good']],
    ['silent', ['silent']],
    ['broken', []],
  ]);
});

it("OCSP stapling passes on the responder's answer", async () => {
  // nginx queries the responder when the first client requests stapling.
  await eventually(async () => {
    const shown = await handshake('good.example.org');
    expect(shown).toContain('OCSP Response Status: successful');
    expect(shown).toContain('Cert Status: good');
  });
});

it('OCSP stapling is omitted if the responder does not answer and the host does not require it', async () => {
  expect(await handshake('silent.example.org')).toContain('OCSP response: no response sent');
  expect((await curlAt(nginx.tlsPort, 'silent.example.org')).out).toMatch(/^HTTP\/2 200/);
});

it('OCSP stapling does not affect other handshakes if nginx cannot read a certificate', async () => {
  expect((await curlAt(nginx.tlsPort, 'broken.example.org')).code).toBe(35);
  expect((await curlAt(nginx.tlsPort, 'good.example.org')).code).toBe(0);
});

it('OCSP stapling can be tested without secrets', async () => {
  await using elsewhere = await NginxContainer.start();

  expect(await elsewhere.test([readAtHandshake(configuration)])).toEqual(['']);
  expect((await elsewhere.test([configuration]))[0]).toContain('cannot load certificate');
});
