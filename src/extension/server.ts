import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import type { z } from 'zod';
import { digest } from '../lib/digest.ts';
import type { Logger } from '../lib/logger.ts';
import { Recent } from '../lib/recent.ts';
import { MOST_FILES } from '../model/limits.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { Route } from '../model/route.ts';
import type { ConfigurationFile, Rendering, Seal, Version } from '../model/version.ts';
import { createChannelServer, type Handler, type Reply } from '../protocol/channel-server.ts';
import { applyDifference, type Difference } from '../protocol/difference.ts';
import { OfferRequest, RenderRequest, ReportRequest, TasksRequest } from '../protocol/messages.ts';
import { controllerName, type Identity, proxyName } from '../protocol/names.ts';
import { MAX_MESSAGE_BYTES, MAX_REPORT_BYTES } from '../protocol/read-body.ts';
import { contentHash, sealVersion } from '../protocol/seal.ts';
import { takeMessage } from '../protocol/take-message.ts';
import type { Trial } from '../render/prove.ts';
import { Claims } from './claims.ts';
import type { Offers } from './offers.ts';

/** Returns a RenderResponse without the version of the templates. */
export type Prove = (input: RenderInput, trial?: Pick<Trial, 'routes' | 'isTaken'>) => Promise<object>;

export interface LinkServerOptions {
  readonly cluster: string;
  readonly identity: Identity;
  readonly prove: Prove;
  readonly templates: TemplateVersions;
  readonly offers: Offers;
  readonly logger: Logger;
}

/** Notifies when templates change, which happens while they are edited. */
export interface TemplateVersions {
  readonly version: string;
  changed(known: string): Promise<void>;
}

/** Agents of all proxies with one or two connections each, and the controllers. */
const MAX_CONNECTIONS = 4096;
/** Concurrent reports from one address. An agent has one, briefly two. */
const MAX_REPORTS_PER_ADDRESS = 96;
/** Interval for logging repeated rejections. */
const REJECTION_LOG_MS = 60_000;
/** Maximum time a request is held, so that both ends notice a lost connection. */
const HOLD_MS = 25_000;
/** How long to wait for a replica that tries a version before testing it with nginx here. */
const TRIAL_MS = 5000;
/** Number of cached versions. An offer of a cached version needs no files. */
const KEPT_VERSIONS = 3;
/** Number of cached route lists that requests may build on. */
const KEPT_ROUTES = 4;

/**
 * The extension side of the control channel. It accepts only the controller and the agents of the cluster's own proxies.
 *
 * The controller:
 * - `POST /render` accepts a RenderRequest and returns a RenderResponse, or 409 if the request builds on unknown routes. If it names a
 *   `boot`, one of those replicas is offered the result; if that replica's nginx accepts it, nginx does not test it here.
 * - `PUT /offer` accepts an OfferRequest and returns 204, or 409 if it has no files and the version is unknown.
 * - `PUT /tasks` accepts a TasksRequest and returns 204. Reports from the address of another task are then rejected.
 * - `GET /state/<digest>` is held until offers, replicas, templates or tasks differ from the digest, at most 25 s, and returns a
 *   StateResponse.
 *
 * Agents:
 * - `POST /report` accepts a ReportRequest of at most 1 MB and is held until there is a version for the replica. It returns the signed
 *   version without the content of files that the agent knows, 204 after 25 s without a version, 409 if another agent reports for the
 *   task, or 429 if one address sends too many reports.
 */
export function createLinkServer(options: LinkServerOptions): Server {
  const { cluster, identity, logger } = options;
  const channel = new Channel(options);
  const held = (handle: (request: IncomingMessage, hold: AbortSignal) => Promise<Reply>): Handler => {
    return (request, gone) => handle(request, AbortSignal.any([gone, AbortSignal.timeout(HOLD_MS)]));
  };
  return createChannelServer({
    identity,
    roles: {
      [controllerName]: {
        'POST /render': (request) => channel.render(request),
        'PUT /offer': (request) => channel.offer(request),
        'PUT /tasks': (request) => channel.tasks(request),
        'GET /state': held((request, hold) => channel.state(request, hold)),
      },
      [proxyName(cluster)]: { 'POST /report': held((request, hold) => channel.report(request, hold)) },
    },
    maxConnections: MAX_CONNECTIONS,
    onFailure: (error) => logger.error({ err: error }, 'Request failed'),
  });
}

