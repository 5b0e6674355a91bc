import { MOST_ROWS, OTHER_HOSTS, STATUS_CLASSES, TLS_KINDS, type TrafficRow } from '../../model/traffic.ts';

/** Requests with the same host, route, task, status and TLS version. */
export interface Cell {
  readonly host: string;
  readonly path: string;
  readonly address: string;
  /** Positions in `STATUS_CLASSES` and `TLS_KINDS`. */
  readonly class: number;
  readonly tls: number;
  count: number;
  sent: number;
  received: number;
}

interface Sum {
  readonly host: string;
  readonly path: string;
  readonly address: string;
  readonly classes: number[];
  readonly tls: number[];
  /** Counts by time bucket. */
  readonly times: Map<number, number>;
  sent: number;
  received: number;
}

/** Sums of cells by host, route and task, until they are reported. */
export class TrafficRows {
  #sums = new Map<string, Sum>();

  /** `times` are positions of time buckets, each followed by its count. */
  add(cell: Cell, times: readonly number[]): void {
    const sum = this.#sumOf(cell);
    sum.classes[cell.class]! += cell.count;
    sum.tls[cell.tls]! += cell.count;
    sum.sent += cell.sent;
    sum.received += cell.received;
    for (let at = 0; at < times.length; at += 2)
      sum.times.set(times[at]!, (sum.times.get(times[at]!) ?? 0) + times[at + 1]!);
  }

  #sumOf({ host, path, address }: Cell): Sum {
    const known = this.#sums.get(nameOf(host, path, address));
    if (known) return known;
    const left = MOST_ROWS - this.#sums.size;
    if (left > MOST_ROWS / 4) return this.#open(host, path, address);
    // Only hosts are distinguished, so that many tasks of some hosts do not hide others.
    const ofHost = this.#sums.get(nameOf(host, '', ''));
    return ofHost ?? (left > 1 ? this.#open(host, '', '') : this.#open(OTHER_HOSTS, '', ''));
  }

  #open(host: string, path: string, address: string): Sum {
    const name = nameOf(host, path, address);
    const known = this.#sums.get(name);
    if (known) return known;
    const sum = {
      ...{ host, path, address, sent: 0, received: 0, times: new Map<number, number>() },
      classes: STATUS_CLASSES.map(() => 0),
      tls: TLS_KINDS.map(() => 0),
    };
    this.#sums.set(name, sum);
    return sum;
  }

  /** Everything since the last call. */
  take(): TrafficRow[] {
    const rows = [...this.#sums.values()].map((sum) => ({ ...sum, times: [...sum.times].flat() }));
    this.#sums = new Map();
    return rows;
  }
}

function nameOf(host: string, path: string, address: string): string {
  return `${host}\t${path}\t${address}`;
}
