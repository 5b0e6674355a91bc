import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, vi } from 'vitest';
import { adminPassword } from '../../bed/admin-password.ts';
import type { NodeRequest } from '../../bed/bed.ts';
import type { NodeName } from '../../bed/bed-shape.ts';
import { dropOldSettings } from '../../bed/deploy-signalbox.ts';
import { digestOf } from '../../bed/digest.ts';
import { project } from '../../bed/places.ts';
import type { Answer } from '../../bed/request.ts';
import { storyBed } from '../../bed/story-bed.ts';
import type { ClusterView, State } from '../../src/controller/admin/state.ts';
import { concerns } from '../../src/model/problem.ts';

export const bed = await storyBed(inject('beds'));
/** Replaces the images of Interlock's documentation: ehazlett/docker-demo, training/whoami and so on. */
export const demo = `signalbox/demo:${inject('version')}`;

export const eventually = <T>(met: () => Promise<T>, timeout = 60_000): Promise<T> =>
  vi.waitFor(met, { timeout, interval: 250 });

export const curl = (host: string, path = '/', more: Partial<NodeRequest> = {}): Promise<Answer> =>
  bed.request({ host, path, ...more });

export interface Pong {
  readonly instance: string;
  readonly version: string;
  readonly metadata?: string;
  readonly request_id?: string;
}

/** `curl -H 'Host: …' …/ping`, which must succeed. */
export async function ping(host: string, more: Partial<NodeRequest> = {}): Promise<Pong> {
  const answer = await curl(host, '/ping', more);
  expect(answer.status, answer.body).toBe(200);
  return JSON.parse(answer.body);
}

export async function pings(host: string, count: number, more: Partial<NodeRequest> = {}): Promise<Pong[]> {
  const answers: Pong[] = [];
  for (let done = 0; done < count; done += 10) {
    const batch = Array.from({ length: Math.min(10, count - done) }, () => ping(host, more));
    answers.push(...(await Promise.all(batch)));
  }
  return answers;
}

/** What reached the application. */
export async function echo(host: string, path: string, more: Partial<NodeRequest> = {}) {
  const answer = await curl(host, path, more);
  expect(answer.status, answer.body).toBe(200);
  return JSON.parse(answer.body) as {
    method: string;
    url: string;
    httpVersion: string;
    headers: Record<string, string>;
    length: number;
  };
}

/** With several managers Swarm chooses where the controller runs. */
async function controllerNode(): Promise<NodeName> {
  if (bed.managers.length === 1) return bed.manager.name;
  const nodes = await bed.nodesOf('signalbox_controller');
  return nodes.includes(bed.manager.name) ? bed.manager.name : (nodes[0] ?? bed.manager.name);
}

let password: Promise<string> | undefined;
let token: string | undefined;

/** An unauthenticated request to the controller's API. */
export async function askController(path: string, more: Partial<NodeRequest> = {}): Promise<Answer> {
  return bed.request({ node: await controllerNode(), port: 9443, tls: true, host: 'localhost', path, ...more });
}

export async function logIn(): Promise<string> {
  password ??= adminPassword(bed).catch((error) => {
    password = undefined;
    throw error;
  });
  const body = JSON.stringify({ username: 'admin', password: await password });
  const answer = await askController('/auth/login', { method: 'POST', body });
  expect(answer.status, answer.body).toBe(200);
  return JSON.parse(answer.body).auth_token;
}

/** A request to the controller's API as its administrator. */
export async function administer(path: string, more: Partial<NodeRequest> = {}): Promise<Answer> {
  token ??= await logIn();
  const ask = () => askController(path, { ...more, headers: { ...more.headers, authorization: `Bearer ${token}` } });
  const answer = await ask();
  if (answer.status !== 401) return answer;
  // Another controller answers: it does not know the sessions of its predecessor.
  token = await logIn();
  return ask();
}

export async function state(): Promise<State> {
  const answer = await administer('/api/state');
  expect(answer.status, answer.body).toBe(200);
  return JSON.parse(answer.body);
}

/** Includes problems of several services. */
export async function problemsOf(service: string) {
  const { problems } = await state();
  return problems.filter((problem) => concerns(problem, service));
}

interface ProxyService {
  readonly Version: { readonly Index: number };
  readonly UpdateStatus?: { readonly State: string };
  readonly Spec: {
    readonly Labels?: Readonly<Record<string, string>>;
    readonly Mode: { readonly Replicated: { readonly Replicas: number } };
    readonly TaskTemplate: {
      readonly Networks?: readonly { readonly Target: string }[];
    };
  };
}

export async function inspectProxy(service = 'signalbox-proxy'): Promise<ProxyService> {
  return (await bed.manager.docker.getService(service).inspect()) as ProxyService;
}

/** Ids of the networks that the proxies have joined. */
export async function proxyNetworks(service = 'signalbox-proxy'): Promise<string[]> {
  return ((await inspectProxy(service)).Spec.TaskTemplate.Networks ?? []).map(({ Target }) => Target);
}

async function clusterOf(service: string): Promise<ClusterView> {
  const found = (await state()).clusters.find(({ proxyService }) => proxyService === service);
  if (!found) throw new Error(`${service} belongs to no cluster`);
  return found;
}

/** What changes if the proxies are updated: their tasks, and the version that they serve. */
export async function proxyIdentity(service = 'signalbox-proxy'): Promise<string[]> {
  const running = await bed.runningIds(service);
  return [(await clusterOf(service)).served ?? '', ...running];
}

/** `docker config inspect` of what the proxies serve, as in KB articles on Interlock. */
export async function proxyConfiguration(service = 'signalbox-proxy'): Promise<string> {
  const name = `com.docker.interlock.proxy.${(await clusterOf(service)).served}`;
  const [config] = JSON.parse(await bed.docker('config', 'inspect', name)) as [{ Spec: { Data: string } }];
  return Buffer.from(config.Spec.Data, 'base64').toString('utf8');
}

