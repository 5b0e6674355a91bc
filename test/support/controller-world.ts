import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Administrator } from '../../src/controller/admin/administrator.ts';
import { createCredentials } from '../../src/controller/credentials.ts';
import { BackendBook } from '../../src/controller/observe/backend-book.ts';
import { versionConfigs } from '../../src/controller/plan/versions.ts';
import { PlanPreview } from '../../src/controller/reconcile/preview.ts';
import { createReconciler, type Pass, type PassResult } from '../../src/controller/reconcile/reconciler.ts';
import { type Status, StatusBoard } from '../../src/controller/reconcile/status.ts';
import { UnderWay } from '../../src/lib/under-way.ts';
import { type Administration, untouched } from '../../src/model/access/administration.ts';
import { clusterLabel, controlNetwork, roleLabel, versionLabel } from '../../src/model/names.ts';
import type { Problem } from '../../src/model/problem.ts';
import { parseSettings, type Settings } from '../../src/model/settings/settings.ts';
import { createAuthority } from '../../src/protocol/certificates.ts';
import { aNetwork, aNode } from './builders.ts';
import { FakeExtension } from './fake-extension.ts';
import { FakeSecretReader } from './fake-secret-reader.ts';
import { FakeSwarm } from './fake-swarm.ts';

const authority = await createAuthority(Date.parse('2026-01-01T00:00:00Z'));

/** What an administrator writes into the settings file. */
type Document = Readonly<Record<string, unknown>>;

interface WorldOptions {
  readonly settings?: Document;
  readonly swarm?: FakeSwarm;
  readonly extension?: FakeExtension;
  /** Whether proxies have agents, so that routes change in place. Without agents every change is a roll-out. */
  readonly agents?: boolean;
  /** Whether secrets reach agents in place. Otherwise Swarm mounts them. */
  readonly inPlace?: boolean;
  readonly secrets?: FakeSecretReader;
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [key: string]: unknown;
}

/** Number of passes after which a swarm that has not settled never will. */
const MAX_PASSES = 30;

/** A controller with a swarm in memory: everything is real except Docker and nginx. */
export class ControllerWorld {
  readonly swarm: FakeSwarm;
  readonly extension: FakeExtension;
  readonly settings: Settings;
  readonly logs: LogLine[] = [];
  /** What administrators decided on the page or through the API. */
  administration: Administration = untouched;
  /** Replaces that decision, if set. */
  administrator: Administrator | undefined;
  /** A cluster that its pass did not wait for has finished. */
  onLate = (): void => undefined;
  readonly underWay: UnderWay;
  readonly preview: PlanPreview;
  readonly backends: BackendBook;
  readonly #agents: boolean;
  readonly #inPlace: boolean;
  readonly secrets: FakeSecretReader;
  readonly #status: StatusBoard;
  readonly #pass: Pass;

