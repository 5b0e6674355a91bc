import { detached } from '../../lib/detached.ts';
import { LONG_NAME } from '../../model/hosts/host.ts';
import { STATUS_SERVER } from '../../model/proxy-places.ts';
import { bucketOf, TIME_BOUNDS, TIME_BUCKETS } from '../../model/time-buckets.ts';
import { isStreamPort, OTHER_HOSTS, STATUS_CLASSES, TLS_KINDS, type TrafficRow } from '../../model/traffic.ts';
import { type Cell, TrafficRows } from './traffic-rows.ts';

/** Includes hosts that are no longer routed, until the agent ends. Requests for further hosts are counted together. */
const MOST_HOSTS = 20_000;
const LONGEST_HOST = 300;
/** Of hosts, routes, tasks, statuses and TLS versions together. Further ones are counted by status only. */
const MOST_CELLS = 30_000;
/** A cell is forgotten after so many sums without a request. */
const IDLE_SUMS = 60;

/** Upper bounds in seconds; nginx measures in milliseconds. All are bounds of time buckets. */
export const UPSTREAM_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/**
 * The log format of the counted lines, in nginx's syntax: three numbers, and what they are counted by. Names come from the configuration, never from
 * the client's request.
 */
export const REQUEST_FORMAT = String.raw`$request_length $bytes_sent $upstream_header_time\t$status\t$ssl_protocol\t$server_name\t$route_path\t$upstream_addr`;

/** The same of TCP and UDP: the port is in place of the host, the service in place of the path. */
export const CONNECTION_FORMAT = String.raw`$bytes_received $bytes_sent \t$status\t$ssl_protocol\t$stream_port\t$stream_service\t$upstream_addr`;

interface CountedCell extends Cell {
  /** nginx may have answered with its own page. */
  readonly isFailure: boolean;
  /** By time bucket; undefined as long as no task has answered. */
  times: Uint32Array | undefined;
  seconds: number;
  idle: number;
}

interface PortBytes {
  readonly received: number;
  readonly sent: number;
}

interface Count {
  readonly host: string;
  readonly class: string;
  readonly count: number;
}

/** Counts nginx's responses from the lines of its log. */
export class RequestCounts {
  readonly #cells = new Map<string, CountedCell>();
  readonly #hosts = new Map<string, number[]>();
  readonly #rows = new TrafficRows();
  /** Bytes of TCP and UDP, by port. */
  readonly #ports = new Map<string, PortBytes>();
  /** By bucket; the last one counts times above all bounds. */
  readonly #upstream = { buckets: new Array<number>(UPSTREAM_BUCKETS.length + 1).fill(0), sum: 0 };
  /** Lines that were not counted: too many were waiting, or their format is wrong. */
  lost = 0;

  /** Requests by host and class, without zero counts. */
  *requests(): Generator<Count> {
    for (const count of this.#counts()) if (!isStreamPort(count.host)) yield count;
  }

  /** The same of ended TCP connections and UDP sessions; the host is the port. */
  *connections(): Generator<Count> {
    for (const count of this.#counts()) if (isStreamPort(count.host)) yield count;
  }

  get portBytes(): ReadonlyMap<string, PortBytes> {
    this.sum();
    return this.#ports;
  }

  *#counts(): Generator<Count> {
    this.sum();
    for (const [host, counts] of this.#hosts)
      for (const [position, count] of counts.entries())
        if (count > 0) yield { host, class: STATUS_CLASSES[position]!, count };
  }

  get upstream(): { readonly buckets: readonly number[]; readonly sum: number } {
    this.sum();
    return this.#upstream;
  }

  /** The rows of everything since the last call. */
  takeRows(): TrafficRow[] {
    this.sum();
    return this.#rows.take();
  }

  /** Takes complete lines. */
  take(text: string): void {
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf('\n', start);
      this.#count(text, start, end);
      start = end + 1;
    }
  }

  /** This runs for each request, interpreted: one look-up finds what the numbers are added to. */
  #count(text: string, start: number, end: number): void {
    const tab = text.indexOf('\t', start);
    const cell = tab === -1 || tab > end ? undefined : this.#cellOf(text.slice(tab + 1, end));
    if (cell === undefined) {
      this.lost += 1;
      return;
    }
    const first = text.indexOf(' ', start);
    const second = text.indexOf(' ', first + 1);
    cell.count += 1;
    cell.received += +text.slice(start, first);
    cell.sent += +text.slice(first + 1, second);
    if (second + 1 < tab) this.#observe(cell, text.slice(second + 1, tab));
  }