interface ProxyTask {
  readonly ID: string;
  readonly DesiredState: string;
  readonly Status: { readonly State: string };
}

/** Every replica of a cluster serves the newest configuration, and none an older one. */
async function expectSettled(cluster: ClusterView): Promise<void> {
  expect(cluster).toMatchObject({ rolling: false, version: expect.any(String) });
  expect(cluster.served).toBe(cluster.version);
  const service = await inspectProxy(cluster.proxyService);
  // While replicas are being spread there is one more.
  expect(service.Spec.Labels?.['com.signalbox.spread'] ?? '').not.toContain('"replicas"');
  const tasks = (await bed.tasks(cluster.proxyService)) as unknown as ProxyTask[];
  const living = tasks.filter(({ DesiredState, Status }) => DesiredState === 'running' || Status.State === 'running');
  expect(living.map(({ Status }) => Status.State)).toEqual(
    Array.from({ length: service.Spec.Mode.Replicated.Replicas }, () => 'running'),
  );
  expect(cluster.replicas.map(({ task, version }) => [task, version]).toSorted()).toEqual(
    living.map(({ ID }) => [ID, cluster.version]).toSorted(),
  );
}

/**
 * Waits until the controller has observed the swarm again since `asked`, Swarm reports it as healthy, and every proxy
 * serves the result.
 */
export async function settled(asked = Date.now()): Promise<State> {
  return eventually(async () => {
    const now = await state();
    expect(now.error).toBeNull();
    expect(Date.parse(now.observedAt ?? '')).toBeGreaterThan(asked);
    expect(now.problems.filter(({ reason }) => reason.includes('unevenly spread'))).toEqual([]);
    for (const cluster of now.clusters) await expectSettled(cluster);
    expect(await bed.running('signalbox_controller')).not.toEqual([]);
    return now;
  }, 300_000);
}

/** Waits until hosts are routed by every proxy, and the application answers. */
export async function published(...hosts: readonly (string | Partial<NodeRequest>)[]): Promise<void> {
  await settled();
  for (const host of hosts) {
    const route = typeof host === 'string' ? { host, path: '/ping' } : { host: 'none', ...host };
    await eventually(async () => {
      for (let times = 0; times < 4; times++) expect((await bed.request(route)).status).toBe(200);
    });
  }
}

/** Commands as in the documentation. What they create is removed at the end. */
export class InterlockStory {
  readonly #services: string[] = [];
  readonly #networks: string[] = [];
  readonly #stacks: string[] = [];

  /** A docker CLI command, split at spaces. */
  async docker(command: string): Promise<string> {
    const words = command.trim().split(/\s+/);
    const [object, verb] = words;
    const name = words[words.indexOf('--name') + 1];
    if (object === 'network' && verb === 'create') this.#networks.push(words.at(-1)!);
    if (object === 'service' && verb === 'create') {
      this.#services.push(name!);
      words.splice(2, 0, '--detach', '--quiet', '--no-resolve-image');
    }
    if (object === 'service' && (verb === 'update' || verb === 'scale')) words.splice(2, 0, '--detach');
    if (object === 'service' && verb === 'update') words.splice(2, 0, '--no-resolve-image', '--quiet');
    return bed.docker(...words);
  }

  async deploy(name: string, compose: string): Promise<void> {
    this.#stacks.push(name);
    await bed.deploy(name, compose);
  }

  async close(): Promise<void> {
    for (const stack of this.#stacks) await removeStack(stack);
    const present = (await bed.docker('service', 'ls', '--format', '{{.Name}}')).split('\n');
    const left = this.#services.filter((name) => present.includes(name));
    if (left.length > 0) await bed.docker('service', 'rm', ...left);
    // The proxies leave the networks as soon as they have no routes there.
    for (const network of this.#networks) await removeNetwork(network);
  }
}

/**
 * `docker stack rm`, repeated: the proxies use the network until they have left it, and a node lists a removed network as
 * long as it still ends a container there.
 */
export async function removeStack(name: string, timeout = 120_000): Promise<void> {
  await eventually(async () => {
    await bed.docker('stack', 'rm', name);
    const filter = ['--filter', `label=com.docker.stack.namespace=${name}`, '--quiet'];
    expect(await bed.docker('network', 'ls', ...filter)).toBe('');
    expect(await bed.docker('service', 'ls', ...filter)).toBe('');
  }, timeout);
}

async function removeNetwork(name: string): Promise<void> {
  await eventually(async () => {
    const present = (await bed.docker('network', 'ls', '--format', '{{.Name}}')).split('\n');
    if (present.includes(name)) await bed.docker('network', 'rm', name);
  });
}

export const defaultSettings = readFileSync(join(project, 'config.toml'), 'utf8');

/**
 * Applies other settings as an administrator does: with a new Docker config, and by deploying the stack again. `more` is
 * added to the environment of the deployment.
 */
export async function useSettings(text: string, more: NodeJS.ProcessEnv = {}): Promise<void> {
  const file = join(tmpdir(), `signalbox-${bed.name}-settings.toml`);
  writeFileSync(file, text);
  const env = {
    SIGNALBOX_VERSION: inject('version'),
    SIGNALBOX_SETTINGS: file,
    SIGNALBOX_SETTINGS_NAME: `signalbox-settings-${digestOf('/', [file])}`,
    ...more,
  };
  await bed.deploy('signalbox', { file: join(project, 'stack.yml') }, env);
  rmSync(file);
  await dropOldSettings(bed, env.SIGNALBOX_SETTINGS_NAME);
}
