/** Requests that a proxy has answered, as its agent reports them. */

export const STATUS_CLASSES = ['other', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;
export const TLS_KINDS = ['none', 'TLSv1.2', 'TLSv1.3', 'other'] as const;

/** Interval of the reports, and the smallest step of the history. */
export const STEP_SECONDS = 5;
/** More rows are reported by host only, then together. */
export const MOST_ROWS = 4000;
/** The newest ones are reported. */
export const MOST_ERRORS = 100;
/** Host of requests that are counted together. */
export const OTHER_HOSTS = '(other)';

/** In place of a host: connections to a TCP port, or sessions of a UDP port. No host contains a slash. */
export function isStreamPort(host: string): boolean {
  return /^(?:tcp|udp)\/\d+$/.test(host);
}

/** Requests to one host, route and task since the last report. */
export interface TrafficRow {
  /** The name as in nginx's configuration. */
  readonly host: string;
  /** The route's path; `/` for the root. */
  readonly path: string;
  /** Address and port of the task that responded last; empty if nginx answered. */
  readonly address: string;
  /** By the position in `STATUS_CLASSES`. */
  readonly classes: readonly number[];
  /** By the position in `TLS_KINDS`. */
  readonly tls: readonly number[];
  /** Bytes to and from clients. */
  readonly sent: number;
  readonly received: number;
  /** Positions of time buckets, each followed by its count. Only of requests that a task has answered. */
  readonly times: readonly number[];
}

/** A request that was answered with 5xx. */
export interface RequestError {
  /** Milliseconds since the epoch, by the proxy's clock. */
  readonly at: number;
  readonly host: string;
  readonly route: string;
  /** Method and path, without the query. */
  readonly request: string;
  readonly status: number;
  readonly id: string;
  /** As nginx's variables: the attempts are separated by commas and colons. */
  readonly address: string;
  readonly upstreamStatus: string;
  readonly connectTime: string;
  readonly headerTime: string;
}

export interface OpenConnections {
  readonly reading: number;
  readonly writing: number;
  readonly waiting: number;
}

/** What an agent reports every few seconds. */
export interface TrafficReport {
  /** Increases with each report of the agent; a repeated report has the number of the first attempt. */
  readonly number: number;
  readonly rows: readonly TrafficRow[];
  readonly errors: readonly RequestError[];
  /** Null if nginx does not respond. */
  readonly connections: OpenConnections | null;
  /** Requests that were not counted. */
  readonly lost: number;
}
