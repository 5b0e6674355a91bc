import { setTimeout as sleep } from 'node:timers/promises';
import { adminPassword } from '../bed/admin-password.ts';
import type { Bed } from '../bed/bed.ts';
import { deploySignalbox, type PublishMode } from '../bed/deploy-signalbox.ts';
import { openBed, removeBed } from '../bed/open-bed.ts';
import { currentOwner } from '../bed/owner.ts';
import type { Prepared } from '../bed/prepare.ts';
import { changeLabels, createServices } from '../bed/services.ts';
import type { State } from '../src/controller/admin/state.ts';

const BED = 'bench';
const NETWORK = 'bench';
const SETTLE_MS = 600_000;

export const hostOf = (n: number): string => `service${n}.bench.local`;

/**
 * A swarm with Signalbox and any number of labeled services. They have no tasks, so their routes answer 503. Only the
 * probe has a task.
 */
export class LargeSwarm implements AsyncDisposable {
  readonly bed: Bed;
  readonly #prepared: Prepared;
  #networkId = '';
  #size = 0;
  #token: string | undefined;

  private constructor(prepared: Prepared, bed: Bed) {
    this.#prepared = prepared;
    this.bed = bed;
  }

  static async open(prepared: Prepared, mode: PublishMode): Promise<LargeSwarm> {
    const { engine, images } = prepared;
    await removeBed(engine.docker, BED);
    const owner = currentOwner();
    const bed = await openBed(engine, { name: BED, ports: 'random', image: images.swarmNode, owner });
    await bed.loadProduct(images);
    await deploySignalbox(bed, images.version, mode);
    const swarm = new LargeSwarm(prepared, bed);
    const network = await bed.manager.docker.createNetwork({ Name: NETWORK, Driver: 'overlay' });
    swarm.#networkId = network.id;
    await bed.settle('signalbox-proxy', 2, 180_000);
    return swarm;
  }

  /** Creates services until there are this many. */
  async grow(size: number): Promise<void> {
    const numbers = Array.from({ length: size - this.#size }, (_, n) => this.#size + n);
    const services = numbers.map((n) => this.#service(`service${n}`, hostOf(n), 0));
    await createServices(this.bed.manager.docker, services);
    this.#size = size;
    await this.settled();
  }

  /** One more service, with a task. */
  async createProbe(name: string, host: string): Promise<void> {
    await createServices(this.bed.manager.docker, [this.#service(name, host, 1)]);
    await this.bed.settle(name, 1);
    await this.settled();
  }

  #service(name: string, host: string, replicas: number) {
    const labels = { 'com.docker.lb.hosts': host, 'com.docker.lb.port': '8080' };
    const image = this.#prepared.images.product.find((tag) => tag.startsWith('signalbox/demo:'))!;
    return { name, image, networkId: this.#networkId, replicas, labels };
  }

  async changeHost(name: string, host: string): Promise<void> {
    await changeLabels(this.bed.manager.docker, name, { 'com.docker.lb.hosts': host });
  }

  /**
   * Runs it while the mesh shim (which replaces IPVS where the kernel has none) and its poller are paused. What it has set up keeps working.
   */
  async whileMeshRests<T>(work: () => Promise<T>): Promise<T> {
    const signalMesh = (signal: 'STOP' | 'CONT') =>
      Promise.all(this.bed.nodes.map((node) => node.exec('pkill', `-${signal}`, '-f', 'mesh-shim|&look=')));
    await signalMesh('STOP');
    try {
      return await work();
    } finally {
      await signalMesh('CONT');
    }
  }

  /** Waits until the controller has processed all of it, and every proxy serves the result. */
  async settled(): Promise<void> {
    const asked = Date.now();
    let last = '';
    while (Date.now() - asked < SETTLE_MS) {
      const state = await this.state().catch((error: Error) => error.message);
      if (typeof state !== 'string' && isSettled(state, asked, this.#size)) return;
      last = typeof state === 'string' ? state : JSON.stringify({ ...state, routes: state.routes.length, services: 0 });
      await sleep(1000);
    }
    throw new Error(`The swarm does not settle: ${last.slice(0, 1000)}`);
  }

  async state(): Promise<State> {
    this.#token ??= await this.#logIn();
    const headers = { authorization: `Bearer ${this.#token}` };
    return JSON.parse(await this.#ask('/api/state', { headers })) as State;
  }

  async #logIn(): Promise<string> {
    const body = JSON.stringify({ username: 'admin', password: await adminPassword(this.bed) });
    return JSON.parse(await this.#ask('/auth/login', { method: 'POST', body })).auth_token;
  }

  async #ask(path: string, more: object): Promise<string> {
    const where = { node: 'manager', port: 9443, tls: true, host: 'localhost', timeoutMs: 60_000 } as const;
    const { status, body } = await this.bed.request({ ...where, path, ...more });
    if (status !== 200) throw new Error(`The controller answers ${status}: ${body.slice(0, 200)}`);
    return body;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeBed(this.#prepared.engine.docker, BED);
  }
}

function isSettled({ error, observedAt, routes, clusters }: State, since: number, size: number): boolean {
  const looked = error === null && Date.parse(observedAt ?? '') > since;
  return looked && routes.length >= size && clusters.every(({ rolling }) => !rolling);
}
