import { Agent } from 'node:https';
import { sameItems } from '../lib/memo.ts';
import { sleep } from '../lib/sleep.ts';
import { extensionPort } from '../model/names.ts';
import type { Problem } from '../model/problem.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { Route } from '../model/route.ts';
import {
  type Renderer,
  type Rendering,
  type Replicas,
  SettingsRefusedError,
  type VersionOffer,
} from '../reconcile/ports.ts';
import { type Answer, HELD_TIMEOUT_MS, send } from './call.ts';
import { differenceOf } from './difference.ts';
import { RenderResponse, StateResponse } from './messages.ts';
import { extensionName, type Identity } from './names.ts';

/** The extension can't be reached, or does not answer as agreed. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}

const RENDER_TIMEOUT_MS = 120_000;
const OFFER_TIMEOUT_MS = 30_000;
const RETRY_MS = 1000;

/** The last question to an extension, and its answer. */
interface Remembered {
  /** The question without its routes. */
  readonly frame: string;
  readonly routes: readonly Route[];
  readonly answer: RenderAnswer;
}

type Rendered = Extract<RenderResponse, { kind: 'rendered' }>;
type RenderAnswer =
  | Exclude<RenderResponse, Rendered>
  | (Omit<Rendered, 'files'> & { readonly files: Rendering['files'] });

/** The controller's end of the control channel. */
export class LinkClient implements Renderer {
  readonly #agent: Agent;
  readonly #port: number;
  /** The last answer of each extension: an equal question is not asked again, unless its templates have changed. */
  readonly #remembered = new Map<string, Remembered>();
  readonly #states = new Map<string, StateResponse>();

  constructor(identity: Identity, port = extensionPort) {
    this.#port = port;
    this.#agent = new Agent({ ...identity, keepAlive: true, minVersion: 'TLSv1.3' });
  }

  async render(service: string, input: RenderInput, signal: AbortSignal, boot?: string): Promise<Rendering> {
    const { routes, ...rest } = input;
    const frame = JSON.stringify(rest);
    const known = this.#remembered.get(service);
    const isSame = known?.frame === frame && sameItems(known.routes, routes);
    const answer = isSame ? known.answer : await this.#ask(service, input, known, signal, boot);
    this.#remembered.set(service, { frame, routes, answer });
    if (answer.kind === 'settings-refused') throw new SettingsRefusedError(answer.message);
    const { version, files, refused } = answer;
    return { version, files, problems: refused.map((refusal) => toProblem(refusal, input.cluster)) };
  }

  async offer(service: string, { cluster, boot, version, files }: VersionOffer, signal: AbortSignal): Promise<void> {
    const put = (offer: object) =>
      this.#send({ service, cluster, method: 'PUT', path: '/offer', body: JSON.stringify(offer) }, signal);
    const brief = await put({ boot, version });
    // It has started anew since it rendered this, or never did.
    const { status, text } = brief.status === 409 ? await put({ boot, version, files }) : brief;
    if (status !== 204) throw new LinkError(`Extension ${service} takes no offer: ${status} ${text.slice(0, 300)}`);
  }

  replicas(service: string): Replicas | undefined {
    return this.#states.get(service);
  }

  /**
   * Follows what an extension tells of its agents and its templates: others than those of its last answer mean a new release of it, or
   * that somebody edits them.
   */
  async watch(service: string, cluster: string, onChange: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const known = this.#states.get(service)?.digest;
      const state = await this.#nextState(service, cluster, known, signal);
      if (state === undefined) {
        await sleep(RETRY_MS, signal);
        continue;
      }
      if (state.digest === known) continue;
      this.#states.set(service, state);
      const remembered = this.#remembered.get(service);
      if (remembered && remembered.answer.templates !== state.templates) this.#remembered.delete(service);
      onChange();
    }
  }

  /** Undefined when the extension is away. */
  async #nextState(
    service: string,
    cluster: string,
    known = '',
    signal: AbortSignal,
  ): Promise<StateResponse | undefined> {
    const call = { service, cluster, method: 'GET', path: `/state/${known}`, body: '', timeoutMs: HELD_TIMEOUT_MS };
    const answer = await this.#send(call, signal).catch(() => undefined);
    if (answer?.status !== 200) return undefined;
    return StateResponse.safeParse(parseJson(answer.text)).data;
  }

  /** Tells what differs from the last time, and all of it where the extension no longer knows that. */
  async #ask(
    service: string,
    input: RenderInput,
    known: Remembered | undefined,
    signal: AbortSignal,
    boot: string | undefined,
  ): Promise<RenderAnswer> {
    const before = known?.answer.kind === 'rendered' ? known.answer : undefined;
    const difference = before && differenceOf(known!.routes, input.routes);
    const texts = new Map(before?.files.map(({ digest, text }) => [digest, text]));
    const post = (routes: object, digests: readonly string[]) => {
      const body = JSON.stringify({ ...input, routes, boot, known: digests });
      const call = { service, cluster: input.cluster, method: 'POST', path: '/render', body };
      return this.#send({ ...call, timeoutMs: RENDER_TIMEOUT_MS }, signal);
    };
    try {
      const brief = difference && (await post({ base: before.routes, ...difference }, [...texts.keys()]));
      const { status, text } = brief === undefined || brief.status === 409 ? await post(input.routes, []) : brief;
      if (status !== 200) throw new Error(`it answers ${status}: ${text.slice(0, 300)}`);
      const parsed = RenderResponse.safeParse(JSON.parse(text));
      if (!parsed.success) throw new Error('its answer is not as agreed', { cause: parsed.error });
      return withTexts(parsed.data, texts);
    } catch (error) {
      throw new LinkError(`Extension ${service} is of no help: ${(error as Error).message}`, { cause: error });
    }
  }

  #send({ service, cluster, timeoutMs = OFFER_TIMEOUT_MS, ...request }: ExtensionCall, signal: AbortSignal) {
    const servername = extensionName(cluster);
    const channel = { host: service, port: this.#port, agent: this.#agent, servername, timeoutMs };
    return send({ ...channel, ...request }, signal) satisfies Promise<Answer>;
  }
}

interface ExtensionCall {
  readonly service: string;
  readonly cluster: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly timeoutMs?: number;
}

function withTexts(response: RenderResponse, texts: ReadonlyMap<string, string>): RenderAnswer {
  if (response.kind === 'settings-refused') return response;
  const files = response.files.map(({ path, digest, text = texts.get(digest) }) => {
    if (text === undefined) throw new Error(`it leaves out ${path}`);
    return { path, digest, text };
  });
  return { ...response, files };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toProblem({ service, message }: { service: string; message: string }, cluster: string): Problem {
  return {
    severity: 'error',
    service,
    cluster,
    reason: `nginx refuses the configuration of this service: ${message}`,
    remedy: 'The service is left out. Please report this: a grammar should have caught it.',
  };
}
