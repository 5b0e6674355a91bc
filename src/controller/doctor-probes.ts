import { access, readFile, statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import { Limiter } from '../lib/limiter.ts';
import type { ManagerFacts, PortFact } from '../model/doctor/facts.ts';

/** Observations that the Docker API does not make, with what a container without privileges sees. */

const PROBE_MS = 2000;
/** At the same time: a swarm has up to hundreds of nodes. */
const MOST_PROBES = 32;

export interface PortTarget {
  readonly node: string;
  readonly address: string;
  readonly port: number;
}

/** Opens and closes a TCP connection to each. Only called with addresses of nodes that Swarm knows. */
export async function probePorts(targets: readonly PortTarget[]): Promise<ReadonlyMap<string, readonly PortFact[]>> {
  const probes = new Limiter(MOST_PROBES, targets.length);
  const found = await Promise.all(
    targets.map((target) => probes.run(async () => ({ ...target, answer: await probe(target) }))!),
  );
  const byNode = Map.groupBy(found, ({ node }) => node);
  return new Map([...byNode].map(([node, own]) => [node, own.map(({ port, answer }) => ({ port, answer }))]));
}

function probe({ address, port }: PortTarget): Promise<PortFact['answer']> {
  const { promise, resolve } = Promise.withResolvers<PortFact['answer']>();
  const socket = connect({ host: address, port, timeout: PROBE_MS });
  socket.once('connect', () => resolve('open'));
  socket.once('timeout', () => resolve('silent'));
  socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED' ? 'refused' : 'silent'));
  return promise.finally(() => socket.destroy());
}

/** The kernel and the disk are those of the node: a container's root is on the disk with Docker's files. */
export async function probeManager(): Promise<ManagerFacts> {
  const [disk, modules, isBuiltIn, rmem] = await Promise.all([
    statfs('/').catch(() => undefined),
    readFile('/proc/modules', 'utf8').catch(() => undefined),
    // A kernel with IPVS shows it in every network namespace.
    access('/proc/net/ip_vs').then(
      () => true,
      () => false,
    ),
    readFile('/proc/sys/net/core/rmem_default', 'utf8').catch(() => undefined),
  ]);
  return {
    disk: disk && { freeBytes: disk.bavail * disk.bsize, totalBytes: disk.blocks * disk.bsize },
    hasIpvs: modules === undefined ? undefined : /^ip_vs /m.test(modules) || isBuiltIn,
    rmemDefault: rmem === undefined ? undefined : Number.parseInt(rmem, 10),
  };
}
