import { freePort } from '../../bed/node-container.ts';
import { Access } from '../../src/controller/admin/access.ts';
import { Administrator } from '../../src/controller/admin/administrator.ts';
import { createAdminApp } from '../../src/controller/admin/app.ts';
import type { CertificateView } from '../../src/controller/admin/certificates.ts';
import type { DoctorView } from '../../src/controller/admin/doctor.ts';
import { explainEverywhere } from '../../src/controller/admin/explain.ts';
import { type Oidc, oidcFingerprint } from '../../src/controller/admin/oidc.ts';
import { servePage } from '../../src/controller/admin/page.ts';
import { toPlanView } from '../../src/controller/admin/plan.ts';
import { serveAdmin } from '../../src/controller/admin/serve.ts';
import { type State, toState } from '../../src/controller/admin/state.ts';
import { VersionBook } from '../../src/controller/admin/version-book.ts';
import { readVersion } from '../../src/controller/admin/versions.ts';
import { toSource } from '../../src/controller/traffic/setup.ts';
import { TrafficRecorder } from '../../src/controller/traffic/traffic-recorder.ts';
import { createAuthority, issueIdentity } from '../../src/protocol/certificates.ts';
import type { TryTarget } from '../../src/try-request/try-request.ts';
import { aNetwork, aNode, aService } from './builders.ts';
import { ControllerWorld } from './controller-world.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeSwarm } from './fake-swarm.ts';
import { knownTasks } from './reported-traffic.ts';

export const passwords = { admin: 'open sesame', viewer: 'only looking' } as const;

const authority = await createAuthority(Date.now());
const HOUR_MS = 3_600_000;

/** The page's own controller: all of the API and its logic is real, except Docker and nginx. */
export class PageWorld implements AsyncDisposable {
  readonly url: string;
  readonly world: ControllerWorld;
  readonly administrator: Administrator;
  readonly #port: number;
  readonly #app: ReturnType<typeof createAdminApp>;
  #stop = new AbortController();
  #passes: Promise<void> = Promise.resolve();
  readonly traffic: TrafficRecorder;
  certificates: readonly CertificateView[] = [];
  /** What `signalbox doctor` finds. */
  diagnosis: DoctorView | undefined;
  /** Where the page's test requests arrive. */
  tryTarget: TryTarget | undefined;
  /** Names of certificates that were to be renewed. */
  readonly renewed: string[] = [];
  /** Lets a test change the state before it is sent. */
  disguise: (state: State) => State = (state) => state;

  /** `folder` contains the built page. */
  static async open(folder: string, oidc?: (origin: string) => Promise<Oidc>): Promise<PageWorld> {
    const port = await freePort();
    const opened = new PageWorld(folder, port, await oidc?.(`https://localhost:${port}`));
    await opened.look();
    await opened.serve();
    return opened;
  }

  private constructor(folder: string, port: number, oidc: Oidc | undefined) {
    this.url = `https://localhost:${port}`;
    this.#port = port;
    const swarm = new FakeSwarm(new FakeClock(new Date(Date.now() - 9 * HOUR_MS).toISOString()));
    for (const name of ['signalbox', 'app']) swarm.addNetwork(aNetwork(name));
    swarm.addNode(aNode('manager', { role: 'manager' }));
    for (const name of ['worker1', 'worker2']) swarm.addNode(aNode(name));
    const settings = { Policies: { shop: { hsts: true } } };
    this.world = new ControllerWorld({ swarm, agents: true, settings });
    this.administrator = this.#createAdministrator();
    const table = (name: string) =>
      this.world.status.desired.clusters.find(({ cluster }) => cluster.name === name)?.table;
    this.traffic = new TrafficRecorder({ table, now: Date.now });
    this.#app = this.#createApp(folder, oidc);
  }