  constructor({
    settings = {},
    swarm = aSwarm(),
    extension = new FakeExtension(),
    agents = false,
    inPlace = false,
    secrets = new FakeSecretReader(swarm),
  }: WorldOptions = {}) {
    this.swarm = swarm;
    this.secrets = secrets;
    this.underWay = new UnderWay(swarm.clock.now);
    this.extension = extension;
    const logger = pino({ level: 'info' }, sink(this.logs));
    this.#status = new StatusBoard(logger);
    const parsed = parseSettings(settings, '1.0.0');
    this.#agents = agents;
    this.#inPlace = inPlace;
    this.settings = agents ? withDelivery(parsed.settings, inPlace) : withoutAgents(parsed.settings);
    if (agents) extension.agents = () => replicasOf(swarm);
    const { now } = swarm.clock;
    this.preview = new PlanPreview(extension, now);
    this.backends = new BackendBook({ swarm, renderer: extension, now });
    this.#pass = createReconciler({
      swarm,
      renderer: extension,
      credentials: createCredentials(authority, now),
      secretReader: this.secrets,
      status: this.#status,
      underWay: this.underWay,
      preview: this.preview,
      backendBook: this.backends,
      settings: this.settings,
      settingsProblems: parsed.problems,
      administration: async (configs) => this.administrator?.follow(configs) ?? this.administration,
      logger,
      now,
      onLate: () => this.onLate(),
    });
  }

  /** Restarts the controller, optionally with other settings. Swarm and extensions stay. */
  restart(settings: Document = {}): ControllerWorld {
    const { swarm, extension, secrets } = this;
    return new ControllerWorld({ settings, swarm, extension, secrets, agents: this.#agents, inPlace: this.#inPlace });
  }

  async pass(): Promise<PassResult> {
    return this.#pass(new AbortController().signal, this.swarm.clock.now());
  }

  /** For a separate loop. */
  get controllerPass(): Pass {
    return this.#pass;
  }

  async passes(count: number): Promise<void> {
    for (let done = 0; done < count; done++) await this.pass();
  }

  /** Runs passes until nothing is left to do. All roll-outs succeed. */
  async settle(): Promise<void> {
    for (let done = 0; done < MAX_PASSES; done++) {
      const before = this.swarm.writes.length;
      await this.pass();
      this.secrets.start();
      const rolling = this.swarm.services.filter(({ isRolling }) => isRolling);
      for (const service of rolling) service.finish();
      if (rolling.length === 0 && this.swarm.writes.length === before) return;
    }
    throw new Error(`The swarm does not settle: ${this.swarm.writes.slice(-10).join(', ')}`);
  }

  /** What is written during an action. */
  async writesOf(action: () => Promise<unknown>): Promise<string[]> {
    const before = this.swarm.writes.length;
    await action();
    return this.swarm.writes.slice(before);
  }

  /** Called with each pass. */
  get board(): StatusBoard {
    return this.#status;
  }

  get status(): Status {
    const { current } = this.#status;
    if (!current) throw new Error('No pass has observed the swarm');
    return current;
  }

  get problems(): readonly Problem[] {
    return this.status.problems;
  }

  /** The configuration that running proxies serve. Fails if they serve different ones. */
  served(proxy = 'signalbox-proxy'): string {
    const running = this.swarm.service(proxy).tasks.filter(({ state }) => state === 'running');
    const ids = [...new Set(running.map(({ configIds }) => configIds.join()))];
    if (ids.length !== 1) throw new Error(`${proxy} serves ${ids.length} configurations`);
    const started = this.swarm.configs.filter(({ id }) => ids[0]!.split(',').includes(id));
    const [boot] = started.flatMap(({ labels }) => labels[versionLabel] ?? []);
    const kept = versionConfigs(
      this.swarm.configs,
      started[0]?.labels[clusterLabel] ?? '',
      this.extension.serving(boot ?? ''),
    );
    return kept.map(({ id }) => this.swarm.configs.find((config) => config.id === id)!.data).join('\n');
  }

  messages(msg: string): LogLine[] {
    return this.logs.filter((line) => line.msg === msg);
  }
}

function withDelivery(settings: Settings, deliversInPlace: boolean): Settings {
  return { ...settings, clusters: settings.clusters.map((cluster) => ({ ...cluster, deliversInPlace })) };
}

function withoutAgents(settings: Settings): Settings {
  const clusters = settings.clusters.map((cluster) => ({
    ...cluster,
    deliversInPlace: false,
    settings: { ...cluster.settings, HitlessServiceUpdate: false },
  }));
  return { ...settings, clusters };
}

/** Running proxies, as their agents would report them. */
function replicasOf(swarm: FakeSwarm) {
  const versions = new Map(swarm.configs.map(({ id, labels }) => [id, labels[versionLabel] ?? '']));
  return swarm.services
    .filter(({ spec }) => spec.Labels[roleLabel] === 'proxy')
    .flatMap(({ tasks }) => tasks.filter(({ state }) => state === 'running'))
    .map(({ id, configIds }) => ({ task: id, boot: versions.get(configIds[0] ?? '') ?? '' }));
}

/** A manager, two workers, the control network and one network for applications. */
export function aSwarm(): FakeSwarm {
  const swarm = new FakeSwarm();
  for (const name of [controlNetwork, 'app']) swarm.addNetwork(aNetwork(name));
  swarm.addNode(aNode('manager', { role: 'manager' }));
  for (const name of ['worker1', 'worker2']) swarm.addNode(aNode(name));
  return swarm;
}

/** nginx's server block for a host, or undefined if the host is not routed. */
export function serverOf(configuration: string, host: string): string | undefined {
  const blocks = configuration.match(/^ {4}server \{[\s\S]*?^ {4}\}$/gm) ?? [];
  return blocks.find((block) => block.includes(`server_name "${host}"`));
}

/** Where a logger writes its lines. */
export function sink(lines: LogLine[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString('utf8')));
      done();
    },
  });
}
