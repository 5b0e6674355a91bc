import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { ConnectionFault } from '../../../../src/model/backends/connections.ts';
import { ConnectionWatch } from '../../../../src/proxy/backends/connection-watch.ts';
import { NginxErrors, withErrorLog } from '../../../../src/proxy/backends/nginx-errors.ts';
import { tryConnection } from '../../../../src/proxy/backends/try-connection.ts';
import { readServersInUse } from '../../../../src/proxy/nginx/servers-in-use.ts';

const name = 'tasks.web.app';
const number = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const [first, second] = ['10.0.1.5', '10.0.1.6'];

/** A watch whose connections fail as `faults` says. Time only passes in `wait`. */
class World {
  readonly faults = new Map<string, ConnectionFault>();
  readonly tried: string[] = [];
  changes = 0;
  #now = 0;
  #wake = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  readonly watch = new ConnectionWatch({
    connect: async (address, port) => {
      this.tried.push(`${address}:${port}`);
      return this.faults.get(`${address}:${port}`);
    },
    now: () => this.#now,
    sleep: async () => {
      await this.#wake.promise;
    },
  });

  constructor(ports: readonly number[] = [8080]) {
    this.watch.onChange = () => {
      this.changes += 1;
    };
    this.watch.use(new Map([[name, ports]]));
    void this.watch.run(this.#stop.signal);
  }

  resolve(...addresses: readonly string[]): void {
    this.watch.resolved(name, addresses.map(number));
  }

  async wait(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      this.#now += 250;
      const { resolve } = this.#wake;
      this.#wake = Promise.withResolvers();
      resolve();
      await new Promise(setImmediate);
    }
  }
}

describe('a watch of connections', () => {
  it('tries each address once, and nothing else while all of them answer', async () => {
    const world = new World([8080, 9090]);
    world.resolve(first);
    world.resolve(first, second);
    await world.wait(60_000);
    world.resolve(second, first);
    await world.wait(60_000);

    expect(world.tried.toSorted()).toEqual(['10.0.1.5:8080', '10.0.1.5:9090', '10.0.1.6:8080', '10.0.1.6:9090']);
    expect(world.watch.faults).toBeUndefined();
    expect(world.changes).toBe(0);
  });

  it('reports a port on which nothing listens, and forgets it at the first connection', async () => {
    const world = new World();
    world.faults.set(`${first}:8080`, 'refused').set(`${second}:8080`, 'refused');
    world.resolve(first, second);
    await world.wait(3000);
    expect(world.watch.faults).toBeUndefined();

    await world.wait(3500);
    const fault = { address: name, port: 8080, tasks: 2, refused: 2, timedOut: 0, unreachable: 0 };
    expect(world.watch.faults).toEqual({ peers: [fault], hasMore: false });
    expect(world.changes).toBeGreaterThan(0);

    world.faults.delete(`${first}:8080`);
    await world.wait(2500);
    expect(world.watch.faults).toEqual({ peers: [{ ...fault, refused: 1 }], hasMore: false });
    world.faults.clear();
    await world.wait(2500);
    expect(world.watch.faults).toBeUndefined();
  });

  it('never reports an application that listens after three seconds', async () => {
    const world = new World();
    world.faults.set(`${first}:8080`, 'refused');
    world.resolve(first);
    await world.wait(3000);
    world.faults.clear();
    await world.wait(10_000);

    expect(world.changes).toBe(0);
  });

  it('forgets addresses that leave DNS, and servers that leave the configuration', async () => {
    const world = new World();
    world.faults.set(`${first}:8080`, 'timedOut').set(`${second}:8080`, 'unreachable');
    world.resolve(first, second);
    await world.wait(8000);
    expect(world.watch.faults?.peers).toMatchObject([{ timedOut: 1, unreachable: 1 }]);

    world.resolve(second);
    expect(world.watch.faults?.peers).toMatchObject([{ tasks: 1, timedOut: 0, unreachable: 1 }]);
    world.watch.use(new Map([[name, [9090]]]));
    expect(world.watch.faults).toBeUndefined();
  });

  it('tries an address again if nginx fails to connect to it, and only known ones', async () => {
    const world = new World();
    world.resolve(first);
    await world.wait(1000);
    world.faults.set(`${first}:8080`, 'refused');
    for (const [address, port] of [
      [first, 8080],
      [first, 22],
      ['10.9.9.9', 8080],
    ] as const)
      world.watch.suspect(address, port);
    await world.wait(8000);

    expect(world.watch.faults?.peers).toMatchObject([{ refused: 1 }]);
    expect(new Set(world.tried)).toEqual(new Set([`${first}:8080`]));
  });

  it.each(['tasks.web.app', '10.0.1.5'])('tries a port that a later configuration uses for %s', async (server) => {
    const world = new World();
    world.watch.use(new Map([[server, [8080]]]));
    world.watch.resolved(server, [number(first)]);
    await world.wait(1000);
    world.faults.set(`${first}:7999`, 'refused');
    world.watch.use(new Map([[server, [8080, 7999]]]));
    await world.wait(6000);

    expect(new Set(world.tried)).toEqual(new Set([`${first}:8080`, `${first}:7999`]));
    expect(world.watch.faults?.peers).toMatchObject([{ address: server, port: 7999, refused: 1 }]);
    world.watch.use(new Map([[server, [8080]]]));
    expect(world.watch.faults).toBeUndefined();
  });

  it('spreads the connections over time', async () => {
    const world = new World();
    world.resolve(...Array.from({ length: 200 }, (_, position) => `10.0.2.${position}`));
    await world.wait(1000);
    expect(world.tried.length).toBeLessThanOrEqual(100);
    await world.wait(2000);
    expect(world.tried).toHaveLength(200);
  });

  it('limits its report', async () => {
    const world = new World(Array.from({ length: 200 }, (_, position) => 1000 + position));
    for (let port = 1000; port < 1200; port++) world.faults.set(`${first}:${port}`, 'refused');
    world.resolve(first);
    await world.wait(30_000);

    expect(world.watch.faults?.peers).toHaveLength(128);
    expect(world.watch.faults?.hasMore).toBe(true);
  });
});

