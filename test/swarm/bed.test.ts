// The bed itself: what the other tests rely on.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { nodeNames } from '../../bed/bed-shape.ts';
import { findEngine } from '../../bed/engine.ts';
import { ownerLabel, ownerName } from '../../bed/owner.ts';
import { storyBed } from '../../bed/story-bed.ts';
import { sweep } from '../../bed/sweep.ts';

const bed = await storyBed(inject('beds'));
const eventually = (met: () => Promise<void>) => vi.waitFor(met, { timeout: 150_000, interval: 200 });

const configuration = `pid /tmp/nginx.pid; events {} error_log stderr;
http { client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
access_log off; server { listen 8000; location / { return 200 "$hostname"; } } }`;

const stack = `
services:
  web:
    image: signalbox/proxy:${inject('version')}
    read_only: true
    volumes: [{type: tmpfs, target: /tmp}]
    networks: [net]
    ports: ["18000:8000"]
    configs: [{source: web, target: /etc/nginx/nginx.conf}]
    deploy: {replicas: 3}
networks:
  # Far from where Swarm begins to give out addresses: nodes may not have let go yet of those of networks that are gone.
  net: {driver: overlay, ipam: {config: [{subnet: 10.255.200.0/24}]}}
configs:
  web: {file: ${JSON.stringify('/tmp/signalbox-bed-test.conf')}}
`;

it('The demo is on every node without a tag', async () => {
  const ids = bed.nodes.map(async ({ docker }) => {
    const images = ['latest', inject('version')].map((tag) => docker.getImage(`signalbox/demo:${tag}`).inspect());
    return new Set((await Promise.all(images)).map(({ Id }) => Id)).size;
  });

  expect(await Promise.all(ids)).toEqual(bed.nodes.map(() => 1));
});

describe('objects that a run creates', () => {
  it('are removed once the run has ended, and not before', async () => {
    const { docker } = (await findEngine())!;
    const create = async (owner: string) => {
      const Labels = { [ownerLabel]: owner };
      const name = `signalbox-${bed.name}-sweep-${randomUUID()}`;
      const network = await docker.createNetwork({ Name: name, Labels });
      const container = await docker.createContainer({ Image: inject('clients'), Cmd: ['sleep', '600'], Labels });
      await container.start();
      return { container, network };
    };
    const ended = spawn('true');
    const owner = ownerName(ended.pid);
    const going = await create(ownerName());
    const left = await create(owner);
    if (ended.exitCode === null) await once(ended, 'exit');

    try {
      expect(await sweep(docker)).toBeGreaterThan(0);

      await expect(left.container.inspect()).rejects.toThrow('No such container');
      await expect(left.network.inspect()).rejects.toThrow('not found');
      expect((await going.container.inspect()).State.Running).toBe(true);
      expect(await going.network.inspect()).toBeDefined();
    } finally {
      await going.container.remove({ force: true });
      await going.network.remove();
    }
  });
});

describe('the bed', () => {
  beforeAll(async () => {
    const { writeFileSync } = await import('node:fs');
    writeFileSync('/tmp/signalbox-bed-test.conf', configuration);
    await bed.deploy('bed', stack);
    await bed.settle('bed_web', 3);
  });
  afterAll(async () => {
    await bed.removeStack('bed');
  });

  it.each(nodeNames)('has no zombies on %s: process 1 reaps orphans that have ended', async (node) => {
    // The shells end immediately. The command lasts as long as its output is open, until the orphan has ended.
    expect(await bed.node(node).exec('sh', '-c', "sh -c 'sleep 0.2 &'")).toBe(0);

    await eventually(async () => expect(await bed.node(node).exec('pgrep', '--runstates', 'Z')).toBe(1));
  });

  it.each(nodeNames)('answers on %s from every task of an ingress service', async (node) => {
    await eventually(async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => bed.request({ node, host: 'any', port: 18000 })),
      );

      expect(answers.every(({ status }) => status === 200)).toBe(true);
      expect(new Set(answers.map(({ body }) => body)).size).toBe(3);
    });
  });

  it('distributes the VIP of a service over its tasks', async () => {
    const fetchVip = () => bed.exec('bed_web', 'curl', '-sS', '--max-time', '3', 'http://web:8000/');
    await eventually(async () => {
      const answers = [];
      for (let i = 0; i < 12; i++) answers.push(await fetchVip());

      expect(new Set(answers).size).toBe(3);
    });
  });

  it('survives a paused worker, a killed worker and a killed manager', async () => {
    const worker = bed.node('worker2');

    await worker.pause();
    await worker.unpause();
    await worker.kill();
    await bed.settle('bed_web', 3);
    await worker.start();
    await bed.manager.kill();
    try {
      // Tasks may have moved to the manager and ended with it. The mesh tries them in turn, as IPVS does.
      await eventually(async () =>
        expect((await bed.request({ host: 'any', port: 18000, timeoutMs: 2000 })).status).toBe(200),
      );
    } finally {
      // Later tests need it.
      await bed.manager.start();
    }

    await eventually(async () => {
      expect(await bed.docker('node', 'ls', '--format', '{{.Status}}')).toBe('Ready\nReady\nReady\n');
      for (const node of nodeNames)
        expect((await bed.request({ node, host: 'any', port: 18000, timeoutMs: 2000 })).status).toBe(200);
    });
  });
});