  #cellOf(key: string): CountedCell | undefined {
    return this.#cells.get(key) ?? this.#newCell(key);
  }

  #newCell(key: string): CountedCell | undefined {
    const [status = '', tls = '', host = '', path = '', addresses, ...others] = detached(key).split('\t');
    if (addresses === undefined || others.length > 0 || !/^\d{3}$/.test(status)) return undefined;
    if (this.#cells.size >= MOST_CELLS && host !== OTHER_HOSTS)
      return this.#cellOf(`${status}\t${tls}\t${OTHER_HOSTS}\t\t`);
    const hundreds = Number(status[0]);
    const kind = TLS_KINDS.indexOf((tls === '' ? 'none' : tls) as 'none');
    const cell = {
      host: host.length > LONGEST_HOST ? OTHER_HOSTS : host,
      path,
      address: answering(addresses),
      class: hundreds >= 1 && hundreds <= 5 ? hundreds : 0,
      isFailure: status === '502' || status === '504',
      tls: kind === -1 ? TLS_KINDS.indexOf('other') : kind,
      ...{ count: 0, sent: 0, received: 0, seconds: 0, idle: 0, times: undefined },
    };
    // The source string would be 64 KB.
    this.#cells.set(detached(key), cell);
    return cell;
  }

  /**
   * `0.012`; empty if no service was requested; `-, 0.002 : 0.010` if several were requested and some did not respond. If no service responded at
   * all, the last time is that of nginx's own page.
   */
  #observe(cell: CountedCell, times: string): void {
    const isPlain = times.length < 8 && !times.includes(' ');
    if (!isPlain && cell.isFailure && times.includes(' : ')) return;
    const seconds = isPlain ? +times : sumOf(times);
    // `-` is no number.
    if (!(seconds >= 0)) return;
    cell.times ??= new Uint32Array(TIME_BUCKETS);
    cell.times[bucketOf(Math.round(seconds * 1000))]! += 1;
    cell.seconds += seconds;
  }

  /** Adds up what was counted since the last call. */
  sum(): void {
    for (const [key, cell] of this.#cells) {
      if (cell.count > 0) this.#add(cell);
      else if (++cell.idle > IDLE_SUMS) this.#cells.delete(key);
    }
  }

  #add(cell: CountedCell): void {
    const times = pairsOf(cell.times);
    this.#rows.add(cell, times);
    this.#countsOf(cell.host)[cell.class]! += cell.count;
    if (isStreamPort(cell.host)) this.#addBytes(cell);
    this.#upstream.sum += cell.seconds;
    for (let at = 0; at < times.length; at += 2) this.#upstream.buckets[COARSE[times[at]!]!]! += times[at + 1]!;
    Object.assign(cell, { count: 0, sent: 0, received: 0, seconds: 0, idle: 0 });
    cell.times?.fill(0);
  }

  #addBytes({ host, received, sent }: Cell): void {
    const sum = this.#ports.get(host) ?? { received: 0, sent: 0 };
    this.#ports.set(host, { received: sum.received + received, sent: sum.sent + sent });
  }

  #countsOf(name: string): number[] {
    const known = this.#hosts.get(name);
    if (known) return known;
    if (this.#hosts.size >= MOST_HOSTS && name !== OTHER_HOSTS) return this.#countsOf(OTHER_HOSTS);
    const counts = STATUS_CLASSES.map(() => 0);
    this.#hosts.set(name, counts);
    return counts;
  }
}

/** Positions of buckets, each followed by its count. */
function pairsOf(counts: Uint32Array | undefined): number[] {
  const pairs: number[] = [];
  if (counts === undefined) return pairs;
  for (let bucket = 0; bucket < TIME_BUCKETS; bucket += 1) if (counts[bucket]! > 0) pairs.push(bucket, counts[bucket]!);
  return pairs;
}

/** The Prometheus bucket of each time bucket. */
const COARSE = Array.from({ length: TIME_BUCKETS }, (_, bucket) => {
  const seconds = (TIME_BOUNDS[bucket] ?? Number.POSITIVE_INFINITY) / 1000;
  const found = UPSTREAM_BUCKETS.findIndex((bound) => seconds <= bound);
  return found === -1 ? UPSTREAM_BUCKETS.length : found;
});

/** The last address of `10.0.0.3:80, 10.0.0.4:80 : 10.0.0.5:80`, except nginx's own. Without tasks, nginx writes the upstream's name. */
function answering(addresses: string): string {
  const tried = addresses.split(/[,:] /).map((address) => address.trim());
  const address = tried.findLast((one) => one !== STATUS_SERVER) ?? '';
  return /^(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:.]+\]):\d+$/.test(address) ? address : '';
}

function sumOf(times: string): number {
  const answered = times.split(/[,:]/).map(Number.parseFloat).filter(Number.isFinite);
  return answered.length === 0 ? Number.NaN : answered.reduce((sum, time) => sum + time);
}

/** The host as labels write it; `*` for the default server and for names that are too long. */
export function shownHost(serverName: string): string {
  if (serverName === '_' || serverName === LONG_NAME) return '*';
  return serverName.replace(/^~\^(.*)\$$/, '~$1');
}
