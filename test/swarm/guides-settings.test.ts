// The guides that change the settings, with their commands as written: high availability, policies, TCP and UDP. They
// share one change of the settings, with the keys of all of them.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { parse as parseToml, stringify as stringifyToml, type TomlTable } from 'smol-toml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { containersOf } from '../support/containers.ts';
import { eventually } from '../support/eventually.ts';
import type { GuideShell } from '../support/guide-shell.ts';
import { discard, openSignedIn } from '../support/guide-world.ts';
import { bed, curl, defaultSettings, removeStack, settled } from '../support/interlock.ts';
import { restoreSettings } from '../support/story.ts';

let shell: GuideShell;

beforeAll(async () => {
  shell = await openSignedIn();
});
afterAll(async () => {
  await removeStack('shop');
  await removeStack('db');
  await restoreSettings();
  for (const worker of ['worker1', 'worker2'])
    await shell.run(`docker node update --label-rm edge --label-rm zone ${worker}`);
  await discard(shell, 'secret', 'apps.example.org.1', 'db.example.org', 'cache.example.org');
  shell[Symbol.dispose]();
});

const lines = (text: string): string[] => text.trim().split('\n');

/** The settings of the guides, added to those of the installation. */
function settings(): string {
  const added = [
    ...shell.blocks('high-availability', '2. Spread', 'toml'),
    ...shell.blocks('tcp-udp', '4. Redis', 'toml'),
    ...shell.blocks('tcp-udp', '1. Publish', 'toml'),
    ...shell.blocks('policies', '1. Write', 'toml'),
  ];
  return stringifyToml([defaultSettings, ...added].map((text) => parseToml(text)).reduce(merge));
}

function merge(into: TomlTable, from: TomlTable): TomlTable {
  const isTable = (value: unknown): value is TomlTable =>
    typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
  for (const [key, value] of Object.entries(from)) {
    const present = into[key];
    into[key] = isTable(value) && isTable(present) ? merge(present, value) : value;
  }
  return into;
}

/** A certificate for these names, and its key, in one secret each. */
async function createSecrets(file: string, names: readonly string[], create: readonly string[]): Promise<void> {
  const subject = `-subj /CN=${file} -addext 'subjectAltName=${names.map((name) => `DNS:${name}`).join()}'`;
  await shell.run(`openssl req -x509 -newkey rsa:2048 -nodes -days 90 -keyout ${file}.key -out ${file}.crt ${subject}`);
  for (const command of create) await shell.run(command);
}

it('high availability: three controllers run, and the proxies are on the labeled nodes', async () => {
  const [scale, list] = shell.commands('high-availability', '1. Run');
  await shell.run(scale!);
  await eventually(async () => {
    const running = lines(await shell.run(list!));
    // On the bed, all of them run on its one manager.
    expect(running).toHaveLength(3);
    for (const line of running) expect(line).toMatch(/^signalbox_controller\.\d manager Running/);
  });

  const [first, second, deploy, proxies] = shell.commands('high-availability', '2. Spread');
  await shell.run(first!);
  await shell.run(second!);
  shell.save('config.toml', settings());
  await shell.run(deploy!);
  await eventually(async () => {
    const nodes = lines(await shell.run(proxies!)).map((line) => line.split(' ')[1]);
    expect(nodes.toSorted()).toEqual(['worker1', 'worker2']);
    const format = '{{.Spec.TaskTemplate.Placement.Constraints}}';
    const placed = await bed.docker('service', 'inspect', '--format', format, 'signalbox-proxy');
    expect(placed).toContain('node.labels.edge==yes');
  }, slowly);
});

const slowly = { timeoutMs: 150_000, intervalMs: 1000 };

