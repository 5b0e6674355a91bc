import { memoize, sameItems } from '../lib/memo.ts';
import { plainText } from '../lib/plain-text.ts';
import { RetryableError } from '../lib/retryable.ts';
import { sleep } from '../lib/sleep.ts';
import { extensionPort } from '../model/names.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { Route } from '../model/route.ts';
import { isSecretsFile } from '../model/secret-files.ts';
import type { ClusterOffer, RenderAnswer, Rendering, Reports, TaskAddresses } from '../model/version.ts';
import { versionFault } from '../model/version-digest.ts';
import { StateResponse } from '../protocol/agent-messages.ts';
import { type Answer, HELD_TIMEOUT_MS, SILENCE_MS, send } from '../protocol/call.ts';
import { differenceOf } from '../protocol/difference.ts';
import { ExtensionAgent } from '../protocol/extension-agent.ts';
import { extensionName, type Identity } from '../protocol/names.ts';
import { MAX_REPORT_BYTES } from '../protocol/read-body.ts';
import { RenderResponse } from '../protocol/render-messages.ts';
import { routeFault } from '../protocol/route-message.ts';
import { type Renderer, SettingsRejectedError } from './ports.ts';
import { toProblems, unsendable } from './rendering-problems.ts';

/** The extension cannot be reached or its response is invalid. */
export class LinkError extends RetryableError {
  override readonly name = 'LinkError';
}

const RENDER_TIMEOUT_MS = 120_000;
const OFFER_TIMEOUT_MS = 30_000;
const BRIEF_TIMEOUT_MS = 5000;
/** An extension does nothing else while it renders thousands of routes. */
const SILENCE_MS_PER_ROUTE = 3;
const RETRY_MS = 1000;
/** Limits for the agents' state: the facts of one report and a few lines per replica. */
const MAX_STATE_BYTES = 16 * MAX_REPORT_BYTES;
const STATE_LIMITS = { timeoutMs: HELD_TIMEOUT_MS, maxBytes: MAX_STATE_BYTES };
const MAX_BRIEF_ANSWER_BYTES = 64 * 1024;
/** Length limit of errors with text from the extension. */
const MAX_ERROR = 500;

/** The last render request to an extension and its response. */
interface Remembered {
  /** The request without its routes. */
  readonly frame: string;
  readonly routes: readonly Route[];
  readonly response: RenderedResponse;
}

/** A request as it is sent, and the routes that cannot be sent. */
interface Request {
  readonly input: RenderInput;
  readonly faulty: readonly Route[];
  /** The request without its routes. */
  readonly frame: string;
}

type Rendered = Extract<RenderResponse, { kind: 'rendered' }>;
type RenderedResponse =
  | Exclude<RenderResponse, Rendered>
  | (Omit<Rendered, 'files'> & { readonly files: Rendering['files'] });

/** The controller side of the control channel. */
export class LinkClient implements Renderer {
  #agent: ExtensionAgent;
  readonly #port: number;
  /** The last response of each extension. An equal request is not sent again unless the templates have changed. */
  readonly #remembered = new Map<string, Remembered>();
  readonly #states = new Map<string, StateResponse & { readonly since: number }>();
  /** Returns the same list for the same routes. */
  readonly #sendable = memoize((routes: readonly Route[]) => routes.filter((route) => routeFault(route) === undefined));

  constructor(identity: Identity, port = extensionPort) {
    this.#port = port;
    this.#agent = new ExtensionAgent({ identity });
  }

  /** Applies to new connections. Calls in progress are not interrupted. */
  useIdentity(identity: Identity): void {
    const old = this.#agent;
    this.#agent = new ExtensionAgent({ identity });
    // Idle connections are closed.
    old.maxFreeSockets = 0;
    for (const socket of Object.values(old.freeSockets).flat()) socket?.destroy();
  }

  async render(service: string, wanted: RenderInput, signal: AbortSignal, boot?: string): Promise<Rendering> {
    const request = this.#toRequest(wanted);
    const { input, frame } = request;
    const last = this.#remembered.get(service);
    const response = this.#rememberedFor(service, request) ?? (await this.#ask(service, input, last, signal, boot));
    this.#remembered.set(service, { frame, routes: input.routes, response });
    const answer = toAnswer(response, request);
    if (answer.kind === 'rendered') return answer.rendering;
    throw new SettingsRejectedError(answer.message);
  }

