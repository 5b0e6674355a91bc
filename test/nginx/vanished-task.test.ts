// Tasks disappear while requests connect to them, and DNS returns others meanwhile.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { render } from '../support/golden.ts';
import { inputOf } from '../support/many-services.ts';
import { makeCertificate } from '../support/material.ts';
import { containerPort, NginxContainer } from '../support/nginx-container.ts';

const services = [
  aService('plain'),
  aService('rewritten', { lb: { context_root: '/app', context_root_rewrite: 'true' } }),
  aService('calls', { lb: { backend_protocol: 'h2c' } }),
  aService('tls', { port: '8443', lb: { backend_protocol: 'https' } }),
  aService('paged', { lb: { error_pages: 'plain:8080' } }),
];
const peer = readFileSync(new URL('../support/nginx-peer.mjs', import.meta.url));
/** In seconds. */
const patience = { ConnectTimeout: 3, ReadTimeout: 6 };

let nginx: NginxContainer;
/** Unused addresses of the container's network: a connection to one waits. */
let nobody: readonly string[];

async function serve(): Promise<void> {
  const extension = { TargetPort: containerPort, Config: patience };
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');
  const { files } = render(inputOf(services, settings));
  await nginx.serve(files[0]!.text.replaceAll('resolver 127.0.0.11', 'resolver 127.0.0.1:5353'));
}

const setAddresses = (...addresses: readonly string[]) => nginx.write('/tmp', { addresses: addresses.join(' ') });
/** Time until nginx has received them. */
const addressesKnown = (...addresses: readonly string[]) =>
  eventually(async () => {
    const known = Object.values(JSON.parse(await nginx.read('/tmp/answers')));
    expect(known).toEqual(services.map(() => addresses));
  });
const asked = async () => Number((await nginx.ask({ host: 'plain.example.org', path: '/asked' })).body);
/** Unanswered connections to ports 8080 and 8443, in the kernel's notation. */
const connecting = async () => (await nginx.read('/proc/net/tcp')).match(/:(1F90|20FB) 02 /g)?.length ?? 0;

beforeAll(async () => {
  nginx = await NginxContainer.start();
  const own = (await nginx.read('/proc/net/fib_trie')).match(/(\d+\.\d+\.\d+)\.\d+\n\s+\/32 host LOCAL/g) ?? [];
  const [network] = own.flatMap((line) => /^(?!127)(\d+\.\d+\.\d+)/.exec(line)?.[1] ?? []);
  nobody = [`${network}.252`, `${network}.253`];
  const folder = await mkdtemp(join(tmpdir(), 'vanished-'));
  await makeCertificate(folder, 'site', { names: ['site'] });
  for (const name of ['site.key', 'site.crt']) await nginx.write('/tmp', { [name]: readFileSync(join(folder, name)) });
  await rm(folder, { recursive: true });
  await nginx.write('/tmp', { 'peer.mjs': peer });
  await setAddresses(...nobody);
  await nginx.startBeside('node', '/tmp/peer.mjs');
  await serve();
  await addressesKnown(...nobody);
  return () => nginx[Symbol.asyncDispose]();
});

it("keeps the administrator's own error pages", () => {
  const extension = { Config: { HTTPOptions: ['error_page 502 /sorry;'] } };
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');

  const { text } = render(inputOf(services, settings)).files[0]!;

  expect(text.match(/^\s*error_page/gm)).toHaveLength(1);
  expect(text).not.toContain('$again');
});

describe('a task that disappears while a request connects to it', () => {
  it('loses no request that was not yet sent, whatever its method and path', async () => {
    const post = nginx.ask({ host: 'plain.example.org', path: '/order?n=1', method: 'POST', body: 'one' });
    const stripped = nginx.ask({ host: 'rewritten.example.org', path: '/app/order?n=2', method: 'PUT', body: 'two' });
    const tls = nginx.ask({ host: 'tls.example.org', path: '/order?n=3', method: 'DELETE' });
    const paged = nginx.ask({ host: 'paged.example.org', path: '/order?n=4', method: 'POST', body: 'four' });
    await eventually(async () => expect(await connecting()).toBeGreaterThanOrEqual(4));

    await setAddresses('127.0.0.1');

    expect(await post).toMatchObject({ status: 200, body: 'POST /order?n=1 one' });
    expect(await stripped).toMatchObject({ status: 200, body: 'PUT /order?n=2 two' });
    expect(await tls).toMatchObject({ status: 200, body: 'DELETE /order?n=3 ' });
    expect(await paged).toMatchObject({ status: 200, body: 'POST /order?n=4 four' });
    expect(await asked()).toBe(4);
  });

  it('has repeatable requests retried on another task', async () => {
    await setAddresses('127.0.0.3', '127.0.0.4');
    await addressesKnown('127.0.0.3', '127.0.0.4');
    const before = await asked();
    const answer = nginx.ask({ host: 'plain.example.org', path: '/leave' });
    await eventually(async () => expect(await asked()).toBe(before + 1));
    await setAddresses('127.0.0.5', '127.0.0.6');
    await addressesKnown('127.0.0.5', '127.0.0.6');

    await nginx.write('/tmp', { leave: '' });

    expect(await answer).toMatchObject({ status: 200, body: 'GET /leave ' });
    await setAddresses('127.0.0.1');
    await addressesKnown('127.0.0.1');
  });

  it.each(['plain', 'tls'])('does not have a request retried that an application has received: %s', async (name) => {
    const host = `${name}.example.org`;
    const before = await asked();

    const hungUp = await nginx.ask({ host, path: '/hang-up', method: 'POST', body: 'once' });
    const late = await nginx.ask({ host, path: '/think', method: 'POST', body: 'once' });

    expect([hungUp.status, late.status]).toEqual([502, 504]);
    expect(late.body).toContain('504 Gateway Timeout');
    expect(await asked()).toBe(before + 2);
  });

  it('answers 502 if no other task appears', async () => {
    await setAddresses('127.0.0.2');
    await addressesKnown('127.0.0.2');

    expect((await nginx.ask({ host: 'plain.example.org' })).status).toBe(502);

    expect((await nginx.ask({ host: 'rewritten.example.org', path: '/app/' })).status).toBe(502);
    expect((await nginx.ask({ host: 'calls.example.org' })).status).toBe(502);
  });
});
