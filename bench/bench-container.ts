import { dirname } from 'node:path/posix';
import type { Engine } from '../bed/engine.ts';
import { ownerFlags } from '../bed/owner.ts';
import { run } from '../bed/shell.ts';
import { backendPort } from './contestants.ts';

/** Of containers that are measured. */
export const NETWORK = 'signalbox-bench';

/** What all proxies forward requests to. */
export const application = {
  files: [
    {
      path: '/tmp/nginx.conf',
      text: `worker_processes 1; pid /tmp/nginx.pid; error_log stderr; events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000; keepalive_timeout 1h; client_body_temp_path /tmp/a; proxy_temp_path /tmp/b;
fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
server { listen ${backendPort}; location / { return 200 "hello from the application\\n"; } } }`,
    },
  ],
  command: ['nginx', '-g', 'daemon off;', '-c', '/tmp/nginx.conf'],
};

export interface File {
  readonly path: string;
  readonly text: string;
}

export interface ContainerOptions {
  readonly name: string;
  readonly image: string;
  readonly network: string;
  /** The single core that it may use. */
  readonly core: number;
  readonly aliases?: readonly string[];
  readonly files: readonly File[];
  readonly command: readonly string[];
}

/** A container with one process to measure, on one core. */
export class BenchContainer {
  readonly #engine: Engine;
  readonly #name: string;

  private constructor(engine: Engine, name: string) {
    this.#engine = engine;
    this.#name = name;
  }

  static async start(engine: Engine, options: ContainerOptions): Promise<BenchContainer> {
    const { name, image, network, core, aliases = [], files, command } = options;
    const flags = [
      '--network',
      network,
      '--cpuset-cpus',
      `${core}`,
      '--tmpfs',
      '/tmp:mode=1777',
      '--tmpfs',
      '/run/secrets:mode=1777',
    ];
    const names = aliases.flatMap((alias) => ['--network-alias', alias]);
    await run(engine.cli, [
      'run',
      '--detach',
      ...ownerFlags(),
      '--name',
      name,
      ...flags,
      ...names,
      // Waits for its input, which stays open: not every image has sleep.
      '--interactive',
      '--entrypoint',
      'cat',
      image,
    ]);
    const container = new BenchContainer(engine, name);
    await container.write(files);
    const quoted = command.map((word) => `'${word}'`).join(' ');
    // The access log is discarded: the measurement does not include what happens to its lines after the proxy.
    await run(engine.cli, ['exec', '--detach', name, 'sh', '-c', `exec ${quoted} >/dev/null 2>/tmp/errors`]);
    return container;
  }

  async write(files: readonly File[]): Promise<void> {
    for (const { path, text } of files)
      await this.#exec(['sh', '-c', `mkdir -p ${dirname(path)} && cat >${path}`], text);
  }

  /** Runs a command in the container and resolves with its output. */
  exec(...command: string[]): Promise<string> {
    return this.#exec(command, '');
  }

  /** CPU time that the container has used, in microseconds. */
  async cpuMicroseconds(): Promise<number> {
    const script = 'cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage';
    const text = await this.exec('sh', '-c', script);
    const v2 = /^usage_usec (\d+)$/m.exec(text)?.[1];
    return v2 === undefined ? Number(text) / 1000 : Number(v2);
  }

  async remove(): Promise<void> {
    await run(this.#engine.cli, ['rm', '--force', this.#name]);
  }

  #exec(command: readonly string[], input: string): Promise<string> {
    return run(this.#engine.cli, ['exec', '--interactive', this.#name, ...command], { input });
  }
}

/** Removes all containers on the network, and the network. */
export async function sweep(cli: string): Promise<void> {
  const names = (await run(cli, ['ps', '--all', '--quiet', '--filter', `network=${NETWORK}`]))
    .split('\n')
    .filter(Boolean);
  if (names.length > 0) await run(cli, ['rm', '--force', ...names]);
  await run(cli, ['network', 'rm', NETWORK]).catch(() => {});
}
