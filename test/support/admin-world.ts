import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, createServer as createHttpsServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import type { AcmeTask } from '../../src/controller/acme/acme-task.ts';
import { Access } from '../../src/controller/admin/access.ts';
import { Administrator } from '../../src/controller/admin/administrator.ts';
import { createAdminApp } from '../../src/controller/admin/app.ts';
import type { CertificateView } from '../../src/controller/admin/certificates.ts';
import { explainEverywhere } from '../../src/controller/admin/explain.ts';
import { FailedSignIns } from '../../src/controller/admin/failed-sign-ins.ts';
import { readLogs } from '../../src/controller/admin/logs.ts';
import { type Oidc, oidcFingerprint } from '../../src/controller/admin/oidc.ts';
import { servePage } from '../../src/controller/admin/page.ts';
import { hashPassword } from '../../src/controller/admin/password-hash.ts';
import { toPlanView } from '../../src/controller/admin/plan.ts';
import type { CreatedToken } from '../../src/controller/admin/requests.ts';
import { type ServeOptions, serveAdmin } from '../../src/controller/admin/serve.ts';
import { toState } from '../../src/controller/admin/state.ts';
import { tryTargetIn } from '../../src/controller/admin/try-route.ts';
import { parseUsers } from '../../src/controller/admin/users.ts';
import { VersionBook } from '../../src/controller/admin/version-book.ts';
import { readVersion } from '../../src/controller/admin/versions.ts';
import type { LineQuery, TaskLine } from '../../src/controller/docker/task-lines.ts';
import type { Status } from '../../src/controller/reconcile/status.ts';
import { toSource } from '../../src/controller/traffic/setup.ts';
import { TrafficRecorder } from '../../src/controller/traffic/traffic-recorder.ts';
import { createLogger } from '../../src/lib/logger.ts';
import type { Role } from '../../src/model/access/roles.ts';
import { createAuthority, issueIdentity } from '../../src/protocol/certificates.ts';
import { aService } from './builders.ts';
import { ControllerWorld } from './controller-world.ts';
import { FakeAdministrationStore } from './fake-administration-store.ts';
import { knownTasks } from './reported-traffic.ts';

const authority = await createAuthority(Date.now());
const identity = await issueIdentity(authority, 'admin.signalbox', Date.now(), ['localhost']);

/** Users of every world: the two built-in ones, and one of each role. */
export const passwords = {
  admin: 'open sesame',
  viewer: 'only looking',
  anna: 'a long password',
  otto: 'another long password',
  vera: 'yet another one',
} as const;
export type KnownUser = keyof typeof passwords;
export const rolesOf: Readonly<Record<KnownUser, Role>> = {
  admin: 'administrator',
  viewer: 'viewer',
  anna: 'administrator',
  otto: 'operator',
  vera: 'viewer',
};
const lines = (['anna', 'otto', 'vera'] as const).map(
  async (name) => `${name}:${rolesOf[name]}:${await hashPassword(passwords[name])}`,
);
/** The users secret. */
export const usersText = (await Promise.all(lines)).join('\n');

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Address of the client. 127.0.0.0/8 is this machine. */
  readonly from?: string;
}

interface WorldOptions {
  readonly limits?: ServeOptions['limits'];
  readonly passwords?: { readonly admin: string; readonly viewer: string };
  /** The users secret. */
  readonly users?: string;
  readonly oidc?: Oidc;
  readonly port?: number;
  /** Folder of the built page. */
  readonly page?: string;
  /** The swarm of another controller. */
  readonly world?: ControllerWorld;
}

