import { Resolver } from 'node:dns/promises';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeCase } from '../../../../src/model/dns/name-case.ts';
import { PacedNames } from '../../../../src/proxy/nginx/paced-names.ts';
import { FakeDns } from '../../../support/dns.ts';

const upper = encodeCase('tasks.web.MyApp_default');
const names = Array.from({ length: 600 }, (_, n) => `tasks.web${n}.app`);

let root: string;
let engine: FakeDns;
let paced: PacedNames;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'paced-'));
  engine = await FakeDns.start();
  for (const name of names) engine.names.set(name, { addresses: ['10.0.1.2'] });
  paced = await PacedNames.start([...names, upper], { server: engine.address });
});
afterEach(async () => {
  await paced[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

async function copyOf(files: Readonly<Record<string, string>>): Promise<(name: string) => string> {
  const folder = join(root, 'version');
  rmSync(folder, { recursive: true, force: true });
  symlinkSync(mkdtempSync(join(root, 'files-')), folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const copy = join(root, 'copy');
  await paced.writeCopy(folder, copy);
  return (name) => readFileSync(join(copy, name), 'utf8');
}

const main =
  'http {\n    resolver 127.0.0.11 valid=1s ipv6=off;\n}\nstream {\n    resolver 127.0.0.11 valid=1s ipv6=off;\n}\n';

it('gives nginx a copy that queries ports of the agent, one for 250 names', async () => {
  const read = await copyOf({ 'nginx.conf': main, 'upstreams-1.conf': 'upstream a {}\n' });

  const ports = [...read('nginx.conf').matchAll(/resolver ((?:127\.0\.0\.1:\d+ ){3})valid=1s ipv6=off;/g)];
  expect(ports).toHaveLength(2);
  expect(new Set(ports.flatMap(([, list]) => list!.trim().split(' '))).size).toBe(3);
  expect(read('upstreams-1.conf')).toBe('upstream a {}\n');
});

it('replaces an older copy', async () => {
  await copyOf({ 'nginx.conf': main, 'old.conf': '' });
  const read = await copyOf({ 'nginx.conf': main });

  expect(() => read('old.conf')).toThrow('ENOENT');
});

it('is over when nginx has queried each name again after the answer, which shows that it has read it', async () => {
  const [server] = (await copyOf({ 'nginx.conf': main }))('nginx.conf').match(/127\.0\.0\.1:\d+/g)!;
  const nginx = new Resolver({ timeout: 2000, tries: 1 });
  nginx.setServers([server!]);
  let isOver = false;
  const over = paced.learned(new AbortController().signal).then(() => {
    isOver = true;
  });

  for (const name of names) expect(await nginx.resolve4(name)).toEqual(['10.0.1.2']);
  for (const name of names.slice(1)) await nginx.resolve4(name);
  expect(isOver).toBe(false);
  await nginx.resolve4(names[0]!);

  await over;
});

it('is over when nginx is to end', async () => {
  await paced.learned(AbortSignal.abort());
});
