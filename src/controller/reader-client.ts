import { readerPort } from '../model/names.ts';
import type { ReadSecret } from '../model/secrets/encrypted-secrets.ts';
import { send } from '../protocol/call.ts';
import { ExtensionAgent } from '../protocol/extension-agent.ts';
import { type Identity, readerName } from '../protocol/names.ts';
import { SecretsResponse } from '../protocol/secret-messages.ts';
import type { SecretReader } from './ports.ts';

const TIMEOUT_MS = 5000;
/** Many secrets with long chains. Each has at most 500 KiB. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Asks the job that reads secrets; see `secret-reader`. */
export class ReaderClient implements SecretReader {
  readonly #identity: () => Identity;
  readonly #port: number;

  constructor(identity: () => Identity, port = readerPort) {
    this.#identity = identity;
    this.#port = port;
  }

  async read(address: string, cluster: string, signal: AbortSignal): Promise<readonly ReadSecret[] | undefined> {
    const agent = new ExtensionAgent({ identity: this.#identity() });
    const call = { host: address, port: this.#port, agent, servername: readerName(cluster), maxBytes: MAX_BYTES };
    try {
      const get = { method: 'GET', path: '/secrets', body: '', timeoutMs: TIMEOUT_MS };
      const { status, text } = await send({ ...call, ...get }, signal);
      return status === 200 ? SecretsResponse.parse(JSON.parse(text)).secrets : undefined;
    } catch {
      // The job is still starting, or has ended. The next pass asks again.
      return undefined;
    } finally {
      agent.destroy();
    }
  }
}