/** A controller's administration behind its real HTTPS server. The swarm is in memory, and has the service `shop`. */
export class AdminWorld implements AsyncDisposable {
  readonly world: ControllerWorld;
  readonly administrator: Administrator;
  readonly access: Access;
  readonly traffic: TrafficRecorder;
  readonly failedSignIns: FailedSignIns;
  readonly port: number;
  readonly logs: { readonly msg: string; readonly user?: string; readonly address?: string }[] = [];
  certificates: readonly CertificateView[] = [];
  renew: AcmeTask['renew'] = async () => undefined;
  /** What a request of the page finds its node in. */
  triedStatus: () => Status | undefined = () => this.world.board.current;
  /** Added to the clock of the sessions. */
  skipped = 0;
  /** Answers for the logs of proxies. */
  readLines: (task: string, query: LineQuery) => Promise<readonly TaskLine[]> = async () => [];
  readonly #stop: AbortController;
  readonly #agent = new Agent({ keepAlive: true });

  static async open({ world = new ControllerWorld(), ...options }: WorldOptions = {}): Promise<AdminWorld> {
    if (world.board.current === undefined) {
      world.swarm.deploy(aService('shop'));
      await world.settle();
    }
    const stop = new AbortController();
    const opened = new AdminWorld(world, options, stop);
    await opened.administrator.load();
    await once(opened.#server, 'listening');
    return Object.assign(opened, { port: (opened.#server.address() as AddressInfo).port });
  }

  readonly #server: Server;

  private constructor(world: ControllerWorld, options: Omit<WorldOptions, 'world'>, stop: AbortController) {
    this.world = world;
    this.port = 0;
    this.#stop = stop;
    const now = () => Date.now() + this.skipped;
    const logger = Object.assign(createLogger('admin', 'silent'), {
      info: (fields: object, msg: string) => void this.logs.push({ ...fields, msg }),
      warn: (fields: object, msg: string) => void this.logs.push({ ...fields, msg }),
      error: (fields: object, msg: string) => void this.logs.push({ ...fields, msg }),
    });
    this.administrator = new Administrator({
      store: new FakeAdministrationStore(world.swarm),
      settings: world.settings,
      applications: async () => (await world.swarm.observe()).services,
      status: world.board,
      trigger: () => {},
      now,
    });
    world.administrator ??= this.administrator;
    const { administrator } = this;
    this.failedSignIns = new FailedSignIns({
      save: (failed) => administrator.recordFailedSignIns(failed),
      logger,
      now,
      delayMs: 3_600_000,
    });
    const { admin, viewer } = options.passwords ?? passwords;
    const configs = () => world.status.snapshot.configs;
    this.access = new Access({
      adminPassword: admin,
      viewerPassword: viewer,
      users: parseUsers(options.users ?? usersText).users,
      key: 'k',
      now,
      oidcFingerprint: options.oidc && oidcFingerprint(options.oidc.settings),
      decisions: () => administrator.current,
      onFailure: (failed) => this.failedSignIns.record(failed),
    });
    const table = (name: string) => world.status.desired.clusters.find(({ cluster }) => cluster.name === name)?.table;
    this.traffic = new TrafficRecorder({ table, now });
    const app = createAdminApp({
      traffic: toSource({ recorder: this.traffic, tasksOf: async () => knownTasks, now }),
      state: () => toState(world.board.current, world.board.error, administrator.current),
      metrics: async () => 'signalbox_problems 0',
      subscribe: (listener) => world.board.subscribe(listener),
      access: this.access,
      administrator,
      oidc: options.oidc,
      versions: new VersionBook({
        configs,
        read: (id) => world.swarm.readConfig(id),
        changes: () => this.administrator.current.changes,
      }),
      readVersion: (cluster, version) => readVersion(configs(), cluster, version, (id) => world.swarm.readConfig(id)),
      certificates: () => this.certificates,
      renew: (name) => this.renew(name),
      internalCa: 'PEM',
      hosts: () => [],
      explain: (url, details) => explainEverywhere(world.status.desired.clusters, url, details),
      logs: (query, state) => readLogs(query, state, world.board.current, (task, lines) => this.readLines(task, lines)),
      doctor: async () => undefined,
      tryTarget: (cluster, isSecure) => tryTargetIn(this.triedStatus(), cluster, isSecure),
      plan: () => toPlanView(world.preview.planned, world.board.error),
      logger,
      now,
      ...(options.page === undefined ? {} : { page: servePage(options.page) }),
    });
    const { limits } = options;
    this.#server = serveAdmin(
      { app, port: options.port ?? 0, ...identity, ...(limits === undefined ? {} : { limits }) },
      stop.signal,
    );
  }

  get origin(): string {
    return `https://localhost:${this.port}`;
  }

  /** Resolves as soon as the headers arrive. */
  async start(
    path: string,
    { method = 'GET', headers = {}, body, from = '127.0.0.1' }: Ask = {},
    agent: Agent | false = false,
  ) {
    const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const outgoing = request({
      host: '127.0.0.1',
      port: this.port,
      path,
      method,
      localAddress: from,
      agent,
      rejectUnauthorized: false,
      headers: { host: `localhost:${this.port}`, ...headers },
    });
    outgoing.end(sent as string | undefined);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    return answer;
  }

  async ask(path: string, options?: Ask): Promise<Answer> {
    const answer = await this.start(path, options, this.#agent);
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) };
  }

  async bearer(user: KnownUser, from = '127.0.0.1'): Promise<{ readonly authorization: string }> {
    const answer = await this.ask('/auth/login', {
      method: 'POST',
      body: { username: user, password: passwords[user] },
      from,
    });
    if (answer.status !== 200) throw new Error(answer.body);
    return { authorization: `Bearer ${JSON.parse(answer.body).auth_token}` };
  }

  /** A session as the page has it: the cookie's value and the second token's. */
  async session(user: KnownUser): Promise<{ readonly cookie: string; readonly page: string }> {
    const answer = await this.ask('/auth/session', {
      method: 'POST',
      body: { username: user, password: passwords[user] },
      headers: { origin: this.origin },
    });
    if (answer.status !== 200) throw new Error(answer.body);
    const cookie = answer.headers['set-cookie']![0]!.split(';')[0]!.split('=')[1]!;
    return { cookie, page: JSON.parse(answer.body).session_token };
  }

  /** Creates an API token. */
  async apiToken(wanted: Record<string, unknown>, as: KnownUser = 'admin') {
    const answer = await this.ask('/api/tokens', { method: 'POST', headers: await this.bearer(as), body: wanted });
    if (answer.status !== 200) throw new Error(answer.body);
    const created = JSON.parse(answer.body) as CreatedToken;
    return { ...created, headers: { authorization: `Bearer ${created.token}` } };
  }

  guess(password: string, options: Ask & { readonly user?: string } = {}): Promise<Answer> {
    const { user = 'admin', ...more } = options;
    return this.ask('/auth/login', { method: 'POST', body: { username: user, password }, ...more });
  }

  /** A connection that has only completed the handshake. */
  async connect(): Promise<TLSSocket> {
    const socket = connect({ host: '127.0.0.1', port: this.port, rejectUnauthorized: false });
    socket.on('error', () => {});
    await new Promise<void>((resolve) => {
      socket.once('secureConnect', resolve).once('close', () => resolve());
    });
    return socket;
  }

  /** The server's output for these bytes, until it closes. */
  async raw(bytes: string): Promise<string> {
    const socket = await this.connect();
    socket.write(bytes);
    return text(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    this.#stop.abort();
  }
}

export function pageHeaders({ cookie, page }: { readonly cookie: string; readonly page: string }) {
  return { cookie: `__Host-signalbox=${cookie}`, 'x-signalbox-session': page };
}

/** What an application on another port of the same host receives from the browser of an administrator who visits it. */
export async function cookieThief(): Promise<{ readonly port: number; readonly stolen: string[]; close(): void }> {
  const stolen: string[] = [];
  const server = createHttpsServer(identity, ({ headers }, response) => {
    stolen.push(headers.cookie ?? '');
    response.writeHead(200, { 'content-type': 'text/html' }).end('<title>An application</title>');
  });
  server.listen(0);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, stolen, close: () => server.close() };
}
