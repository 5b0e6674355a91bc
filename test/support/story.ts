import { expect } from 'vitest';
import type { NodeName } from '../../bed/bed-shape.ts';
import { eventually } from './eventually.ts';
import { bed, defaultSettings, demo, inspectProxy, pings, removeStack, settled, useSettings } from './interlock.ts';

/** A service of a stack that runs the demo. */
export interface AppOptions {
  readonly host?: string;
  readonly replicas?: number;
  /** A changed version replaces the tasks. */
  readonly version?: string;
  readonly order?: 'start-first' | 'stop-first';
  readonly networks?: readonly string[];
  /** Placement constraints, such as `node.role==worker`. */
  readonly constraints?: readonly string[];
  /** Added to the labels for host and port, or replacing them. */
  readonly labels?: Readonly<Record<string, string>>;
}

export type Apps = Readonly<Record<string, AppOptions>>;

/** A test's stack. It is removed at the end of the test. */
export class Stack implements AsyncDisposable {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Full name of a service. */
  service(app = 'app'): string {
    return `${this.name}_${app}`;
  }

  async deploy(apps: Apps): Promise<void> {
    // JSON is YAML.
    await bed.deploy(this.name, JSON.stringify(toCompose(apps)));
  }

  async scale(replicas: number, app = 'app'): Promise<void> {
    await bed.docker('service', 'scale', '--detach', `${this.service(app)}=${replicas}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeStack(this.name);
  }
}

/** Deploys a stack with one network, `app`, and waits until its hosts answer. */
export async function deployStack(name: string, apps: Apps): Promise<Stack> {
  const stack = new Stack(name);
  await stack.deploy(apps);
  await settled();
  for (const { host } of Object.values(apps)) if (host) await answers(host);
  return stack;
}

function toCompose(apps: Apps) {
  const networks = new Set(['app', ...Object.values(apps).flatMap(({ networks }) => networks ?? [])]);
  return {
    services: Object.fromEntries(Object.entries(apps).map(([name, options]) => [name, toService(options)])),
    networks: Object.fromEntries([...networks].map((name) => [name, { driver: 'overlay' }])),
  };
}

function toService({ host, replicas = 1, version = '1', order = 'start-first', ...rest }: AppOptions) {
  const routing = host === undefined ? {} : { 'com.docker.lb.hosts': host, 'com.docker.lb.port': '8080' };
  return {
    image: demo,
    environment: { VERSION: version },
    networks: rest.networks ?? ['app'],
    deploy: {
      replicas,
      labels: { ...routing, ...rest.labels },
      // A node may still hold the addresses of a network that was removed: a task then fails to start, and the next succeeds.
      update_config: { order, monitor: '1s', failure_action: 'continue' },
      restart_policy: { delay: '500ms' },
      placement: { constraints: rest.constraints ?? [] },
    },
  };
}

/** The host answers 200 on the node, several times in a row. */
export async function answers(host: string, node: NodeName = 'worker1', port = 8080): Promise<void> {
  await eventually(async () => {
    for (let times = 0; times < 4; times++) {
      const { status } = await bed.request({ host, path: '/ping', node, port, timeoutMs: 3000 });
      expect(status).toBe(200);
    }
  });
}

export async function answersOnEveryNode(host: string): Promise<void> {
  for (const { name } of bed.nodes) await answers(host, name);
}

/** Instances that answer this many requests. */
export async function instancesOf(host: string, requests = 24, node?: NodeName): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { instance } of await pings(host, requests, node ? { node } : {}))
    counts.set(instance, (counts.get(instance) ?? 0) + 1);
  return counts;
}

interface ControllerTask {
  readonly DesiredState: string;
  readonly Status: { readonly State: string };
  readonly Spec: { readonly ContainerSpec: { readonly Configs: unknown; readonly Secrets?: unknown } };
}

/** Applies other settings to the controller, and waits until only a controller with these runs. */
export async function applySettings(text: string): Promise<void> {
  await useSettings(text);
  await controllerReplaced();
}

/** Waits until a controller with the service's settings and identity runs, and no other. */
export async function controllerReplaced(): Promise<void> {
  await eventually(
    async () => {
      const { Spec } = await bed.manager.docker.getService('signalbox_controller').inspect();
      const { Configs, Secrets } = (Spec as { TaskTemplate: ControllerTask['Spec'] }).TaskTemplate.ContainerSpec;
      const tasks = (await bed.tasks('signalbox_controller')) as unknown as ControllerTask[];
      const living = tasks.filter(
        ({ DesiredState, Status }) => DesiredState === 'running' || Status.State === 'running',
      );
      expect(Secrets).toHaveLength(3);
      expect(living).toMatchObject([{ Status: { State: 'running' }, Spec: { ContainerSpec: { Configs, Secrets } } }]);
    },
    { timeoutMs: 120_000 },
  );
}

export async function restoreSettings(): Promise<void> {
  await applySettings(defaultSettings);
  await settled();
}

/** Replaces all tasks of a service. */
export async function forceUpdate(service: string): Promise<void> {
  await bed.docker('service', 'update', '--quiet', '--no-resolve-image', '--force', service);
}

/** Index of the service's last write. */
export async function serviceIndex(name = 'signalbox-proxy'): Promise<number> {
  return (await inspectProxy(name)).Version.Index;
}

/** Names of all Docker configs. */
export async function configNames(): Promise<string[]> {
  const configs = await bed.manager.docker.listConfigs();
  return configs.map(({ Spec }) => Spec?.Name ?? '').toSorted();
}
