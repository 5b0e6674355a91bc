import { z } from 'zod';
import { digest } from '../../lib/digest.ts';
import { label, splitList } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import { withoutBody } from '../proxy-headers.ts';
import { type FoundService, foundServiceMessage, serviceAddress } from '../service-address.ts';
import { toUpstream } from '../upstream.ts';
import { feature } from './feature.ts';
import { repeatedBytes, spellings } from './request-headers.ts';

export interface ErrorPages extends FoundService {
  /** In order. */
  readonly statuses: readonly number[];
  /** Requests have more headers to repeat. */
  readonly acceptsUnderscores?: true | undefined;
}

/** nginx uses 494 to 499 itself, and no standard goes beyond 451. */
const CLASSES = { '4xx': numbers(400, 451), '5xx': numbers(500, 599) } as const;
/** Requests that no task has answered have these as well. nginx treats both alike. */
const ALWAYS = [502, 504];
const ALL: readonly number[] = [...CLASSES['4xx'], ...CLASSES['5xx']];

function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

function statusesOf(entry: string): readonly number[] {
  if (entry === '4xx' || entry === '5xx') return CLASSES[entry];
  return ALL.filter((status) => String(status) === entry);
}

/** `404, 500 to 599`. */
function shortened(statuses: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const status of statuses) {
    const run = runs.at(-1);
    if (run?.[1] === status - 1) run[1] = status;
    else runs.push([status, status]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`)).join(', ');
}

const common = { policy: 'optional' } as const;
const pagesLabel = label({
  ...common,
  name: 'error_pages',
  type: 'service, with `:<port>` unless it is 80',
  default: '',
  example: 'pages:8080',
  description:
    'Error pages come from this service: for a response of the application with a status of `error_page_statuses`, it receives `GET /<status>.html`, such as `/503.html`, over HTTP. Clients receive its response with the original status, and nothing of the response of the application. If it does not answer, they receive the built-in page for 502. The name is that of a service on the same network, with or without the prefix of the stack, or of one that publishes this port to everybody. It may be the service itself. See [policies](guides/policies.md#error-pages).',
  schema: serviceAddress,
});
const statusesLabel = label({
  ...common,
  name: 'error_page_statuses',
  type: 'list of statuses, separated by commas',
  default: '502, 503, 504',
  example: '404, 5xx',
  description:
    'Statuses for which `error_pages` applies: numbers from 400 to 451 and from 500 to 599, `4xx` for the former and `5xx` for the latter. 502 and 504 are always among them. Requires `error_pages`.',
  schema: z
    .string()
    .toLowerCase()
    .transform(splitList)
    .superRefine((entries, context) => {
      if (!entries.every((entry) => statusesOf(entry).length > 0))
        context.addIssue('contains something that is not a status such as 404 or 5xx');
    })
    .transform((entries) => entries.flatMap(statusesOf)),
});

/** Pages of another service for errors of the application. */
export const errorPages = feature({
  labels: { error_pages: pagesLabel, error_page_statuses: statusesLabel },
  read(reader, { isGrpc, cluster }): ErrorPages | undefined {
    const address = reader.read(pagesLabel);
    const statuses = reader.read(statusesLabel);
    if (statuses !== undefined && !reader.has('error_pages'))
      reader.note(
        statusesLabel,
        ineffectiveLabel('has no effect without error_pages', 'Set error_pages, or remove the label.'),
      );
    if (address === undefined) return undefined;
    if (isGrpc) {
      reader.note(pagesLabel, ineffectiveLabel('has no effect for gRPC', 'Remove the label.'));
      return undefined;
    }
    const all = [...new Set([...(statuses ?? [503]), ...ALWAYS])].toSorted((a, b) => a - b);
    return { ...address, peers: [], statuses: all, ...spellings(cluster) };
  },
  message: foundServiceMessage.extend({
    statuses: z.array(z.literal(ALL)).max(ALL.length),
    acceptsUnderscores: z.literal(true).optional(),
  }),
  conflict: 'error_pages',
  deciding: () => ['error_pages', 'error_page_statuses'],
  stage: 'response',
  explain: ({ name, port, peers, statuses }) => ({
    error_pages:
      peers.length === 0
        ? `Errors have no pages of their own: the proxies cannot reach ${name}.`
        : `For errors of the service, clients receive a page of ${name}:${port}.`,
    error_page_statuses: `Errors with these statuses have such a page: ${shortened(statuses)}.`,
  }),
  // The location that asks is in a server once, but each of those that forward counts.
  bytes: ({ statuses, acceptsUnderscores }) =>
    350 + Math.ceil(repeatedBytes(acceptsUnderscores) / 3) + 5 * statuses.length,
  zoneKb: ({ peers }) => (peers.length === 0 ? 0 : 52),
  peers: ({ peers }) => peers,
  serverBlocks(value) {
    const upstream = pagesUpstream(value);
    if (upstream === undefined) return [];
    const id = errorPagesId(value);
    // The service receives no credentials.
    const removed = [...withoutBody, 'Authorization', 'Cookie'];
    return [
      {
        key: `error_pages ${id}`,
        partial: 'error-pages',
        forErrors: true,
        id,
        upstream: upstream.name,
        requestHeaders: removed.map((name) => ({ name })),
      },
    ];
  },
});

function pagesUpstream({ peers }: FoundService) {
  return toUpstream(peers, { kind: 'none' });
}

/** Names the location that asks the service; undefined if it cannot be asked. */
export function errorPagesId(value: FoundService): string | undefined {
  const upstream = pagesUpstream(value);
  return upstream && digest(upstream.name);
}
