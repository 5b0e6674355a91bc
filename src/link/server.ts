import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { z } from 'zod';
import type { Offers } from '../in-place/offers.ts';
import { digest } from '../lib/digest.ts';
import type { Logger } from '../lib/logger.ts';
import { Recent } from '../lib/recent.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { Route } from '../model/route.ts';
import type { ConfigurationFile, Rendering } from '../reconcile/ports.ts';
import type { Trial } from '../render/prove.ts';
import { applyDifference, type Difference } from './difference.ts';
import { OfferRequest, RenderRequest, ReportRequest } from './messages.ts';
import { controllerName, type Identity, proxyName } from './names.ts';
import { readBody } from './read-body.ts';

/** Answers with what a RenderResponse holds, but for the version of the templates. */
export type Prove = (input: RenderInput, trial?: Pick<Trial, 'routes' | 'isTaken'>) => Promise<object>;

export interface LinkServerOptions {
  readonly cluster: string;
  readonly identity: Identity;
  readonly prove: Prove;
  readonly templates: TemplateVersions;
  readonly offers: Offers;
  readonly logger: Logger;
}

/** Tells when templates change, which happens while somebody edits them. */
export interface TemplateVersions {
  readonly version: string;
  changed(known: string): Promise<void>;
}

/** A request is held for so long at most, so that whoever lost the other end notices. */
const HOLD_MS = 25_000;
/** A replica that tries a version is waited for so long, before nginx reads the version here. */
const TRIAL_MS = 5000;
/** Versions that are remembered, so that an offer need not bring its files again. */
const KEPT_VERSIONS = 3;
/** Lists of routes that a request may build on. */
const KEPT_ROUTES = 4;

/**
 * The extension's end of the control channel. Only the controller and the agents of the cluster's own proxies get through: their
 * certificates must be of the same CA and carry their names.
 *
 * The controller:
 * - `POST /render` takes a RenderRequest and answers with a RenderResponse; with 409 when it builds on routes that are not known here. Where it
 *   names a `boot`, one of those replicas is offered the result, and what its nginx takes is not read by nginx here.
 * - `PUT /offer` takes an OfferRequest and answers with 204; with 409 when it brings no files and the version is not known here.
 * - `GET /state/<digest>` is held until offers, replicas or templates are others than those of the digest, 25 s at most, and answers
 *   with a StateResponse.
 *
 * Agents:
 * - `POST /report` takes a ReportRequest, is held until there is a version for the replica, and answers with that, without the content of
 *   files that the agent knows; after 25 s without one with 204.
 */
