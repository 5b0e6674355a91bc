import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultSocket, engineHome, project } from './places.ts';
import { isOnPath, lastLines, run } from './shell.ts';
import { type Progress, StepFailed } from './step.ts';

const pidFile = join(engineHome, 'dockerd.pid');
const logFile = join(engineHome, 'dockerd.log');
/** Marks the engine as one that we may stop. */
const marker = join(engineHome, 'started-by-signalbox');

/** Downloads and starts our own engine. Called only if no engine answers. */
export async function startEngine(host: string | undefined, progress: Progress): Promise<void> {
  const socket = socketOf(host);
  await explainWhereWeCannot();
  progress.note('no engine answers: downloading one from the Debian packages');
  await installHostPackages();
  mkdirSync(engineHome, { recursive: true });
  await run(join(project, 'bed/fetch-engine.sh'), [join(engineHome, 'engine')]).catch(noDownload);
  progress.note('starting');
  launch(socket);
  await awaitPing(socket);
}

function socketOf(host: string | undefined): string {
  const path = host === undefined ? defaultSocket : /^unix:\/\/(.*)$/.exec(host)?.[1];
  if (path) return path;
  throw new StepFailed(`No Docker engine answers at DOCKER_HOST=${host}.`, 'Start it, or unset DOCKER_HOST.');
}

async function explainWhereWeCannot(): Promise<void> {
  const installed = await isOnPath('dockerd');
  if (installed && existsSync('/run/systemd/system')) {
    throw new StepFailed('A Docker engine is installed but not running.', 'systemctl start docker');
  }
  const remedy =
    'Install and start Docker Engine 23 or later (https://docs.docker.com/engine/install/), then run this again.';
  if (process.platform !== 'linux' || !(await isOnPath('apt-get'))) {
    throw new StepFailed('No Docker engine answers. Automatic installation works on Debian and Ubuntu only.', remedy);
  }
  if (process.getuid?.() !== 0) {
    throw new StepFailed(
      'No Docker engine answers to this user. Starting one requires root.',
      `Run as root. Or: ${remedy}`,
    );
  }
}

/** runc needs the host's libc and iptables must fit its kernel, so both are installed as packages. */
async function installHostPackages(): Promise<void> {
  if ((await isOnPath('runc')) && (await isOnPath('iptables'))) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['update', '-qq'], { env });
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'runc', 'iptables', 'ca-certificates'], {
      env,
    });
  } catch (cause) {
    throw new StepFailed(
      `Cannot install runc and iptables: ${cause}`,
      'Check that apt-get update works on this machine.',
      {
        cause,
      },
    );
  }
}

function noDownload(cause: unknown): never {
  throw new StepFailed(
    `Cannot download the engine: ${cause}`,
    'Check that the Debian mirror (or DEBIAN_MIRROR) answers.',
    {
      cause,
    },
  );
}

/** Its socket is accessible to root only: anyone who can use it controls the machine. */
function launch(socket: string): void {
  const bin = join(engineHome, 'engine/bin');
  rmSync(pidFile, { force: true });
  const log = openSync(logFile, 'w');
  const args = ['--data-root', join(engineHome, 'data'), '--exec-root', '/run/signalbox-bed'];
  const child = spawn(
    join(bin, 'dockerd'),
    [...args, '--pidfile', pidFile, '--host', `unix://${socket}`, '--group', 'root'],
    {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}:/usr/sbin:/sbin`, DOCKER_HOST: undefined },
    },
  );
  child.unref();
  writeFileSync(marker, '');
}

async function awaitPing(socket: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await pings(socket))) {
    if (performance.now() > deadline) {
      const log = lastLines(readFileSync(logFile, 'utf8'), 8);
      throw new StepFailed(`The engine does not start. Last lines of its log:\n${log}`, `Read ${logFile}.`);
    }
    await sleep(100);
  }
}

function pings(socket: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const ping = request({ socketPath: socket, path: '/_ping' }, (response) =>
    resolve(response.resume().statusCode === 200),
  );
  ping.on('error', () => resolve(false)).end();
  return promise;
}

export const engineIsOurs = (): boolean => existsSync(marker) && existsSync(pidFile);

/** Stops the engine that we started and removes it with all its data. */
export async function removeEngine(): Promise<void> {
  const pid = Number(readFileSync(pidFile, 'utf8'));
  process.kill(pid, 'SIGTERM');
  const deadline = performance.now() + 60_000;
  while (existsSync(`/proc/${pid}/exe`)) {
    if (performance.now() > deadline)
      throw new StepFailed(`The engine (process ${pid}) does not stop.`, `kill -9 ${pid}`);
    await sleep(100);
  }
  await unmountBelow(engineHome);
  rmSync(engineHome, { recursive: true, force: true });
}

/**
 * dockerd bind-mounts its data folder onto itself. It leaves the mount behind if it did not detect that it created it.
 */
async function unmountBelow(folder: string): Promise<void> {
  const targets = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  const below = targets.filter((target) => target.startsWith(`${folder}/`));
  // The last mount is on top.
  for (const target of below.toReversed()) await run('umount', [target]);
}
