import { plainText } from '../lib/plain-text.ts';
import { RetryableError } from '../lib/retryable.ts';
import { type Answer, SILENCE_MS, send } from '../protocol/call.ts';
import { ExtensionAgent } from '../protocol/extension-agent.ts';
import { extensionName, type Identity } from '../protocol/names.ts';

/** The extension cannot be reached or its response is invalid. */
export class LinkError extends RetryableError {
  override readonly name = 'LinkError';
}

export interface ExtensionCall {
  readonly service: string;
  readonly cluster: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly timeoutMs?: number;
  readonly silenceMs?: number;
  readonly maxBytes?: number;
}

const TIMEOUT_MS = 30_000;
/** Length limit of errors with text from the extension. */
const MAX_ERROR = 500;

/** Limits a text from the extension for errors. */
export function shortened(text: string): string {
  return plainText(text, MAX_ERROR);
}

/** Undefined if a text from the extension is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Calls extensions over the control channel. */
export class ExtensionChannel {
  #agent: ExtensionAgent;
  readonly #port: number;

  constructor(identity: Identity, port: number) {
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

  /** Like `send`; every failure is a LinkError. */
  async call(call: ExtensionCall, signal: AbortSignal): Promise<Answer> {
    return this.send(call, signal).catch((error) => {
      throw new LinkError(`Extension ${call.service} does not respond: ${shortened((error as Error).message)}`, {
        cause: error,
      });
    });
  }

  /** One request. */
  send({ service, cluster, ...call }: ExtensionCall, signal: AbortSignal): Promise<Answer> {
    const channel = { host: service, port: this.#port, agent: this.#agent, servername: extensionName(cluster) };
    return send({ timeoutMs: TIMEOUT_MS, silenceMs: SILENCE_MS, ...channel, ...call }, signal);
  }
}