class Channel {
  readonly #options: LinkServerOptions;
  readonly #rendered = new Recent<readonly ConfigurationFile[]>(KEPT_VERSIONS);
  readonly #seals = new Recent<Seal>(KEPT_VERSIONS);
  /** Routes of the last requests, possibly of different controllers. */
  readonly #routes = new Recent<readonly Route[]>(KEPT_ROUTES);
  /** Files with encrypted secrets of the last requests, by digest. */
  readonly #secretFiles = new Recent<ConfigurationFile>(2 * MOST_FILES);
  readonly #claims = new Claims(() => performance.now());
  /** Number of open reports, by address. */
  readonly #reports = new Map<string, number>();
  #tasks: string | undefined;
  #tasksChange = Promise.withResolvers<void>();
  #rejectionLoggedAt = Number.NEGATIVE_INFINITY;

  constructor(options: LinkServerOptions) {
    this.#options = options;
  }

  async render(request: IncomingMessage): Promise<Reply> {
    const { prove, templates } = this.#options;
    return takeMessage(request, RenderRequest, MAX_MESSAGE_BYTES, async ({ known, boot, ...asked }) => {
      const routes = this.#routesOf(asked.routes);
      const secretFiles = this.#withTexts(asked.secretFiles);
      if (routes === undefined || secretFiles?.includes(undefined))
        return { status: 409, body: { error: 'Bring all routes and secrets' } };
      const trial = boot === undefined ? undefined : this.#trialOf(boot, asked.routes);
      const proof = (await prove({ ...asked, routes, secretFiles } as RenderInput, trial)) as Partial<Rendering>;
      const { version, files } = proof;
      if (boot !== undefined && version !== trial?.started) this.#options.offers.withdraw(boot);
      if (version !== undefined && files) this.#rendered.set(version, files);
      const name = this.#nameRoutes(routes);
      const brief = files && withoutKnown(files, known);
      return { status: 200, body: { ...proof, files: brief, routes: name, templates: templates.version } };
    });
  }

