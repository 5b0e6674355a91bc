import { lookup } from 'node:dns/promises';
import type { ClientRequestArgs } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { sleep } from '../lib/sleep.ts';
import { extensionNames } from '../model/names.ts';
import type { Identity } from './names.ts';

export interface ExtensionAgentOptions {
  readonly identity: Identity;
  /** An additional address to try. */
  readonly address?: string | undefined;
  /** All addresses of a name. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  readonly timeoutMs?: number;
}

/** An alias can have any number of addresses. */
const MOST_ADDRESSES = 16;
const TIMEOUT_MS = 5000;
/** How long only task addresses are tried. With a virtual address, Swarm's load balancer hides the client's address. */
const HEAD_START_MS = 250;

/**
 * Connects to an extension by the name of its service. A network alias of another service can take over any name, so all names and addresses
 * are tried, those of tasks first, and the first that authenticates as the extension is used.
 */
export class ExtensionAgent extends Agent {
  readonly #options: ExtensionAgentOptions;

  constructor(options: ExtensionAgentOptions) {
    super({ ...options.identity, keepAlive: true, minVersion: 'TLSv1.3' } satisfies AgentOptions);
    this.#options = options;
  }

  override createConnection(
    options: ClientRequestArgs,
    callback: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    this.#connect(options).then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error, undefined as never),
    );
  }

  async #connect({ host, ...options }: ClientRequestArgs): Promise<TLSSocket> {
    const { address, resolve = lookupAll, timeoutMs = TIMEOUT_MS } = this.#options;
    const service = host ?? '';
    const names = isIP(service) ? [service] : [...(address === undefined ? [] : [address]), ...extensionNames(service)];
    const attempts = new Map<string, TLSSocket>();
    const patience = AbortSignal.timeout(timeoutMs);
    let winner: TLSSocket | undefined;
    const tryName = async (name: string) => {
      const addresses = isIP(name) ? [name] : await resolve(name);
      const untried = winner || patience.aborted ? [] : addresses.filter((each) => !attempts.has(each));
      const sockets = untried.slice(0, MOST_ADDRESSES).map((each) => {
        const socket = connect({ ...(options as ConnectionOptions), host: each });
        attempts.set(each, socket);
        return socket;
      });
      const socket = await Promise.any(sockets.map(authenticated));
      winner ??= socket;
      return winner;
    };
    const direct = Promise.any(names.filter(isOfTasks).map(tryName));
    const later = async () => {
      await Promise.race([direct.catch(() => undefined), sleep(HEAD_START_MS, patience)]);
      return Promise.any(names.filter((name) => !isOfTasks(name)).map(tryName));
    };
    try {
      return await Promise.race([Promise.any([direct, later()]), timedOut(patience)]);
    } catch (error) {
      throw causeOf(error) ?? new Error(`${service} has no address`);
    } finally {
      for (const socket of attempts.values()) if (socket !== winner) socket.destroy();
    }
  }
}

function isOfTasks(name: string): boolean {
  return name.startsWith('tasks.');
}

async function lookupAll(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true, family: 4 })).map(({ address }) => address);
}

/** Resolves once the server is authenticated. */
function authenticated(socket: TLSSocket): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  socket.once('secureConnect', () => {
    socket.off('error', reject);
    socket.on('error', () => undefined);
    resolve(socket);
  });
  socket.on('error', reject);
  socket.once('close', () => reject(new Error('connection closed')));
  return promise;
}

function timedOut(patience: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  patience.addEventListener('abort', () => reject(new Error('connection timed out')), { once: true });
  return promise;
}

/** A rejected identity is a better error than an unknown name. */
function causeOf(error: unknown): Error | undefined {
  if (!(error instanceof AggregateError)) return error as Error;
  const causes = error.errors.map(causeOf).filter((cause) => cause !== undefined);
  const isLookup = (cause: Error) => 'syscall' in cause && cause.syscall === 'getaddrinfo';
  return causes.find((cause) => !isLookup(cause)) ?? causes.at(-1);
}
