import { Agent, request } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { NodeName } from '../../bed/bed-shape.ts';
import { eventually } from './eventually.ts';
import { bed } from './interlock.ts';

interface LoadOptions {
  readonly host: string;
  readonly nodes?: readonly NodeName[];
  readonly port?: number;
  /** By host name. Certificates are verified only with `ca`. */
  readonly tls?: boolean;
  /** Trusted root, in PEM. */
  readonly ca?: string;
  /** Whether each client keeps its connection. Otherwise every request has its own. */
  readonly keepAlive?: boolean;
  /** Concurrent clients. */
  readonly clients?: number;
  /** Limited, so that clients, swarm and applications fit on two cores. */
  readonly requestsPerSecond?: number;
}

export interface LoadReport {
  readonly total: number;
  readonly failed: number;
  /** Number of failed requests by kind, such as `POST ECONNRESET` or `GET 502`. */
  readonly failures: Readonly<Record<string, number>>;
  readonly slowestMs: number;
}

const payload = 'payload '.repeat(128);
const timeoutMs = 10_000;

/** Busy clients of a host: alternating GET /ping and POST /echo. Nothing is retried. */
export class Load implements AsyncDisposable {
  readonly #options: Required<Omit<LoadOptions, 'ca'>> & Pick<LoadOptions, 'ca'>;
  readonly #stopping = new AbortController();
  readonly #clients: Promise<unknown>;
  readonly #failures = new Map<string, number>();
  #total = 0;
  #slowestMs = 0;
  #lastFailureAt = 0;

  constructor(options: LoadOptions) {
    this.#options = {
      nodes: ['worker1', 'worker2'],
      port: options.tls ? 8443 : 8080,
      tls: false,
      keepAlive: true,
      clients: 8,
      requestsPerSecond: 120,
      ...options,
    };
    this.#clients = Promise.all(Array.from({ length: this.#options.clients }, (_, index) => this.#work(index)));
  }

  get report(): LoadReport {
    const failures = Object.fromEntries(this.#failures);
    const failed = [...this.#failures.values()].reduce((sum, count) => sum + count, 0);
    return { total: this.#total, failed, failures, slowestMs: Math.round(this.#slowestMs) };
  }

  /** Waits until no request fails any more, and none is in flight that began before this call. */
  async recovered(): Promise<void> {
    const begun = performance.now();
    const patience = timeoutMs + 1000;
    await eventually(() => expect(performance.now() - Math.max(begun, this.#lastFailureAt)).toBeGreaterThan(patience), {
      timeoutMs: 10 * patience,
    });
  }

  /** Waits for the answers to requests in flight. */
  async stop(): Promise<LoadReport> {
    this.#stopping.abort();
    await this.#clients;
    const { total, failed, slowestMs } = this.report;
    console.log(`${this.#options.host}: ${total} requests, ${failed} failed, slowest ${slowestMs} ms`);
    return this.report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#clients;
  }

  async #work(index: number): Promise<void> {
    const { nodes, port, clients, keepAlive, requestsPerSecond } = this.#options;
    const kept = { keepAlive, maxSockets: 1 };
    const agent = this.#options.tls ? new TlsAgent(kept) : new Agent(kept);
    const address = bed.node(nodes[index % nodes.length]!).address(port);
    const intervalMs = (1000 * clients) / requestsPerSecond;
    let due = performance.now() + (intervalMs * index) / clients;
    for (let n = index; !this.#stopping.signal.aborted; n++) {
      await sleep(Math.max(0, due - performance.now()));
      // A slow client does not catch up: the rate is a limit, not an average.
      due = Math.max(due, performance.now() - intervalMs) + intervalMs;
      await this.#count(n % 2 === 0 ? 'GET' : 'POST', address, agent);
    }
    agent.destroy();
  }

  async #count(method: 'GET' | 'POST', address: { host: string; port: number }, agent: Agent): Promise<void> {
    const start = performance.now();
    const outcome = await this.#ask(method, address, agent);
    this.#total += 1;
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - start);
    if (outcome === undefined) return;
    this.#lastFailureAt = performance.now();
    const kind = `${method} ${outcome}`;
    this.#failures.set(kind, (this.#failures.get(kind) ?? 0) + 1);
  }

  /** Resolves with the failures. */
  #ask(method: 'GET' | 'POST', address: { host: string; port: number }, agent: Agent): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const path = method === 'GET' ? '/ping' : '/echo';
    const signal = AbortSignal.timeout(timeoutMs);
    const { host, tls, ca } = this.#options;
    const trust = ca === undefined ? { rejectUnauthorized: false } : { ca };
    const options = { ...address, method, path, agent, headers: { host }, signal };
    const outgoing = tls ? requestTls({ ...options, servername: host, ...trust }) : request(options);
    const fail = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name);
    outgoing.on('error', fail);
    outgoing.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('error', fail);
      response.on('end', () => resolve(judge(method, response.statusCode, body)));
    });
    outgoing.end(method === 'POST' ? payload : undefined);
    return promise;
  }
}

function judge(method: 'GET' | 'POST', status: number | undefined, body: string): string | undefined {
  if (status !== 200) return String(status);
  // The complete request body has reached the application.
  if (method === 'POST' && JSON.parse(body).length !== payload.length) return 'cut short';
  return undefined;
}
