import type { Agent } from 'node:https';
import { acmePort, acmeService } from '../../model/names.ts';
import {
  type LookupRequest,
  LookupResponse,
  type OrderRequest,
  OrderResponse,
  type RenewalInfoRequest,
  RenewalInfoResponse,
} from '../../protocol/acme-messages.ts';
import { type Answer, SILENCE_MS, send } from '../../protocol/call.ts';
import { ExtensionAgent } from '../../protocol/extension-agent.ts';
import { acmeName, type Identity } from '../../protocol/names.ts';
import type { AcmeClient } from './ports.ts';

const BRIEF_MS = 5000;
const RENEWAL_INFO_MS = 60_000;
/** Longer than the service waits for lego, and shorter than an order is reserved for. */
const ORDER_MS = 9 * 60_000;
const MOST_BYTES = 256 * 1024;

/** Calls the service over the control network, with mutual TLS. */
export class ControlAcmeClient implements AcmeClient {
  readonly #identity: () => Identity;
  #agent: { readonly agent: Agent; readonly identity: Identity } | undefined;

  constructor(identity: () => Identity) {
    this.#identity = identity;
  }

  async isUp(signal: AbortSignal): Promise<boolean> {
    return this.#call('GET', '/health', {}, BRIEF_MS, signal).then(
      ({ status }) => status === 204,
      () => false,
    );
  }

  async order(request: OrderRequest, signal: AbortSignal): Promise<OrderResponse> {
    return OrderResponse.parse(await this.#ask('/order', request, ORDER_MS, signal));
  }

  async renewalInfo(request: RenewalInfoRequest, signal: AbortSignal): Promise<RenewalInfoResponse> {
    return RenewalInfoResponse.parse(await this.#ask('/renewal-info', request, RENEWAL_INFO_MS, signal));
  }

  async lookUp(request: LookupRequest, signal: AbortSignal): Promise<LookupResponse> {
    return LookupResponse.parse(await this.#ask('/lookup', request, RENEWAL_INFO_MS, signal));
  }

  async #ask(path: string, body: unknown, timeoutMs: number, signal: AbortSignal): Promise<unknown> {
    const { status, text } = await this.#call('POST', path, body, timeoutMs, signal);
    if (status !== 200) throw new Error(`${acmeService} answers ${status}: ${text.slice(0, 200)}`);
    return JSON.parse(text);
  }

  #call(method: string, path: string, body: unknown, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    const call = { host: acmeService, port: acmePort, agent: this.#current(), servername: acmeName, method, path };
    const limits = { timeoutMs, silenceMs: SILENCE_MS, maxBytes: MOST_BYTES };
    return send({ ...call, ...limits, body: JSON.stringify(body) }, signal);
  }

  /** A renewed identity applies to new connections. */
  #current(): Agent {
    const identity = this.#identity();
    if (this.#agent?.identity !== identity) this.#agent = { agent: new ExtensionAgent({ identity }), identity };
    return this.#agent.agent;
  }
}
