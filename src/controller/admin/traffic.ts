import { z } from 'zod';

/** Ranges of `GET /api/traffic`, and their steps in seconds. */
export const trafficRanges = {
  '1m': { seconds: 60, step: 5 },
  '5m': { seconds: 300, step: 5 },
  '15m': { seconds: 900, step: 5 },
  '1h': { seconds: 3600, step: 5 },
  '24h': { seconds: 86_400, step: 60 },
} as const;
export type TrafficRange = keyof typeof trafficRanges;

const text = (description: string) => z.string().max(600).optional().describe(description);

export const trafficQuery = {
  cluster: text('Only this service cluster.'),
  host: text('Only this host, as shown in the routes; `*` for unknown hosts. Requires `cluster` if several have it.'),
  route: text('Only this path of the host, as shown in the routes.'),
  task: text('Only this task: its ID, or its address and port. Requires `host`.'),
  range: z
    .enum(Object.keys(trafficRanges) as [TrafficRange, ...TrafficRange[]])
    .default('15m')
    .describe('Steps of 5 s; of a minute for `24h`.'),
} as const;
export const trafficQuerySchema = z.object(trafficQuery);
export type TrafficQuery = z.infer<typeof trafficQuerySchema>;

const count = z.number().min(0);
const classes = z
  .object({ other: count, '1xx': count, '2xx': count, '3xx': count, '4xx': count, '5xx': count })
  .readonly();
const time = z.number().nullable();
const percentiles = {
  p50: time.describe('Milliseconds from sending a request to a task until its response starts; null without requests.'),
  p95: time,
  p99: time,
};

const totalsSchema = z
  .object({
    requests: count,
    classes: classes.describe('`1xx` are WebSockets that were closed.'),
    perSecond: count.describe('Requests per second, the mean of the range.'),
    ...percentiles,
    sent: count.describe('Bytes sent to clients, to 0.4 %.'),
    received: count.describe('Bytes received from clients, to 0.4 %.'),
    tls: z
      .object({ none: count, 'TLSv1.2': count, 'TLSv1.3': count, other: count })
      .readonly()
      .describe('Requests by TLS version.'),
  })
  .readonly();
export type TrafficTotals = z.infer<typeof totalsSchema>;

const counts = z.array(count).readonly();
const times = z.array(time).readonly();
const stepsSchema = z
  .object({
    requests: counts,
    other: counts.describe('Requests with a status that is not valid.'),
    '1xx': counts,
    '2xx': counts,
    '3xx': counts,
    '4xx': counts,
    '5xx': counts,
    sent: counts,
    received: counts,
    p50: times,
    p95: times,
    p99: times,
    connections: counts.nullable().describe('Open connections of clients; null for a host, route or task.'),
  })
  .readonly();

const partSchema = z
  .object({
    kind: z.enum(['cluster', 'host', 'route', 'task']),
    cluster: z.string(),
    host: z.string().nullable(),
    path: z.string().nullable(),
    address: z.string().nullable().describe('Address and port of a task, or of its virtual address.'),
    task: z.string().nullable().describe('ID of the task; null if it is unknown.'),
    node: z.string().nullable(),
    totals: totalsSchema,
  })
  .readonly();
export type TrafficPart = z.infer<typeof partSchema>;

const errorSchema = z
  .object({
    at: z.string().describe("ISO 8601 (UTC), by the proxy's clock."),
    cluster: z.string(),
    host: z.string(),
    path: z.string().nullable(),
    request: z.string().describe('Method and path, without the query.'),
    status: z.int(),
    id: z.string().describe('ID of the request, as in the access log and in `X-Request-ID`.'),
    address: z.string().nullable().describe('Task that was tried last; null if there was none.'),
    reason: z.string(),
  })
  .readonly();
export type TrafficError = z.infer<typeof errorSchema>;

const connectionsSchema = z
  .object({
    open: z.int(),
    reading: z.int().describe('A request is being read.'),
    writing: z.int().describe('A request is being answered; includes open WebSockets and event streams.'),
    waiting: z.int().describe('No request; kept for the next one.'),
  })
  .readonly();

/** The answer of `GET /api/traffic`. */
export const trafficSchema = z
  .object({
    from: z.iso.datetime().describe('Start of the first step, in ISO 8601 (UTC).'),
    stepSeconds: z.int(),
    totals: totalsSchema,
    steps: stepsSchema.describe('A value for each step; the last step is not complete.'),
    connections: connectionsSchema.nullable().describe('Open now; null for a host, route or task, or if unknown.'),
    parts: z
      .array(partSchema)
      .readonly()
      .describe(
        'Clusters and hosts; of a host, its routes and tasks. Those with the most requests first, at most 500.',
      ),
    errors: z
      .array(errorSchema)
      .readonly()
      .describe('The last requests that were answered with 5xx, the newest first.'),
    lost: z.int().describe('Requests that proxies could not count since the controller started.'),
  })
  .readonly();
export type TrafficView = z.infer<typeof trafficSchema>;

/** The event `traffic`, after each step of 5 s, with the start of the step. */
export const trafficEventSchema = z.object({ at: z.iso.datetime(), requests: count, errors: count }).readonly();
export type TrafficEvent = z.infer<typeof trafficEventSchema>;
