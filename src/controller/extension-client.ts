import { sameItems } from '../lib/memo.ts';
import { sleep } from '../lib/sleep.ts';
import { extensionPort } from '../model/names.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { ClusterOffer, RenderAnswer, Rendering, Reports, TaskAddresses } from '../model/version.ts';
import { StateResponse } from '../protocol/agent-messages.ts';
import { HELD_TIMEOUT_MS } from '../protocol/call.ts';
import type { Identity } from '../protocol/names.ts';
import { MAX_REPORT_BYTES } from '../protocol/read-body.ts';
import { ExtensionChannel, LinkError, parseJson, shortened } from './extension-channel.ts';
import { type Renderer, SettingsRejectedError } from './ports.ts';
import {
  askToRender,
  type Remembered,
  type RenderedResponse,
  type Request,
  toAnswer,
  toRequest,
} from './render-request.ts';

const BRIEF_TIMEOUT_MS = 5000;
const RETRY_MS = 1000;
/** Limits for the agents' state: the facts of one report and a few lines per replica. */
const MAX_STATE_BYTES = 16 * MAX_REPORT_BYTES;
const STATE_LIMITS = { timeoutMs: HELD_TIMEOUT_MS, maxBytes: MAX_STATE_BYTES };
const MAX_BRIEF_ANSWER_BYTES = 64 * 1024;

/** The controller side of the control channel. */
export class LinkClient implements Renderer {
  readonly #channel: ExtensionChannel;
  /** The last response of each extension. An equal request is not sent again unless the templates have changed. */
  readonly #remembered = new Map<string, Remembered>();
  readonly #states = new Map<string, StateResponse & { readonly since: number }>();

  constructor(identity: Identity, port = extensionPort) {
    this.#channel = new ExtensionChannel(identity, port);
  }

  /** Applies to new connections. Calls in progress are not interrupted. */
  useIdentity(identity: Identity): void {
    this.#channel.useIdentity(identity);
  }

  async render(service: string, wanted: RenderInput, signal: AbortSignal, boot?: string): Promise<Rendering> {
    const request = toRequest(wanted);
    const { input, frame } = request;
    const last = this.#remembered.get(service);
    const response =
      this.#rememberedFor(service, request) ??
      (await askToRender(this.#channel, { service, input, last, boot }, signal));
    this.#remembered.set(service, { frame, routes: input.routes, response });
    const answer = toAnswer(response, request);
    if (answer.kind === 'rendered') return answer.rendering;
    throw new SettingsRejectedError(answer.message);
  }

  answerTo(service: string, wanted: RenderInput): RenderAnswer | undefined {
    const request = toRequest(wanted);
    const response = this.#rememberedFor(service, request);
    return response && toAnswer(response, request);
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
      this.#channel.call(
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
    if (status !== 204) throw new LinkError(`Extension ${service} rejected the offer: ${status} ${shortened(text)}`);
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
    const { status, text } = await this.#channel.call({ ...call, maxBytes: MAX_BRIEF_ANSWER_BYTES }, signal);
    if (status !== 204) throw new LinkError(`Extension ${service} rejected the tasks: ${status} ${shortened(text)}`);
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
    const answer = await this.#channel.send(call, signal).catch(() => undefined);
    if (answer?.status !== 200) return undefined;
    return StateResponse.safeParse(parseJson(answer.text)).data;
  }
}
