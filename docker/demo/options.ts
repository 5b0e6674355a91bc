import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';

/** Distinguishes one task from another. */
export interface About {
  readonly instance: string;
  readonly version: string;
  readonly metadata: string | undefined;
}

export interface Tls {
  readonly cert: string;
  readonly key: string;
}

export interface Options {
  readonly about: About;
  readonly port: number;
  readonly h2cPort: number;
  /** Plain HTTP on the loopback interface whatever the flags say, so that the health check does not depend on them. */
  readonly healthPort: number;
  readonly tls: Tls | undefined;
  /**
   * How long to keep accepting connections after the stop signal. Proxies need some time to learn of it, and cannot
   * repeat a POST on a connection that closes at the same moment.
   */
  readonly stopDelayMs: number;
  /** How long running requests may take after that. Together less than the 10 s after which Swarm kills. */
  readonly stopGraceMs: number;
}

export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const flags = parseFlags(args);
  return {
    about: { instance: hostname(), version: env.VERSION || '0.1', metadata: env.METADATA || undefined },
    port: parseNumber('port', flags.port ?? env.PORT, 8080),
    h2cPort: parseNumber('H2C_PORT', env.H2C_PORT, 8081),
    healthPort: parseNumber('HEALTH_PORT', env.HEALTH_PORT, 8082),
    tls: readTls(flags['tls-cert'], flags['tls-key']),
    stopDelayMs: parseNumber('STOP_DELAY_MS', env.STOP_DELAY_MS, 2000),
    stopGraceMs: parseNumber('STOP_GRACE_MS', env.STOP_GRACE_MS, 6000),
  };
}

function parseFlags(args: readonly string[]) {
  // Go programs also accept long flags with one dash, and so do the examples that users copy.
  const normalized = args.map((arg) => arg.replace(/^-(?=[a-z]{2})/, '--'));
  const { values } = parseArgs({
    args: normalized,
    options: { port: { type: 'string' }, 'tls-cert': { type: 'string' }, 'tls-key': { type: 'string' } },
  });
  return values;
}

function parseNumber(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined || text === '') return fallback;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} must be a number, not '${text}'`);
  return Number(text);
}

function readTls(certFile: string | undefined, keyFile: string | undefined): Tls | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) throw new Error('--tls-cert and --tls-key go together');
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}