export function createLinkServer(options: LinkServerOptions): Server {
  const tls = { ...options.identity, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' as const };
  const channel = new Channel(options);
  return createServer(tls, (request, response) => {
    answer(channel, request, response).catch((error) => {
      if (response.destroyed) return;
      options.logger.error({ err: error }, 'Request failed');
      send(response, { status: 500, body: { error: (error as Error).message } });
    });
  });
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

type Handler = (channel: Channel, request: IncomingMessage, hold: AbortSignal) => Promise<Answer>;

const CONTROLLER: Readonly<Record<string, Handler>> = {
  'POST /render': (channel, request) => channel.render(request),
  'PUT /offer': (channel, request) => channel.offer(request),
  'GET /state': (channel, request, hold) => channel.state(request.url!.split('/')[2] ?? '', hold),
};
const AGENT: Readonly<Record<string, Handler>> = {
  'POST /report': (channel, request, hold) => channel.report(request, hold),
};

async function answer(channel: Channel, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const handlers = channel.handlersFor((request.socket as TLSSocket).getPeerX509Certificate()?.subject);
  if (handlers === undefined) return send(response, { status: 403, body: { error: 'You may not ask here' } });
  const handler = handlers[`${request.method} /${(request.url ?? '').split('/')[1]}`];
  if (handler === undefined) return send(response, { status: 404, body: { error: 'Not found' } });
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const hold = AbortSignal.any([gone.signal, AbortSignal.timeout(HOLD_MS)]);
  send(response, await handler(channel, request, hold));
}

function send(response: ServerResponse, { status, body }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  if (body === undefined) response.writeHead(status).end();
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

class Channel {
  readonly #options: LinkServerOptions;
  readonly #rendered = new Recent<readonly ConfigurationFile[]>(KEPT_VERSIONS);
  /** Routes of the last requests; of different controllers, perhaps. */
  readonly #routes = new Recent<readonly Route[]>(KEPT_ROUTES);

  constructor(options: LinkServerOptions) {
    this.#options = options;
  }

  handlersFor(subject: string | undefined): Readonly<Record<string, Handler>> | undefined {
    if (subject === `CN=${controllerName}`) return CONTROLLER;
    return subject === `CN=${proxyName(this.#options.cluster)}` ? AGENT : undefined;
  }

  async render(request: IncomingMessage): Promise<Answer> {
    const { prove, templates } = this.#options;
    return take(request, RenderRequest, async ({ known, boot, ...asked }) => {
      const routes = this.#routesOf(asked.routes);
      if (routes === undefined) return { status: 409, body: { error: 'Bring all routes' } };
      const trial = boot === undefined ? undefined : this.#trialOf(boot, asked.routes);
      const proof = (await prove({ ...asked, routes } as RenderInput, trial)) as Partial<Rendering>;
      const { version, files } = proof;
      if (boot !== undefined && version !== trial?.started) this.#options.offers.withdraw(boot);
      if (version !== undefined && files) this.#rendered.set(version, files);
      const name = this.#nameRoutes(routes);
      const brief = files && withoutKnown(files, known);
      return { status: 200, body: { ...proof, files: brief, routes: name, templates: templates.version } };
    });
  }

  /** Undefined where they build on others that are not known here. */
  #routesOf(routes: RenderRequest['routes']): readonly Route[] | undefined {
    if (Array.isArray(routes)) return routes as Route[];
    const base = this.#routes.get(routes.base);
    const built = base && applyDifference(base, routes as Difference<Route>);
    return built?.includes(undefined as never) ? undefined : built;
  }

  /** Undefined where it is not known what is new. */
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

  async offer(request: IncomingMessage): Promise<Answer> {
    return take(request, OfferRequest, async ({ boot, version, files = this.#rendered.get(version) }) => {
      if (files === undefined) return { status: 409, body: { error: 'Bring the files' } };
      this.#options.offers.offer({ boot, version, files });
      return { status: 204 };
    });
  }

  async state(known: string, hold: AbortSignal): Promise<Answer> {
    const { offers, templates } = this.#options;
    const current = () => digest(JSON.stringify([templates.version, offers.state]));
    if (current() === known) {
      const moved = new AbortController();
      const either = AbortSignal.any([hold, moved.signal]);
      await Promise.race([templates.changed(templates.version), offers.moved(offers.state, either)]);
      moved.abort();
    }
    return { status: 200, body: { digest: current(), templates: templates.version, ...offers.state } };
  }

  async report(request: IncomingMessage, hold: AbortSignal): Promise<Answer> {
    return take(request, ReportRequest, async ({ known, ...report }) => {
      const offered = await this.#options.offers.next(report, hold);
      if (offered === undefined) return { status: 204 };
      const { version, files } = offered;
      return { status: 200, body: { version, files: withoutKnown(files, known) } };
    });
  }
}

/** Files whose content the other end has are only named. */
function withoutKnown(files: readonly ConfigurationFile[], known: readonly string[]): object[] {
  const there = new Set(known);
  return files.map(({ text, ...file }) => (there.has(file.digest) ? file : { ...file, text }));
}

async function take<T>(
  request: IncomingMessage,
  schema: z.ZodType<T>,
  handle: (body: T) => Promise<Answer>,
): Promise<Answer> {
  const parsed = schema.safeParse(JSON.parse(await readBody(request)));
  if (!parsed.success) return { status: 400, body: { error: parsed.error.message } };
  return handle(parsed.data);
}
