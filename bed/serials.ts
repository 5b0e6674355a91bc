import { z } from 'zod';
import type { Bed } from './bed.ts';

/** Runs in a proxy: connects to nginx again and again, and prints when each host had which certificate first. */
const PROGRAM = `
const tls = require('node:tls');
const { hosts, count, untilMs } = JSON.parse(process.argv[1]);
const end = Date.now() + untilMs;
const seen = [];
const present = (host) => new Promise((resolve) => {
  const socket = tls.connect({ host: '127.0.0.1', port: 443, servername: host, rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().serialNumber);
    socket.destroy();
  });
  socket.on('error', () => resolve());
  socket.setTimeout(5000, () => socket.destroy(new Error('timed out')));
});
const watch = async (host) => {
  const serials = new Set();
  while (serials.size < count && Date.now() < end) {
    const serial = await present(host);
    if (serial && !serials.has(serial)) {
      serials.add(serial);
      seen.push({ host, serial: serial.toLowerCase().replace(/^0+(?=.)/, ''), at: Date.now() });
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
Promise.all(hosts.map(watch)).then(() => console.log(JSON.stringify(seen)));
`;

const Seen = z.array(z.object({ host: z.string(), serial: z.string(), at: z.number() }));
export type Seen = z.infer<typeof Seen>;

interface WatchOptions {
  readonly hosts: readonly string[];
  /** Number of different certificates of each host to wait for. */
  readonly count: number;
  readonly untilMs: number;
}

/** Which certificates each proxy presents, and since when. Asked inside the proxies, as ingress ports lead to any of them. */
export async function watchSerials(bed: Bed, options: WatchOptions): Promise<Seen[]> {
  const outputs = await bed.execAll('signalbox-proxy', 'node', '-e', PROGRAM, JSON.stringify(options));
  return outputs.map((output) => Seen.parse(JSON.parse(output)));
}

export interface TimeToLive {
  readonly host: string;
  /** Proxies that present the host's newest certificate. */
  readonly proxies: number;
  /** From the creation of its secret until the last of them presented it. */
  readonly ms: number;
}

/** How long the newest certificate of each host took to be live. */
export async function timesToLive(bed: Bed, seen: readonly Seen[]): Promise<TimeToLive[]> {
  const secrets = (await bed.manager.docker.listSecrets()) as unknown as Secret[];
  const created = new Map(
    secrets.map(({ CreatedAt, Spec }) => [Spec.Labels?.['com.signalbox.acme.serial'], Date.parse(CreatedAt)]),
  );
  const byHost = Map.groupBy(seen.flat(), ({ host }) => host);
  return [...byHost]
    .map(([host, all]) => {
      const newest = Math.max(...all.map(({ serial }) => created.get(serial) ?? 0));
      const times = all.flatMap(({ serial, at }) => (created.get(serial) === newest ? [at] : []));
      return { host, proxies: times.length, ms: Math.max(...times) - newest };
    })
    .toSorted((a, b) => (a.host < b.host ? -1 : 1));
}

interface Secret {
  readonly CreatedAt: string;
  readonly Spec: { readonly Labels?: Readonly<Record<string, string>> };
}
