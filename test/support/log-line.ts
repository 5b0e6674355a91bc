export interface LoggedRequest {
  readonly path?: string;
  /** As nginx's `$upstream_addr`. */
  readonly address?: string;
  readonly tls?: string;
  /** As nginx's `$upstream_header_time`. */
  readonly time?: string;
  readonly sent?: number;
  readonly received?: number;
}

/** A line of the log that the agent counts, without its end; see REQUEST_FORMAT. */
export function logLine(host: string, status: number | string, request: LoggedRequest = {}): string {
  const { path = '/', address = '', tls = '', time = '', sent = 500, received = 100 } = request;
  return [`${received} ${sent} ${time}`, status, tls, host, path, address].join('\t');
}