it('finds the servers of a configuration with their ports, without those of UDP', async () => {
  const text = `
    upstream "a" {
        server "tasks.web.app:8080" max_fails=0 resolve;
        server "tasks.web.app:9090" resolve;
        server "10.0.1.5:80";
    }
    server {
        listen 80;
    }
    # udp tasks.web.app:53
    # udp tasks.dns.app:53
    upstream "b" {
        server "tasks.web.app:53" resolve;
        server "tasks.dns.app:53" resolve;
    }`;
  const files = async function* () {
    yield { text };
  };

  expect([...(await readServersInUse(files())).ports]).toEqual([
    ['tasks.web.app', [8080, 9090]],
    ['10.0.1.5', [80]],
  ]);
});

describe("nginx's errors", () => {
  const line = (upstream: string, request = 'GET / HTTP/1.1') =>
    `2026/11/29 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.2, server: a.example.org, request: "${request}", upstream: "${upstream}", host: "a.example.org"\n`;

  it.each([
    ['http://10.0.1.5:8080/', ['10.0.1.5:8080']],
    ['grpc://10.0.1.5:8080', ['10.0.1.5:8080']],
    ['10.0.1.5:8443', ['10.0.1.5:8443']],
    ['http://name/', []],
  ])('name the address %s', (upstream, expected) => {
    const found: string[] = [];
    new NginxErrors((address, port) => found.push(`${address}:${port}`)).take(line(upstream));

    expect(found).toEqual(expected);
  });

  it('name each address once, and not many', () => {
    const found: string[] = [];
    const errors = new NginxErrors((address) => found.push(address));
    errors.take(line('http://10.0.1.5:80/').repeat(1000));
    expect(found).toHaveLength(1);
    errors.take(Array.from({ length: 200 }, (_, position) => line(`http://10.0.2.${position}:80/`)).join(''));
    expect(found).toHaveLength(21);
  });

  it('are written to a file as well, with the options that the command has', () => {
    expect(withErrorLog(['nginx', '-g', 'daemon off;'], '/tmp/x')).toEqual([
      'nginx',
      '-g',
      'daemon off; error_log /tmp/x error;',
    ]);
    expect(withErrorLog(['nginx'], '/tmp/x')).toEqual(['nginx', '-g', 'error_log /tmp/x error;']);
  });
});

it('tells a listening port from one on which nothing listens', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  expect(await tryConnection('127.0.0.1', port)).toBeUndefined();
  await new Promise((resolve) => server.close(resolve));

  expect(await tryConnection('127.0.0.1', port)).toBe('refused');
});
