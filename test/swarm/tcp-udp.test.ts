// TCP and UDP ports on the real swarm: on every node, through scaling, updates and changes of routes.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NodeName } from '../../bed/bed-shape.ts';
import {
  administer,
  bed,
  defaultSettings,
  demo,
  eventually,
  InterlockStory,
  inspectProxy,
  problemsOf,
  settled,
} from '../support/interlock.ts';
import { applySettings, restoreSettings } from '../support/story.ts';

const story = new InterlockStory();
const port = 5432;
const host = 'tcp-web.local';

/** Answers each line with its version, over TCP and over UDP. Ends connections when it stops. */
const server = `
const version = process.env.VERSION ?? '1';
const { createServer } = require('node:net');
createServer((socket) => socket.on('error', () => {}).on('data', (text) => socket.write(version + ' ' + text))).listen(7000);
const udp = require('node:dgram').createSocket('udp4');
udp.on('message', (text, { port, address }) => udp.send(version + ' ' + text, port, address)).bind(7000);
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 1000));
`;

const address = (node: NodeName) => bed.node(node).address(port);

function open(node: NodeName): Socket {
  const socket = connect(address(node));
  socket.on('error', () => undefined);
  return socket;
}

async function say(socket: Socket, text: string): Promise<string> {
  const answer = once(socket, 'data', { signal: AbortSignal.timeout(8000) });
  socket.write(text);
  return String((await answer)[0]);
}

/** The answer to a connection of its own. */
async function ask(node: NodeName, text = 'hello'): Promise<string> {
  const socket = open(node);
  try {
    return await say(socket, text);
  } finally {
    socket.destroy();
  }
}

async function askByUdp(node: NodeName): Promise<string> {
  const socket = createSocket('udp4');
  try {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(3000) });
    socket.send('hello', port, address(node).host);
    return String((await answer)[0]);
  } finally {
    socket.close();
  }
}

/** New connections, one after the other, until it is stopped. */
function keepAsking() {
  const failures: unknown[] = [];
  let total = 0;
  let isStopped = false;
  const clients = ['worker1', 'worker2'].map(async (node) => {
    while (!isStopped) {
      total++;
      await ask(node as NodeName).catch((error: unknown) => failures.push(error));
      await sleep(20);
    }
  });
  return {
    async stop() {
      isStopped = true;
      await Promise.all(clients);
      return { total, failures: failures.map(String) };
    },
  };
}

const serviceOf = (...more: readonly string[]) => [
  ...['service', 'create', '--detach', '--name', 'tcp-db', '--network', 'tcp-net', '--entrypoint', 'node'],
  ...['--update-order', 'start-first', '--update-delay', '1s', '--stop-grace-period', '5s', '--no-healthcheck'],
  ...['--label', `com.docker.lb.tcp_port=${port}`, '--label', `com.docker.lb.udp_port=${port}`],
  ...['--label', 'com.docker.lb.port=7000', ...more, demo, '-e', server],
];

beforeAll(async () => {
  await story.docker('network create --driver overlay tcp-net');
  await bed.docker(...serviceOf());
});
afterAll(async () => {
  await bed.docker('service', 'rm', 'tcp-db');
  await restoreSettings();
  await story.close();
});

it('names the missing port', async () => {
  await eventually(async () => {
    const reasons = (await problemsOf('tcp-db')).map(({ reason }) => reason);
    expect(reasons).toContainEqual(expect.stringContaining('TcpPorts is empty'));
  });
});

it('serves it on every node when the settings have it', async () => {
  await applySettings(
    defaultSettings.replace('[Extensions.default]', `[Extensions.default]\nTcpPorts = [${port}]\nUdpPorts = [${port}]`),
  );
  await settled();

  for (const { name } of bed.nodes) {
    await eventually(async () => expect(await ask(name)).toBe('1 hello'));
    await eventually(async () => expect(await askByUdp(name)).toBe('1 hello'));
  }
  // A node may still hold the addresses of a network that a story before this one used: the first task then fails.
  await eventually(async () => expect(await problemsOf('tcp-db')).toEqual([]));
});

it('loses no new connection while the service is scaled and updated', async () => {
  const load = keepAsking();
  for (const replicas of [3, 1]) {
    await bed.docker('service', 'scale', '--detach', `tcp-db=${replicas}`);
    await eventually(async () => expect(await bed.running('tcp-db')).toHaveLength(replicas));
    await sleep(1500);
  }
  await bed.docker('service', 'update', '--detach', '--env-add', 'VERSION=2', 'tcp-db');
  await eventually(async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask('worker1')));
    expect(new Set(answers)).toEqual(new Set(['2 hello']));
  });

  const { total, failures } = await load.stop();
  console.log(`${failures.length} of ${total} new connections failed`);
  expect(failures).toEqual([]);
  expect(total).toBeGreaterThan(100);
});

it('keeps open connections while routes change', async () => {
  const socket = open('worker1');
  expect(await say(socket, 'before')).toBe('2 before');
  const { Version } = await inspectProxy();

  await bed.docker('service', 'update', '--detach', '--label-add', 'com.docker.lb.connect_timeout=2s', 'tcp-db');
  await bed.docker(
    'service',
    'update',
    '--detach',
    '--label-add',
    `com.docker.lb.1.hosts=${host}`,
    '--label-add',
    'com.docker.lb.1.port=7000',
    'tcp-db',
  );
  await settled();
  await eventually(async () => expect(await ask('worker2')).toBe('2 hello'));

  expect(await say(socket, 'after')).toBe('2 after');
  expect((await inspectProxy()).Version.Index).toBe(Version.Index);
  socket.destroy();
});

it('shows connections, bytes and tasks of the ports', async () => {
  const traffic = async (host: string) => {
    const { status, body } = await administer(`/api/traffic?range=1h&host=${encodeURIComponent(host)}`);
    expect(status).toBe(200);
    return JSON.parse(body) as {
      totals: { requests: number; received: number };
      parts: { kind: string; task: string }[];
    };
  };
  await eventually(async () => {
    const { totals, parts } = await traffic(`tcp/${port}`);
    expect(totals.requests).toBeGreaterThan(100);
    expect(parts.filter(({ kind, task }) => kind === 'task' && task !== null).length).toBeGreaterThan(0);
    expect((await traffic(`udp/${port}`)).totals.requests).toBeGreaterThan(0);
  }, 60_000);
});

it('reports that nothing listens on the port of the tasks', async () => {
  const update = (to: string) =>
    bed.docker('service', 'update', '--detach', '--label-add', `com.docker.lb.port=${to}`, 'tcp-db');
  await update('7999');
  await eventually(async () => {
    const reasons = (await problemsOf('tcp-db')).map(({ reason }) => reason);
    expect(reasons).toContainEqual(expect.stringMatching(/7999/));
  }, 30_000);
  await update('7000');
  await eventually(async () => expect(await problemsOf('tcp-db')).toEqual([]), 30_000);
});

it('refuses connections without tasks, and serves again with one', async () => {
  await bed.docker('service', 'scale', '--detach', 'tcp-db=0');
  await eventually(async () => expect(await ask('worker1').catch(() => 'nobody')).toBe('nobody'));
  await bed.docker('service', 'scale', '--detach', 'tcp-db=1');
  await eventually(async () => expect(await ask('worker1')).toBe('2 hello'));
});