it('policies: services follow the settings, and a mistake closes its service only', async () => {
  const [create] = shell.commands('policies', '1. Write');
  await createSecrets('apps', ['*.shop.apps.example.org'], [create!]);
  const [check, deploySettings] = shell.commands('policies', '2. Check');
  expect(await shell.run(check!)).toBe(`${/`(Settings: [^`]+)`/.exec(shell.text('policies'))![1]}\n`);
  await shell.run(deploySettings!);

  shell.save('shop.yml', shell.blocks('policies', '3. Use', 'yaml')[0]!);
  const [lint, deploy] = shell.commands('policies', '3. Use');
  expect(await shell.run(lint!)).toContain(shell.blocks('policies', '3. Use', '')[0]!);
  await shell.run(deploy!);
  await settled();
  const [explain] = shell.commands('policies', '4. See');
  expect(await shell.run(explain!)).toContain(shell.blocks('policies', '4. See', '')[0]!);

  const [web, admin] = ['web.shop.apps.example.org', 'admin.shop.apps.example.org'] as const;
  await eventually(async () => {
    const { status, headers } = await curl(web, '/', { tls: true });
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'strict-transport-security': 'max-age=31536000' });
  }, slowly);
  expect((await curl(web)).status).toBe(301);
  expect((await curl(admin, '/', { tls: true })).status).toBe(403);

  await shell.run('docker service update --detach --label-add com.docker.lb.policy=ofice shop_admin');
  await eventually(async () => expect((await curl(admin)).status).toBe(503));
  await expect(curl(admin, '/', { tls: true })).rejects.toThrow('unrecognized name');
  expect(await shell.fail('npx signalbox problems shop_admin')).toMatch(/ofice[\s\S]*office/);
  expect((await curl(web, '/', { tls: true })).status).toBe(200);
});

it('TCP and UDP: the ports reach the services, by name and by address', async () => {
  shell.save('db.yml', shell.blocks('tcp-udp', '2. PostgreSQL', 'yaml')[0]!);
  const [deploy] = shell.commands('tcp-udp', '2. PostgreSQL');
  await shell.run(deploy!);
  await settled();
  await eventually(async () => expect(await say(5432)).toBe(`${await hostnameOf('db_db')} select`), slowly);

  const create = ['db', 'cache'].map((name) => `cat names.crt names.key | docker secret create ${name}.example.org -`);
  const names = ['shop.db.example.org', 'blog.db.example.org', 'cache.example.org'] as const;
  await createSecrets('names', names, create);
  const sections = ['3. Several', '4. Redis', '5. DNS'].map((heading) =>
    parse(shell.blocks('tcp-udp', heading, 'yaml')[0]!),
  );
  const services = Object.assign({}, ...sections.map((file) => file.services));
  const secrets = Object.assign({}, ...sections.map((file) => file.secrets));
  shell.save('db.yml', stringify({ services, secrets }));
  await shell.run('docker stack deploy --prune -c db.yml db');
  const [shop, blog, cache] = names;
  for (const [name, service] of [
    [shop, 'db_shop'],
    [blog, 'db_blog'],
  ] as const)
    await eventually(async () => expect(await say(5432, name)).toBe(`${await hostnameOf(service)} select`), slowly);

  await settled();
  // The address of this machine is not in the list.
  await expect(say(6379, cache)).rejects.toThrow();
  await shell.run('docker service update --detach --label-add com.docker.lb.allow=0.0.0.0/0 db_cache');
  await eventually(async () => expect(await say(6379, cache)).toBe(`${await hostnameOf('db_cache')} select`));

  const dns = await hostnameOf('db_dns');
  await eventually(async () => expect(await say(53)).toBe(`${dns} select`));
  await eventually(async () => expect(await query(53)).toBe(`${dns} select`));
  for (const name of Object.keys(services))
    expect(await shell.run(`npx signalbox problems db_${name}`)).toContain('No problems');
});

/** The service answers with the name of its container. */
async function hostnameOf(service: string): Promise<string> {
  return (await containersOf(service)).map(({ Config }) => Config.Hostname).join();
}

/** The answer of a port, with a name over TLS. */
async function say(port: number, name?: string): Promise<string> {
  const address = bed.node('worker1').address(port);
  const alpn = port === 5432 ? { ALPNProtocols: ['postgresql'] } : {};
  const socket =
    name === undefined
      ? connect(address)
      : connectTls({ ...address, servername: name, ca: shell.read('names.crt'), ...alpn });
  const signal = AbortSignal.timeout(5000);
  try {
    socket.write('select');
    return String((await once(socket, 'data', { signal }))[0]);
  } finally {
    socket.destroy();
  }
}

async function query(port: number): Promise<string> {
  const socket = createSocket('udp4');
  try {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(3000) });
    socket.send('select', port, bed.node('worker1').address(port).host);
    return String((await answer)[0]);
  } finally {
    socket.close();
  }
}

it('run all of their commands', () => {
  expect(shell.left('guides-settings')).toEqual([]);
});