  answerTo(service: string, wanted: RenderInput): RenderAnswer | undefined {
    const request = this.#toRequest(wanted);
    const response = this.#rememberedFor(service, request);
    return response && toAnswer(response, request);
  }

  /** A value that the extension would reject only skips the route and does not block the cluster's other changes. */
  #toRequest(wanted: RenderInput): Request {
    const faulty = wanted.routes.filter((route) => routeFault(route) !== undefined);
    const input = faulty.length === 0 ? wanted : { ...wanted, routes: this.#sendable(wanted.routes) };
    const { routes: _, ...rest } = input;
    return { input, faulty, frame: JSON.stringify(rest) };
  }

  #rememberedFor(service: string, { input, frame }: Request): RenderedResponse | undefined {
    const last = this.#remembered.get(service);
    return last?.frame === frame && sameItems(last.routes, input.routes) ? last.response : undefined;
  }

  forget(service: string): void {
    this.#remembered.delete(service);
  }

  async offer(service: string, { cluster, boot, version, files }: ClusterOffer, signal: AbortSignal): Promise<void> {
    const put = (offer: object) =>
      this.#call(
        {
          service,
          cluster,
          method: 'PUT',
          path: '/offer',
          body: JSON.stringify(offer),
          maxBytes: MAX_BRIEF_ANSWER_BYTES,
        },
        signal,
      );
    const brief = await put({ boot, version });
    // The extension has restarted since it rendered this version, or never rendered it.
    const { status, text } = brief.status === 409 ? await put({ boot, version, files }) : brief;
    if (status !== 204)
      throw new LinkError(`Extension ${service} rejected the offer: ${status} ${plainText(text, MAX_ERROR)}`);
  }

  async introduce(
    service: string,
    cluster: string,
    tasks: readonly TaskAddresses[],
    signal: AbortSignal,
  ): Promise<void> {
    const call = {
      service,
      cluster,
      method: 'PUT',
      path: '/tasks',
      body: JSON.stringify({ tasks }),
      timeoutMs: BRIEF_TIMEOUT_MS,
    };
    const { status, text } = await this.#call({ ...call, maxBytes: MAX_BRIEF_ANSWER_BYTES }, signal);
    if (status !== 204)
      throw new LinkError(`Extension ${service} rejected the tasks: ${status} ${plainText(text, MAX_ERROR)}`);
  }

  reports(service: string): Reports | undefined {
    return this.#states.get(service);
  }

  /**
   * Follows an extension's reports about its agents and templates. Templates that differ from its last response mean a new release or an
   * edit.
   */
  async watch(service: string, cluster: string, onChange: () => void, signal: AbortSignal): Promise<void> {
    let since: number | undefined;
    while (!signal.aborted) {
      const seen = this.#states.get(service)?.digest;
      const state = await this.#nextState(service, cluster, seen, signal);
      if (state === undefined) {
        since = undefined;
        await sleep(RETRY_MS, signal);
        continue;
      }
      since ??= Date.now();
      if (state.digest === seen) continue;
      this.#states.set(service, { ...state, since });
      const remembered = this.#remembered.get(service);
      if (remembered && remembered.response.templates !== state.templates) this.#remembered.delete(service);
      onChange();
    }
  }

  /** Undefined if the extension is unavailable. */
  async #nextState(
    service: string,
    cluster: string,
    seen = '',
    signal: AbortSignal,
  ): Promise<StateResponse | undefined> {
    const call = { service, cluster, method: 'GET', path: `/state/${seen}`, body: '', ...STATE_LIMITS };
    const answer = await this.#send(call, signal).catch(() => undefined);
    if (answer?.status !== 200) return undefined;
    return StateResponse.safeParse(parseJson(answer.text)).data;
  }

  /** Sends the difference to the last request, or everything if the extension no longer knows that request. */
  async #ask(
    service: string,
    input: RenderInput,
    last: Remembered | undefined,
    signal: AbortSignal,
    boot: string | undefined,
  ): Promise<RenderedResponse> {
    const before = last?.response.kind === 'rendered' ? last.response : undefined;
    const difference = before && differenceOf(last!.routes, input.routes);
    const texts = new Map(before?.files.map(({ digest, text }) => [digest, text]));
    const sent = new Set(texts.keys());
    const post = (routes: object, digests: readonly string[]) => {
      const secretFiles = digests.length === 0 ? input.secretFiles : withoutTexts(input.secretFiles, sent);
      const body = JSON.stringify({ ...input, secretFiles, routes, boot, known: digests });
      const call = { service, cluster: input.cluster, method: 'POST', path: '/render', body };
      const silenceMs = SILENCE_MS + input.routes.length * SILENCE_MS_PER_ROUTE;
      return this.#send({ ...call, timeoutMs: RENDER_TIMEOUT_MS, silenceMs }, signal);
    };
    try {
      const brief = difference && (await post({ base: before.routes, ...difference }, [...texts.keys()]));
      const { status, text } = brief === undefined || brief.status === 409 ? await post(input.routes, []) : brief;
      if (status !== 200) throw new Error(`status ${status}: ${text.slice(0, 300)}`);
      const parsed = RenderResponse.safeParse(JSON.parse(text));
      if (!parsed.success) throw new Error('invalid response', { cause: parsed.error });
      const answer = withTexts(parsed.data, texts);
      const fault = answer.kind === 'rendered' ? renderingFault(input, answer) : undefined;
      if (fault !== undefined) throw new Error(fault);
      return answer;
    } catch (error) {
      throw new LinkError(
        `Extension ${service}: render request failed: ${plainText((error as Error).message, MAX_ERROR)}`,
        {
          cause: error,
        },
      );
    }
  }

  /** Like `#send`; every failure is a LinkError. */
  async #call(call: ExtensionCall, signal: AbortSignal): Promise<Answer> {
    return this.#send(call, signal).catch((error) => {
      throw new LinkError(
        `Extension ${call.service} does not respond: ${plainText((error as Error).message, MAX_ERROR)}`,
        {
          cause: error,
        },
      );
    });
  }

  #send(
    { service, cluster, timeoutMs = OFFER_TIMEOUT_MS, silenceMs = SILENCE_MS, ...request }: ExtensionCall,
    signal: AbortSignal,
  ) {
    const servername = extensionName(cluster);
    const channel = {
      host: service,
      port: this.#port,
      agent: this.#agent,
      servername,
      timeoutMs,
      silenceMs: SILENCE_MS,
    };
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
  readonly silenceMs?: number;
  readonly maxBytes?: number;
}

