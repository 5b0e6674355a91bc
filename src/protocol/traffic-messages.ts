import { z } from 'zod';
import { TIME_BUCKETS } from '../model/time-buckets.ts';
import {
  MOST_ERRORS,
  MOST_ROWS,
  type RequestError,
  STATUS_CLASSES,
  TLS_KINDS,
  type TrafficRow,
} from '../model/traffic.ts';

/** Enough for the rows of an agent. */
export const MAX_TRAFFIC_BYTES = 2 * 1024 * 1024;
const MOST_REPORTS = 2000;
const MOST_COUNT = 1e12;

/** Checked by hand: an issue for each of thousands of rows would take a hundred times the memory of the message. */
function list<T>(isGood: (item: T) => boolean, most: number) {
  const areGood = (value: unknown) =>
    Array.isArray(value) &&
    value.length <= most &&
    value.every((item) => item !== null && typeof item === 'object' && isGood(item));
  return z.custom<T[]>(areGood, 'Invalid list');
}

const isCount = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_COUNT;
const isText = (value: unknown, most: number): boolean => typeof value === 'string' && value.length <= most;
const areCounts = (value: unknown, length: number): boolean =>
  Array.isArray(value) && value.length === length && value.every(isCount);
const ADDRESS = /^(?:(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:.]{2,45}\]):\d{1,5}$/;

function isRow({ host, path, address, classes, tls, sent, received, times }: TrafficRow): boolean {
  return (
    isText(host, 300) &&
    isText(path, 600) &&
    (address === '' || (isText(address, 60) && ADDRESS.test(address))) &&
    areCounts(classes, STATUS_CLASSES.length) &&
    areCounts(tls, TLS_KINDS.length) &&
    isCount(sent) &&
    isCount(received) &&
    areTimes(times)
  );
}

function areTimes(times: unknown): boolean {
  return (
    Array.isArray(times) &&
    times.length <= 2 * TIME_BUCKETS &&
    times.length % 2 === 0 &&
    times.every((value, position) => isCount(value) && (position % 2 === 1 || value < TIME_BUCKETS))
  );
}

function isError({ at, host, route, request, status, id, ...attempts }: RequestError): boolean {
  const { address, upstreamStatus, connectTime, headerTime } = attempts;
  return (
    typeof at === 'number' &&
    at >= 0 &&
    at < 1e14 &&
    isText(host, 300) &&
    isText(route, 600) &&
    isText(request, 1000) &&
    isCount(status) &&
    isText(id, 200) &&
    [address, upstreamStatus, connectTime, headerTime].every((text) => isText(text, 2000))
  );
}

const connections = z.object({ reading: z.int().min(0), writing: z.int().min(0), waiting: z.int().min(0) });
const report = z.object({
  task: z.string().regex(/^[a-z0-9]{1,64}$/),
  number: z.int().min(0),
  rows: list<TrafficRow>(isRow, MOST_ROWS + 2),
  errors: list<RequestError>(isError, MOST_ERRORS),
  connections: connections.nullable(),
  lost: z.int().min(0).max(MOST_COUNT),
});

/** An agent's report about its requests. Extensions of earlier releases answer 404. */
export const TrafficRequest = report.extend({ instance: z.string().regex(/^[0-9a-f]{32}$/) });
export type TrafficRequest = z.infer<typeof TrafficRequest>;

/** The reports after a cursor; the response to `GET /traffic/<cursor>`. */
export const TrafficResponse = z.object({
  cursor: z.string().regex(/^[0-9a-f]{16}-\d{1,15}$/),
  reports: z.array(report.extend({ age: z.number().min(0).max(600_000) })).max(MOST_REPORTS),
});
export type TrafficResponse = z.infer<typeof TrafficResponse>;