  #createAdministrator(): Administrator {
    const { world } = this;
    return new Administrator({
      store: { load: async () => undefined, save: async () => {} },
      settings: world.settings,
      applications: async () => (await world.swarm.observe()).services,
      status: world.board,
      trigger: () => {
        world.administration = this.administrator.current;
        void this.look();
      },
      now: world.swarm.clock.now,
    });
  }

  #createApp(folder: string, oidc: Oidc | undefined) {
    const { world, administrator } = this;
    const configs = () => world.status.snapshot.configs;
    return createAdminApp({
      state: () => this.disguise(placed(toState(world.board.current, world.board.error, administrator.current))),
      metrics: async () => '',
      subscribe: (listener) => world.board.subscribe(listener),
      access: new Access({
        adminPassword: passwords.admin,
        viewerPassword: passwords.viewer,
        key: 'k',
        now: Date.now,
        oidcFingerprint: oidc && oidcFingerprint(oidc.settings),
        decisions: () => administrator.current,
      }),
      oidc,
      administrator,
      versions: new VersionBook({
        configs,
        read: (id) => world.swarm.readConfig(id),
        changes: () => administrator.current.changes,
      }),
      readVersion: (cluster, version) => readVersion(configs(), cluster, version, (id) => world.swarm.readConfig(id)),
      certificates: () => this.certificates,
      renew: async (name) => {
        this.renewed.push(name);
        return { kind: 'accepted', at: Date.now() };
      },
      internalCa: 'PEM',
      hosts: () => [],
      explain: (url, details) => explainEverywhere(world.status.desired.clusters, url, details, world.status.backends),
      logs: async () => ({ lines: [], silent: [], cursor: '' }),
      doctor: async () => this.diagnosis,
      tryTarget: () => this.tryTarget,
      plan: () => toPlanView(world.preview.planned, world.board.error),
      traffic: toSource({ recorder: this.traffic, tasksOf: async () => knownTasks, now: Date.now }),
      page: servePage(folder),
    });
  }

  async serve(): Promise<void> {
    this.#stop = new AbortController();
    const identity = await issueIdentity(authority, 'admin.signalbox', Date.now(), ['localhost']);
    serveAdmin({ app: this.#app, port: this.#port, ...identity }, this.#stop.signal);
  }

  /** The controller is gone, as after its node fails. */
  async close(): Promise<void> {
    this.#stop.abort();
  }

  /** The controller runs a pass. */
  async look(): Promise<void> {
    this.#passes = this.#passes.then(() => this.world.settle());
    await this.#passes;
  }

  /** Some time later, a service is deployed. */
  async deploy(afterMs: number, ...services: readonly ReturnType<typeof aService>[]): Promise<void> {
    this.world.swarm.clock.advance(afterMs);
    for (const service of services) this.world.swarm.deploy(service);
    await this.look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Findings of different severity, a check that passed, and one without facts. */
export function aDiagnosis(): DoctorView {
  const result = (check: string, title: string, findings: DoctorView['results'][number]['findings'] = []) =>
    ({ check, title, status: findings.length === 0 ? 'ok' : 'found', findings }) as const;
  const unused = {
    severity: 'notice',
    what: 'The secrets shop_old.cert and shop_old.key are used by no service',
    why: 'Nobody needs them, and each is one more private key to protect.',
    fix: 'docker secret rm shop_old.cert shop_old.key',
  } as const;
  const faulty = {
    severity: 'error',
    what: 'Node worker2 runs Docker Engine 20.10.5, which loses packets on overlay networks',
    why: 'Requests to tasks on this node fail at random.',
    fix: 'Update Docker Engine to 29.6.3 or later.',
  } as const;
  return {
    observedAt: new Date().toISOString(),
    results: [
      result('nodes', 'All nodes are ready'),
      result('unused-objects', 'No secret is unused', [unused]),
      result('engines', 'Docker Engine has no known faults that affect routing', [faulty]),
      { check: 'ipvs', title: 'The kernel balances the routing mesh', status: 'unknown', findings: [] },
    ],
  };
}

/** Certificates in all their states. */
export function someCertificates(): CertificateView[] {
  const inDays = (days: number) => new Date(Date.now() + days * 24 * HOUR_MS).toISOString();
  const valid = {
    source: 'secret' as const,
    issuer: "Let's Encrypt R11",
    names: [] as string[],
    hosts: [] as string[],
    services: [] as string[],
    status: 'valid' as const,
    serial: null,
    notBefore: inDays(-30),
    notAfter: inDays(60),
    isOrdering: false,
    nextAt: null,
    reason: null,
    remedy: null,
    notes: [],
  };
  const none = { notBefore: null, notAfter: null, secret: null };
  const names = ['*.shop.example.org', 'shop.example.org', 'example.org', 'www.example.org', 'cdn.example.org'];
  const all: (Partial<CertificateView> & Pick<CertificateView, 'name'>)[] = [
    { name: 'wildcard.1', names, hosts: ['shop.example.org', 'next.shop.example.org'], services: ['shop_web'] },
    {
      name: 'wiki.example.org',
      source: 'acme',
      secret: 'signalbox.acme.wiki.example.org.1f2e3d4c5b6a7988',
      issuer: 'letsencrypt',
      hosts: ['wiki.example.org'],
      names: ['wiki.example.org'],
      services: ['wiki'],
      nextAt: inDays(30),
    },
    {
      ...none,
      name: 'grafana.example.org',
      source: 'acme',
      issuer: 'letsencrypt',
      hosts: ['grafana.example.org'],
      services: ['grafana'],
      status: 'pending',
      nextAt: inDays(0.2),
      reason: 'DNS problem: NXDOMAIN looking up A for grafana.example.org',
      remedy: "Check the host's DNS records.",
    },
    {
      ...none,
      name: 'metrics.example.org',
      source: 'acme',
      issuer: 'letsencrypt',
      hosts: ['metrics.example.org'],
      services: ['metrics'],
      status: 'pending',
    },
    {
      name: 'mail.cert',
      issuer: 'Example Mail CA',
      names: ['mail.example.org'],
      hosts: ['mail.example.org'],
      services: ['mail'],
      status: 'expired',
      notAfter: inDays(-2),
      reason: 'the certificate in secret mail.cert expired',
      remedy: 'Create a secret with a valid certificate, and set the label to it.',
    },
    {
      name: 'blog.cert',
      issuer: 'Example CA',
      names: ['*.blog.example.org'],
      hosts: ['*.blog.example.org'],
      services: ['blog_web'],
      notAfter: inDays(12),
      reason: 'the certificate in secret blog.cert expires soon',
      remedy: 'Create a secret with a new certificate, and set the label to it.',
    },
    { name: 'default', issuer: null, names: ['example.net'] },
  ];
  return all.map((one) => ({ ...valid, secret: one.name, ...one }));
}

/** Tasks in memory have no node. The page shows one. */
function placed(state: State): State {
  const clusters = state.clusters.map((cluster) => ({
    ...cluster,
    replicas: cluster.replicas.map((replica, index) => ({ ...replica, node: `worker${index + 1}` })),
  }));
  return { ...state, clusters };
}

/** A typical day of a small shop: several services, some with mistakes, and several versions. */
export async function aBusyDay(page: PageWorld): Promise<void> {
  await page.deploy(
    HOUR_MS,
    aService('shop_web', { host: 'shop.example.org,www.shop.example.org', mode: { kind: 'replicated', replicas: 3 } }),
    aService('shop_api', {
      host: 'shop.example.org',
      lb: { policy: 'shop', context_root: '/api', context_root_rewrite: 'true' },
    }),
  );
  await page.administrator.enable({ name: 'admin' }, { httpPort: 80, httpsPort: 443 });
  await page.deploy(
    2 * HOUR_MS,
    aService('blog_web', { host: '*.blog.example.org', mode: { kind: 'replicated', replicas: 2 } }),
    aService('wiki', {
      host: 'wiki.example.org',
      lb: { redirects: 'http://old-wiki.example.org,https://wiki.example.org' },
    }),
  );
  await page.deploy(
    HOUR_MS,
    aService('grafana', { host: 'grafana.example.org', port: '30000000' }),
    aService('mail', { host: 'mail.example.org', lb: { ip_hash: 'yes please', context_rot: '/mail' } }),
    aService('metrics', { host: 'metrics.example.org', mode: { kind: 'global' } }),
    aService('legacy', { host: 'legacy.example.org', mode: { kind: 'replicated', replicas: 0 } }),
  );
  await page.administrator.startMaintenance({ name: 'admin' }, { kind: 'host', name: 'metrics.example.org' }, [
    '192.0.2.0/24',
  ]);
  await page.deploy(3 * HOUR_MS, aService('shop_next', { host: 'next.shop.example.org' }));
}