  /** Contains undefined for an unknown file without its text. */
  #withTexts(files: RenderRequest['secretFiles']): readonly (ConfigurationFile | undefined)[] | undefined {
    return files?.map(({ path, digest, text }) => {
      const file = text === undefined ? this.#secretFiles.get(digest) : { path, digest, text };
      if (file !== undefined) this.#secretFiles.set(digest, file);
      return file;
    });
  }

  /** Undefined if they build on unknown routes. */
  #routesOf(routes: RenderRequest['routes']): readonly Route[] | undefined {
    if (Array.isArray(routes)) return routes as Route[];
    const base = this.#routes.get(routes.base);
    const built = base && applyDifference(base, routes as Difference<Route>);
    return built?.includes(undefined as never) ? undefined : built;
  }

  /** Undefined if the difference is unknown. */
  #trialOf(boot: string, routes: RenderRequest['routes']) {
    if (Array.isArray(routes)) return undefined;
    const { offers } = this.#options;
    const trial = {
      routes: routes.added.map(({ item }) => item as Route),
      started: undefined as string | undefined,
      isTaken({ version, files }: Pick<Rendering, 'version' | 'files'>): Promise<boolean> {
        trial.started = version;
        return offers.try({ boot, version, files }, AbortSignal.timeout(TRIAL_MS));
      },
    };
    return trial;
  }

  #nameRoutes(routes: readonly Route[]): string {
    const name = randomBytes(8).toString('hex');
    this.#routes.set(name, routes);
    return name;
  }

  async offer(request: IncomingMessage): Promise<Reply> {
    return takeMessage(
      request,
      OfferRequest,
      MAX_MESSAGE_BYTES,
      async ({ boot, version, files = this.#rendered.get(version) }) => {
        if (files === undefined) return { status: 409, body: { error: 'Bring the files' } };
        this.#options.offers.offer({ boot, version, files });
        return { status: 204 };
      },
    );
  }

  async tasks(request: IncomingMessage): Promise<Reply> {
    return takeMessage(request, TasksRequest, MAX_MESSAGE_BYTES, async ({ tasks }) => {
      this.#claims.know(tasks);
      this.#tasks = digest(JSON.stringify(tasks));
      this.#tasksChange.resolve();
      this.#tasksChange = Promise.withResolvers();
      return { status: 204 };
    });
  }

  async state(request: IncomingMessage, hold: AbortSignal): Promise<Reply> {
    const known = request.url!.split('/')[2] ?? '';
    const { offers, templates } = this.#options;
    const current = () => digest(JSON.stringify([templates.version, offers.state, this.#tasks]));
    if (current() === known) {
      const moved = new AbortController();
      const either = AbortSignal.any([hold, moved.signal]);
      const changes = [templates.changed(templates.version), this.#tasksChange.promise];
      await Promise.race([...changes, offers.moved(offers.state, either)]);
      moved.abort();
    }
    const told = { digest: current(), templates: templates.version, tasks: this.#tasks };
    return { status: 200, body: { ...told, ...offers.state } };
  }

  async report(request: IncomingMessage, hold: AbortSignal): Promise<Reply> {
    const address = request.socket.remoteAddress ?? '';
    const count = this.#reports.get(address) ?? 0;
    if (count >= MAX_REPORTS_PER_ADDRESS) return { status: 429, body: { error: 'Too many concurrent reports' } };
    this.#reports.set(address, count + 1);
    try {
      return await this.#takeReport(request, address, hold);
    } finally {
      const left = this.#reports.get(address)! - 1;
      if (left > 0) this.#reports.set(address, left);
      else this.#reports.delete(address);
    }
  }

  #takeReport(request: IncomingMessage, address: string, hold: AbortSignal): Promise<Reply> {
    const handle = async ({ known, instance, ...report }: z.infer<typeof ReportRequest>): Promise<Reply> => {
      const rejection = this.#claims.reject({ task: report.task, address, instance });
      if (rejection !== undefined) return this.#rejectReport(rejection, report.task, address);
      const offered = await this.#options.offers.next(report, hold);
      if (offered === undefined) return { status: 204 };
      const { version, files } = offered;
      const seal = this.#seal(report.boot, offered);
      return { status: 200, body: { version, files: withoutKnown(files, known), seal } };
    };
    return takeMessage(request, ReportRequest, MAX_REPORT_BYTES, handle);
  }

  /** Signs once for all replicas. */
  #seal(boot: string, { version, files }: Version): Seal {
    const name = `${boot} ${version}`;
    const known = this.#seals.get(name);
    if (known) return known;
    const hashed = files.map((file) => ({ path: file.path, hash: hashOf(file) }));
    const seal = sealVersion(this.#options.identity, { boot, version, files: hashed });
    this.#seals.set(name, seal);
    return seal;
  }

  #rejectReport(reason: string, task: string, address: string): Reply {
    const at = performance.now();
    if (at - this.#rejectionLoggedAt > REJECTION_LOG_MS) {
      this.#rejectionLoggedAt = at;
      this.#options.logger.warn({ task, address, reason }, 'Rejected report');
    }
    return { status: 409, body: { error: reason } };
  }
}

const hashes = new WeakMap<ConfigurationFile, string>();

/** Cached, because most files are the same as in the previous version. */
function hashOf(file: ConfigurationFile): string {
  const hash = hashes.get(file) ?? contentHash(file.text);
  hashes.set(file, hash);
  return hash;
}

/** Omits the content of files that the agent has. */
function withoutKnown(files: readonly ConfigurationFile[], known: readonly string[]): object[] {
  const there = new Set(known);
  return files.map(({ text, ...file }) => (there.has(file.digest) ? file : { ...file, text }));
}