function withTexts(response: RenderResponse, texts: ReadonlyMap<string, string>): RenderedResponse {
  if (response.kind === 'settings-refused') return response;
  const files = response.files.map(({ path, digest, text = texts.get(digest) }) => {
    if (text === undefined) throw new Error(`the response lacks ${path}`);
    return { path, digest, text };
  });
  return { ...response, files };
}

/** A version must contain exactly the encrypted secrets that were sent. Extensions of earlier releases leave them out. */
function renderingFault(
  { cluster, secretFiles = [] }: RenderInput,
  { version, files }: Pick<Rendering, 'version' | 'files'>,
): string | undefined {
  const fault = versionFault(cluster, version, files);
  if (fault !== undefined) return fault;
  const returned = new Map(files.filter(({ path }) => isSecretsFile(path)).map(({ path, text }) => [path, text]));
  const isSame =
    returned.size === secretFiles.length && secretFiles.every(({ path, text }) => returned.get(path) === text);
  return isSame ? undefined : 'The version has other encrypted secrets than the request';
}

/** Files that an earlier answer contained are sent without their text. */
function withoutTexts(files: RenderInput['secretFiles'], known: ReadonlySet<string>): object[] | undefined {
  return files?.map(({ text, ...file }) => (known.has(file.digest) ? file : { ...file, text }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toAnswer(response: RenderedResponse, { input, faulty }: Request): RenderAnswer {
  if (response.kind === 'settings-refused') return { kind: 'settings-rejected', message: response.message };
  const { version, files, refused } = response;
  const problems = [...toProblems(refused, input), ...faulty.map((route) => unsendable(route, input))];
  return { kind: 'rendered', rendering: { version, files, problems } };
}
