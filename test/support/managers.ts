// For the tests on three managers and two workers: the application, the managers, and the cost of a fault.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { adminPassword } from '../../bed/admin-password.ts';
import type { NodeName } from '../../bed/bed-shape.ts';
import { changeLabels } from '../../bed/services.ts';
import { signalbox } from './command-line.ts';
import { eventually } from './eventually.ts';
import type { FaultTraffic, TrafficReport } from './fault-traffic.ts';
import { bed, curl, settled } from './interlock.ts';
import { answers, deployStack, forceUpdate, type Stack } from './story.ts';

export const controller = 'signalbox_controller';
export const proxy = 'signalbox-proxy';
export const host = 'managers.local';
export const workers: readonly NodeName[] = ['worker1', 'worker2'];

// Electing a leader, or waiting for a quorum, takes a while on two busy cores.
const PATIENCE = { timeoutMs: 180_000 };

/** Four tasks on the workers, and a service whose host changes. */
export async function deployApps(): Promise<Stack> {
  const constraints = ['node.role==worker'];
  const apps = {
    app: { host, replicas: 4, constraints },
    change: { host: 'change.managers.local', replicas: 2, constraints },
  };
  const stack = await deployStack('managers', apps);
  await spread(stack.service(), proxy);
  for (const { name } of bed.nodes) await answers(host, name);
  await learnPassword();
  return stack;
}

/**
 * Ensures tasks on both workers. Swarm leaves tasks where they are when a node returns, so an administrator runs
 * `docker service update --force`.
 */
export async function spread(...services: readonly string[]): Promise<void> {
  for (const service of services) {
    await eventually(async () => {
      if ((await bed.nodesOf(service)).length === workers.length) return;
      await forceUpdate(service);
      expect(await bed.nodesOf(service)).toEqual(workers);
    }, PATIENCE);
  }
  await settled();
}

interface SwarmManager {
  readonly Description: { readonly Hostname: NodeName };
  readonly Status: { readonly State: string };
  readonly Spec: { readonly Availability: string };
  readonly ManagerStatus?: { readonly Leader?: boolean; readonly Reachability: string };
}

const listNodes = async () => (await bed.manager.docker.listNodes()) as unknown as SwarmManager[];

export async function leader(): Promise<NodeName> {
  return eventually(async () => {
    const found = (await listNodes()).find(({ ManagerStatus }) => ManagerStatus?.Leader);
    expect(found, 'a leader').toBeDefined();
    return found!.Description.Hostname;
  }, PATIENCE);
}

export const managersExcept = (...names: readonly NodeName[]): NodeName[] =>
  bed.managers.map(({ name }) => name).filter((name) => !names.includes(name));

/** Every node is ready, every manager is reachable, and the proxies serve the newest version. */
export async function allReady(): Promise<void> {
  await eventually(async () => {
    const nodes = await listNodes();
    expect(nodes.map(({ Status, Spec }) => `${Status.State} ${Spec.Availability}`)).toEqual(
      bed.nodes.map(() => 'ready active'),
    );
    const managers = nodes.flatMap(({ ManagerStatus }) => ManagerStatus?.Reachability ?? []);
    expect(managers).toEqual(bed.managers.map(() => 'reachable'));
  }, PATIENCE);
  await settled();
}

export async function setAvailability(node: NodeName, availability: 'active' | 'drain'): Promise<void> {
  await eventually(() => bed.docker('node', 'update', '--availability', availability, node), PATIENCE);
}

/** Runs the only controller on this manager. */
export async function moveController(to: NodeName): Promise<void> {
  const others = managersExcept(to);
  for (const node of others) await setAvailability(node, 'drain');
  await eventually(async () => expect(await bed.nodesOf(controller)).toEqual([to]), PATIENCE);
  for (const node of others) await setAvailability(node, 'active');
  await allReady();
}

