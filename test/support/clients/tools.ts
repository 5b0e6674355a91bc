// Third-party tools in their own containers: their results do not depend on our clients.

import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import type { NodeName } from '../../../bed/bed-shape.ts';
import { findEngine } from '../../../bed/engine.ts';
import { ownerFlags } from '../../../bed/owner.ts';
import { run } from '../../../bed/shell.ts';
import { bed } from '../interlock.ts';

const { cli } = (await findEngine())!;

/**
 * Runs a command in the network of this machine, where the nodes' published ports are. The host's name resolves there.
 */
function runTool(host: string, command: readonly string[], name = nameOfTool()): Promise<string> {
  const flags = [...ownerFlags(), '--rm', '--name', name, '--network', 'host', '--add-host', `${host}:127.0.0.1`];
  return run(cli, ['run', ...flags, inject('clients'), ...command]);
}

const nameOfTool = () => `${bed.name}-client-${randomUUID()}`;
const portOf = (node: NodeName) => bed.node(node).address(8443).port;

export interface TlsFindings {
  /** Such as `TLSv1.2`. */
  readonly protocols: readonly string[];
  readonly ciphers: readonly { readonly name: string; readonly protocol: string; readonly strength: string }[];
  readonly compresses: boolean;
  /** Whether clients may request it. An insecure one is reported as this, too. */
  readonly renegotiates: boolean;
  readonly heartbleeds: boolean;
  readonly subject: string;
}

/** What sslscan finds for a host on a node. */
export async function scanTls(host: string, node: NodeName): Promise<TlsFindings> {
  const xml = await runTool(host, ['sslscan', '--xml=-', `--sni-name=${host}`, `127.0.0.1:${portOf(node)}`]);
  const elements = (name: string) => [...xml.matchAll(new RegExp(`<${name} ([^>]*)/>`, 'g'))].map(([, text]) => text!);
  const attribute = (text: string, name: string) => new RegExp(`(?:^| )${name}="([^"]*)"`).exec(text)?.[1] ?? '';
  const reports = (name: string, what: string) => {
    const values = elements(name).map((text) => attribute(text, what));
    if (values.length === 0) throw new Error(`sslscan reports nothing for ${name}: ${xml}`);
    return values.includes('1');
  };
  return {
    protocols: elements('protocol')
      .filter((text) => attribute(text, 'enabled') === '1')
      .map((text) => `${attribute(text, 'type').toUpperCase()}v${attribute(text, 'version')}`),
    ciphers: elements('cipher').map((text) => ({
      name: attribute(text, 'cipher'),
      protocol: attribute(text, 'sslversion'),
      strength: attribute(text, 'strength'),
    })),
    compresses: reports('compression', 'supported'),
    renegotiates: reports('renegotiation', 'supported'),
    heartbleeds: reports('heartbleed', 'vulnerable'),
    subject: /<subject><!\[CDATA\[(.*?)\]\]>/.exec(xml)?.[1] ?? '',
  };
}

export interface Tally {
  /** Requests. */
  readonly total: number;
  /** Number of requests without a 200 to 299 answer, by kind. */
  readonly failures: Readonly<Record<string, number>>;
}

interface Pace {
  readonly connections?: number;
  /** Pause of each connection after a response. */
  readonly delayMs?: number;
}

/** After this many requests wrk reports that it has sent them. */
const PROGRESS = 100;
/** Concurrent requests of h2load. */
const BURST = 20;

/** A tool that sends requests to a host over TLS until it is stopped. */
export class LoadTool implements AsyncDisposable {
  readonly #name = nameOfTool();
  readonly #output: Promise<string>;
  readonly #signal: string;
  readonly #read: (output: string) => Tally;

  private constructor(host: string, command: readonly string[], signal: string, read: (output: string) => Tally) {
    this.#output = runTool(host, command, this.#name);
    // The caller of `stop` gets the error.
    this.#output.catch(() => {});
    this.#signal = signal;
    this.#read = read;
  }

  /**
   * HTTP/2, in bursts with separate connections: h2load counts an orderly GOAWAY between two requests as an error,
   * while a client would open the next connection.
   */
  static h2load(host: string, node: NodeName): LoadTool {
    const burst = `timeout 30 h2load -n ${BURST} -c 2 -m 10 https://${host}:${portOf(node)}/ping`;
    const script = `trap 'ended=1' TERM; while [ -z "$ended" ]; do echo burst; ${burst} || echo gave up; sleep 0.4; done`;
    return new LoadTool(host, ['sh', '-c', script], 'TERM', readH2load);
  }

  /** HTTP/1.1, on keep-alive connections. */
  static wrk(host: string, node: NodeName, { connections = 2, delayMs = 50 }: Pace = {}): LoadTool {
    const lua = `local count = 0
function delay() return ${delayMs} end
function request()
  count = count + 1
  if count % ${PROGRESS} == 0 then io.stdout:write("progress\\n") io.stdout:flush() end
  return wrk.format()
end`;
    const wrk = `wrk -t 1 -c ${connections} -d 10m --timeout 10s -s /tmp/pace.lua https://${host}:${portOf(node)}/ping`;
    return new LoadTool(host, ['sh', '-c', `printf '%s' "$0" >/tmp/pace.lua; exec ${wrk}`, lua], 'INT', readWrk);
  }

  /** Requests of wrk until now, rounded down. */
  async requests(): Promise<number> {
    const output = await run(cli, ['logs', this.#name]);
    return PROGRESS * (output.match(/^progress$/gm) ?? []).length;
  }

  /** Waits until it has printed its counts. */
  async stop(): Promise<Tally> {
    await this.#send(this.#signal);
    return this.#read(await this.#output);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#send('KILL').catch(() => {});
  }

  async #send(signal: string): Promise<void> {
    await run(cli, ['kill', '--signal', signal, this.#name]);
  }
}

function readH2load(output: string): Tally {
  const sum = (pattern: RegExp) => [...output.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0);
  const total = BURST * [...output.matchAll(/^burst$/gm)].length;
  return {
    total,
    failures: present({
      failed: sum(/, (\d+) failed,/g),
      errored: sum(/, (\d+) errored,/g),
      timeout: sum(/, (\d+) timeout$/gm),
      // Requests with other statuses, and bursts without output.
      others: total - sum(/^status codes: (\d+) 2xx/gm),
    }),
  };
}

function readWrk(output: string): Tally {
  const count = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? 0);
  const kinds = ['connect', 'read', 'write', 'timeout'] as const;
  const errors = kinds.map((kind) => [kind, count(new RegExp(`^ +Socket errors: .*${kind} (\\d+)`, 'm'))] as const);
  const others = count(/^ +Non-2xx or 3xx responses: (\d+)/m);
  return {
    total: count(/^ +(\d+) requests in /m),
    failures: present({ ...Object.fromEntries(errors), status: others }),
  };
}

function present(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}
