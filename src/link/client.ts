import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { digest } from '../lib/digest.ts';
import { sleep } from '../lib/sleep.ts';
import { extensionPort } from '../model/names.ts';
import type { Problem } from '../model/problem.ts';
import type { RenderInput } from '../model/render-input.ts';
import { type Renderer, type Rendering, SettingsRefusedError } from '../reconcile/ports.ts';
import { extensionName, type Identity } from './certificates.ts';
import { RenderResponse, TemplatesResponse } from './messages.ts';
import { readBody } from './server.ts';

/** The extension can't be reached, or does not answer as agreed. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}

const TIMEOUT_MS = 120_000;
const RETRY_MS = 2000;

interface Remembered {
  /** Digest of the question. */
  readonly key: string;
  readonly response: RenderResponse;
}

/** The controller's end of the control channel. */
export class LinkClient implements Renderer {
  readonly #agent: Agent;
  readonly #port: number;
  /** The last answer of each extension: an equal question is not asked again, unless its templates have changed. */
  readonly #remembered = new Map<string, Remembered>();

  constructor(identity: Identity, port = extensionPort) {
    this.#port = port;
    this.#agent = new Agent({ ...identity, keepAlive: true, minVersion: 'TLSv1.3' });
  }

  async render(service: string, input: RenderInput, signal: AbortSignal): Promise<Rendering> {
    const body = JSON.stringify(input);
    const key = digest(body);
    const known = this.#remembered.get(service);
    const response = known?.key === key ? known.response : await this.#ask(service, input.cluster, body, signal);
    this.#remembered.set(service, { key, response });
    if (response.kind === 'settings-refused') throw new SettingsRefusedError(response.message);
    const { version, files, refused } = response;
    return { version, files, problems: refused.map((refusal) => toProblem(refusal, input.cluster)) };
  }

  /** Waits until the extension's templates are no longer those of its last answer: a new release of it, or somebody edits them. */
  async watch(service: string, cluster: string, onChange: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const known = this.#remembered.get(service)?.response.templates;
      const version = known === undefined ? undefined : await this.#nextTemplates(service, cluster, known, signal);
      if (version === undefined || version === known) {
        await sleep(RETRY_MS, signal);
      } else {
        this.#remembered.delete(service);
        onChange();
      }
    }
  }

  /** The version after the known one; undefined when the extension went away meanwhile. */
  async #nextTemplates(
    service: string,
    cluster: string,
    known: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const options = { service, cluster, method: 'GET', path: `/templates/${known}`, body: '', timeoutMs: 0 };
    const answer = await this.#send(options, signal).catch(() => undefined);
    return answer?.status === 200 ? TemplatesResponse.parse(JSON.parse(answer.text)).version : undefined;
  }

  async #ask(service: string, cluster: string, body: string, signal: AbortSignal): Promise<RenderResponse> {
    try {
      const options = { service, cluster, method: 'POST', path: '/render', body, timeoutMs: TIMEOUT_MS };
      const { status, text } = await this.#send(options, signal);
      if (status !== 200) throw new Error(`it answers ${status}: ${text.slice(0, 300)}`);
      const parsed = RenderResponse.safeParse(JSON.parse(text));
      if (!parsed.success) throw new Error('its answer is not as agreed', { cause: parsed.error });
      return parsed.data;
    } catch (error) {
      throw new LinkError(`Extension ${service} is of no help: ${(error as Error).message}`, { cause: error });
    }
  }

  #send({ service, cluster, method, path, body, timeoutMs }: Call, signal: AbortSignal): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const onResponse = (response: IncomingMessage) => {
      readBody(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    };
    const outgoing = request(
      {
        host: service,
        port: this.#port,
        path,
        method,
        agent: this.#agent,
        // The certificate names the extension's role: who else sits behind the name of the service is turned away.
        servername: extensionName(cluster),
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        timeout: timeoutMs,
        signal,
      },
      onResponse,
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('it takes too long')));
    outgoing.on('error', reject);
    outgoing.end(body);
    return promise;
  }
}

interface Call {
  readonly service: string;
  readonly cluster: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** Without an answer for so long the call has failed; 0 waits for ever. */
  readonly timeoutMs: number;
}

interface Answer {
  readonly status: number;
  readonly text: string;
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
