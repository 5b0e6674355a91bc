import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { defaultSocket, engineHome, project } from './places.ts';
import { isOnPath, run } from './shell.ts';
import { startEngine } from './start-engine.ts';
import { type Progress, StepFailed } from './step.ts';

/** The engine that runs the nodes and builds the images: the user's, or one that we started. */
export interface Engine {
  readonly docker: Docker;
  readonly cli: string;
  readonly version: string;
}

export async function ensureEngine(progress: Progress): Promise<Engine> {
  const found = await findEngine();
  if (found) {
    progress.done(`found ${found.version}`);
    return found;
  }
  await startEngine(process.env.DOCKER_HOST, progress);
  const started = await findEngine();
  if (!started) throw new StepFailed('The engine started but does not answer.', `Read ${engineHome}/dockerd.log.`);
  progress.done(`started ${started.version} (data in ${engineHome})`);
  return started;
}

/** Asks the engine itself: an installed docker CLI does not mean that an engine runs. */
export async function findEngine(): Promise<Engine | undefined> {
  for (const host of await candidateHosts()) {
    const docker = connect(host);
    const version = await answer(docker);
    if (version === undefined) continue;
    // testcontainers and the CLI read DOCKER_HOST. The context is what a user chose without it.
    process.env.DOCKER_HOST = host;
    delete process.env.DOCKER_CONTEXT;
    return { docker, version, cli: await ensureCli() };
  }
  return undefined;
}

async function candidateHosts(): Promise<string[]> {
  if (process.env.DOCKER_HOST) return [process.env.DOCKER_HOST];
  const fromContext = await run('docker', ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']).catch(
    () => '',
  );
  return [...new Set([fromContext.trim(), `unix://${defaultSocket}`])].filter((host) => host !== '');
}

function connect(host: string): Docker {
  const path = /^unix:\/\/(.*)$/.exec(host)?.[1];
  if (path) return new Docker({ socketPath: path });
  const { hostname, port } = new URL(host.replace(/^tcp:/, 'http:'));
  return process.env.DOCKER_TLS_VERIFY ? new Docker() : new Docker({ protocol: 'http', host: hostname, port });
}

async function answer(docker: Docker): Promise<string | undefined> {
  return Promise.race([
    docker.version().then(
      (version) => version.Version,
      () => undefined,
    ),
    sleep(5_000, undefined, { ref: false }),
  ]);
}

async function ensureCli(): Promise<string> {
  const fetched = join(engineHome, 'engine/bin/docker');
  if (await isOnPath('docker')) return 'docker';
  if (!existsSync(fetched)) await run(join(project, 'bed/fetch-engine.sh'), [join(engineHome, 'engine')]).catch(noCli);
  return fetched;
}

function noCli(cause: unknown): never {
  throw new StepFailed(
    'An engine answers, but the docker CLI is missing.',
    'Install the docker CLI (Debian: docker-cli).',
    {
      cause,
    },
  );
}
