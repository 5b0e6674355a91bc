import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { inject } from 'vitest';
import { type Engine, findEngine } from '../../bed/engine.ts';
import { currentOwner, ownerLabel } from '../../bed/owner.ts';
import { bedLabel } from '../../bed/places.ts';
import { run } from '../../bed/shell.ts';
import { eventually } from './eventually.ts';
import { bed } from './interlock.ts';

const user = 'puller';
const password = 'secret of the registry';
const port = 5000;

const program = `
htpasswd -Bbc /tmp/users "$REGISTRY_USER" "$REGISTRY_PASSWORD"
exec docker-registry serve /etc/docker/registry/config.yml`;

/** An image registry beside the nodes of the bed. Without signing in, it answers 401. */
export class Registry implements AsyncDisposable {
  /** Host and port. */
  readonly address: string;
  readonly #engine: Engine;
  readonly #container: Docker.Container;

  private constructor(engine: Engine, container: Docker.Container, ip: string) {
    this.#engine = engine;
    this.#container = container;
    this.address = `${ip}:${port}`;
  }

  static async start(): Promise<Registry> {
    const engine = (await findEngine())!;
    const network = `signalbox-${bed.name}`;
    const container = await engine.docker.createContainer({
      Image: inject('clients'),
      Cmd: ['sh', '-ec', program],
      Env: [
        `REGISTRY_USER=${user}`,
        `REGISTRY_PASSWORD=${password}`,
        'REGISTRY_AUTH=htpasswd',
        'REGISTRY_AUTH_HTPASSWD_REALM=story',
        'REGISTRY_AUTH_HTPASSWD_PATH=/tmp/users',
        'REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/tmp/registry',
        `REGISTRY_HTTP_ADDR=:${port}`,
      ],
      Labels: { [bedLabel]: bed.name, [ownerLabel]: currentOwner() },
      HostConfig: { NetworkMode: network },
    });
    await container.start();
    const { NetworkSettings } = await container.inspect();
    return new Registry(engine, container, NetworkSettings.Networks[network]!.IPAddress);
  }

  /** Folder with the credentials, for `DOCKER_CONFIG`. The caller removes it. */
  async signIn(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'registry-'));
    await writeFile(join(folder, 'config.json'), this.config);
    return folder;
  }

  /** `config.json`, as `docker login` writes it. */
  get config(): string {
    return JSON.stringify({ auths: { [this.address]: { auth: btoa(`${user}:${password}`) } } });
  }

  /** Pushes an image of the nodes. Resolves with its name in the registry. */
  async push(image: string): Promise<string> {
    const name = `${this.address}/${image}`;
    const folder = await mkdtemp(join(tmpdir(), 'registry-'));
    const docker = (...args: string[]) =>
      run(this.#engine.cli, args, { env: bed.cliEnv({ DOCKER_CONFIG: folder }), timeoutMs: 120_000 });
    try {
      await eventually(() => docker('login', this.address, '--username', user, '--password', password));
      await docker('tag', image, name);
      await docker('push', '--quiet', name);
      // Nodes must pull it.
      await docker('image', 'rm', name);
    } finally {
      await rm(folder, { recursive: true });
    }
    return name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#container.remove({ force: true });
  }
}
