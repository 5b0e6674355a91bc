import { LONG_NAME } from '../../model/host.ts';

/** Includes hosts that are no longer routed, until the agent ends. Requests for further hosts are counted together. */
const MOST_HOSTS = 20_000;
const LONGEST_HOST = 300;
export const OTHER_HOSTS = '(other)';
export const CLASSES = ['other', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/** Upper bounds in seconds; nginx measures in milliseconds. */
export const UPSTREAM_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** The log format of the counted lines, in nginx's syntax. The name comes from the configuration, never from the client's request. */
export const REQUEST_FORMAT = '$server_name $status $upstream_header_time';

/** Counts nginx's responses from the lines of its log. */
export class RequestCounts {
  readonly #hosts = new Map<string, number[]>();
  /** By bucket; the last one counts times above all bounds. */
  readonly upstream = { buckets: new Array<number>(UPSTREAM_BUCKETS.length + 1).fill(0), sum: 0 };
  /** Lines that were not counted: too many were waiting, or their format is wrong. */
  lost = 0;

  /** Requests by host and class, without zero counts. */
  *requests(): Generator<{ readonly host: string; readonly class: string; readonly count: number }> {
    for (const [host, counts] of this.#hosts)
      for (const [position, count] of counts.entries()) if (count > 0) yield { host, class: CLASSES[position]!, count };
  }

  /** Takes complete lines. */
  take(text: string): void {
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf('\n', start);
      this.#count(text, start, end);
      start = end + 1;
    }
  }

  /** Avoids regular expressions and substrings: this runs for each request. */
  #count(text: string, start: number, end: number): void {
    const nameEnd = text.indexOf(' ', start);
    const isOurs = nameEnd >= start && nameEnd + 5 <= end && text[nameEnd + 4] === ' ';
    if (!isOurs) {
      this.lost += 1;
      return;
    }
    const counts = this.#countsOf(text.slice(start, nameEnd));
    const hundreds = text.charCodeAt(nameEnd + 1) - ZERO;
    counts[hundreds >= 1 && hundreds <= 5 ? hundreds : 0]! += 1;
    const times = text.slice(nameEnd + 5, end);
    const isFailure = text.startsWith('502', nameEnd + 1) || text.startsWith('504', nameEnd + 1);
    // If no service responded, the last time is that of nginx's own page.
    if (!isFailure || !times.includes(' : ')) this.#observe(times);
  }

  #countsOf(name: string): number[] {
    const known = this.#hosts.get(name);
    if (known) return known;
    const isTooMuch = this.#hosts.size >= MOST_HOSTS || name.length > LONGEST_HOST;
    if (isTooMuch && name !== OTHER_HOSTS) return this.#countsOf(OTHER_HOSTS);
    const counts = CLASSES.map(() => 0);
    this.#hosts.set(copyOf(name), counts);
    return counts;
  }

  /** `0.012`; empty if no service was requested; `-, 0.002 : 0.010` if several were requested and some did not respond. */
  #observe(times: string): void {
    const seconds = times.includes(' ') ? sumOf(times) : Number.parseFloat(times);
    if (!Number.isFinite(seconds)) return;
    const bucket = UPSTREAM_BUCKETS.findIndex((bound) => seconds <= bound);
    this.upstream.buckets[bucket === -1 ? UPSTREAM_BUCKETS.length : bucket]! += 1;
    this.upstream.sum += seconds;
  }
}

const ZERO = '0'.charCodeAt(0);

/** A substring keeps its entire source string in memory: here 64 KB for each host. */
function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
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