export async function scaleControllers(replicas: number): Promise<void> {
  await bed.docker('service', 'scale', '--detach', `${controller}=${replicas}`);
  await bed.settle(controller, replicas, 120_000);
  await settled();
  await eventually(async () => {
    for (const node of await bed.nodesOf(controller)) expect(await statusOn(node)).toMatch(/^exit 0/);
  }, PATIENCE);
}

let changes = 0;

export interface ChangeTimes {
  /** From the call until a manager has accepted the change. */
  readonly acceptedMs: number;
  /** From the call until every given node answers for the new host. */
  readonly liveMs: number;
}

/** Changes the host label. Retries while managers reject the write. */
export async function change(nodes: readonly NodeName[]): Promise<ChangeTimes> {
  changes += 1;
  const changed = `change-${changes}-${process.pid}.managers.local`;
  const begun = performance.now();
  await eventually(
    () => changeLabels(bed.manager.docker, 'managers_change', { 'com.docker.lb.hosts': changed }),
    PATIENCE,
  );
  const acceptedMs = performance.now() - begun;
  await Promise.all(nodes.map((node) => live(changed, node)));
  return { acceptedMs, liveMs: performance.now() - begun };
}

const live = (changed: string, node: NodeName) =>
  eventually(async () => expect((await curl(changed, '/ping', { node, timeoutMs: 3000 })).status).toBe(200), {
    ...PATIENCE,
    intervalMs: 50,
  });

let password: string | undefined;

/** Call it while a controller runs: Docker never returns a secret's content. */
async function learnPassword(): Promise<void> {
  password ??= await adminPassword(bed);
}

/** Output of `signalbox status` on managers during the fault: exit code and first lines, at each change. */
export class StatusWatch implements AsyncDisposable {
  readonly #stopping = new AbortController();
  readonly #watching: Promise<unknown>;

  constructor(nodes: readonly NodeName[]) {
    const begun = performance.now();
    this.#watching = Promise.all(nodes.map((node) => this.#watch(node, begun)));
  }

  async #watch(node: NodeName, begun: number): Promise<void> {
    let last = '';
    while (!this.#stopping.signal.aborted) {
      const said = (await statusOn(node)).replace(/, last observed \S+/, '');
      if (said !== last) console.log(`STATUS ${node} after ${seconds(performance.now() - begun)}: ${said}`);
      last = said;
      await sleep(3000, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }
}

async function statusOn(node: NodeName): Promise<string> {
  const { host: address, port } = bed.node(node).address(9443);
  const url = `https://${address}:${port}`;
  const timeout = sleep(30_000, { code: -1, out: '', err: 'no answer in 30 s' }, { ref: false });
  const asked = signalbox(['status', '--url', url, '--insecure'], { env: { SIGNALBOX_PASSWORD: password! } });
  const { code, out, err } = await Promise.race([asked, timeout]);
  const lines = `${out}${err}`.trim().replaceAll(url, 'URL').split('\n');
  return `exit ${code}: ${lines.slice(0, 2).join(' / ')}`;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** Prints the figures for docs/reliability.md. */
export function print(fault: string, report: TrafficReport, times: Readonly<Record<string, number>>): void {
  const { failed, total, failures, closedSockets } = report;
  const kinds = failed > 0 ? ` ${JSON.stringify(failures)}` : '';
  const timings = Object.entries(times).map(([what, ms]) => `${what} ${seconds(ms)}`);
  console.log(
    `FAULT ${fault}: ${failed} of ${total} requests lost${kinds}, ${closedSockets} of 100 WebSockets closed; ${timings.join(', ')}`,
  );
}

/** No request was lost. */
export async function expectNoLoss(fault: string, traffic: FaultTraffic, times: Readonly<Record<string, number>>) {
  const report = await traffic.stop();
  print(fault, report, times);
  expect(report).toMatchObject({ failures: {}, closedSockets: 0 });
  expect(report.total).toBeGreaterThan(500);
}
