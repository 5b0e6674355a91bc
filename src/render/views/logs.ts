import type { RenderInput } from '../../model/render-input.ts';
import type { RouteTable } from '../../model/route-table/table.ts';
import { clientAddress } from '../trusted.ts';
import { locationsOf } from './table.ts';

/**
 * Interlock's formats are complete directive bodies, with quotes and the final semicolon. They refer to the client by nginx's variable for the
 * connection's peer.
 */
export function logFormats(input: RenderInput) {
  const { MainLogFormat, TraceLogFormat } = input.nginx;
  return { MainLogFormat: formatBody(MainLogFormat, input), TraceLogFormat: formatBody(TraceLogFormat, input) };
}

function formatBody(format: string, input: RenderInput): string {
  return format
    .trim()
    .replace(/;$/, '')
    .replaceAll(/\$remote_addr\b/g, clientAddress(input));
}

/** Text from clients in JSON lines. Of the host, nginx accepts only ASCII. */
const LOGGED_TEXTS = [
  { source: '$request_uri', variable: '$log_uri' },
  { source: '$http_user_agent', variable: '$log_user_agent' },
  { source: '$http_referer', variable: '$log_referer' },
  { source: '$http_traceparent', variable: '$log_traceparent' },
];

export function toAccessLogView(input: RenderInput, table: RouteTable) {
  const { AccessLogFormat } = input.nginx;
  const isMain = ['', 'main'].includes(AccessLogFormat);
  const isJson = AccessLogFormat === 'json';
  return {
    format: isMain ? 'main' : 'access',
    isJson,
    texts: LOGGED_TEXTS,
    body: isMain || isJson ? undefined : formatBody(AccessLogFormat, input),
    namesService: namesService(input),
    isFiltered: locationsOf(table).some(({ options }) => (options.accessLog ?? 'all') !== 'all'),
  };
}

/** Whether the log contains the service that a request was for. */
export function namesService({ nginx }: RenderInput): boolean {
  return nginx.AccessLogFormat === 'json' || /\$(?:route_service\b|\{route_service\})/.test(nginx.AccessLogFormat);
}
