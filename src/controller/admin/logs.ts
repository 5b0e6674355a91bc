import { z } from 'zod';
import { Limiter } from '../../lib/limiter.ts';
import { plainText } from '../../lib/plain-text.ts';
import type { LineQuery, TaskLine } from '../docker/task-lines.ts';
import { isUp } from '../plan/replicas.ts';
import type { Status } from '../reconcile/status.ts';
import { Refusal } from './problem-details.ts';
import type { State } from './state.ts';

export const logsQuery = {
  host: z.string().min(1).max(253).describe('A host as shown in the routes.'),
  tail: z.coerce.number().int().min(1).max(1000).describe('The newest lines of each proxy. Default: 100.'),
  cursor: z.string().max(8000).describe('`cursor` of the previous answer: only lines after it.'),
} as const;

export const logsSchema = z
  .object({
    lines: z
      .array(
        z
          .object({
            at: z.string().describe('When the engine received the line, RFC 3339.'),
            node: z.string().describe('Node of the proxy.'),
            text: z.string().describe('A line of the access log, in its format.'),
          })
          .readonly(),
      )
      .readonly(),
    silent: z
      .array(z.object({ node: z.string(), reason: z.string() }).readonly())
      .readonly()
      .describe('Proxies whose log could not be read.'),
    cursor: z.string().describe('For the next request.'),
  })
  .readonly();
export type LogsView = z.infer<typeof logsSchema>;

export type ReadTaskLines = (task: string, query: LineQuery, deadlineMs: number) => Promise<readonly TaskLine[]>;

export interface LogQuery {
  readonly host: string;
  readonly tail: number;
  readonly cursor: string;
}

/** Proxies that are read. */
const MOST_TASKS = 64;
const DEADLINE_MS = 5000;
const LONGEST_LINE = 4000;
/** Of an answer: the newest. */
const MOST_LINES = 5000;
/** Calls at the same time, of all requests, and how many may wait. */
const reads = new Limiter(16, 256);

const cursorSchema = z.record(z.string().regex(/^[a-z0-9]{20,30}$/), z.string().regex(/^\d{1,12}\.\d{9}$/));

/** Lines about a host from all proxies of its clusters. `state` is what the user may see. */
export async function readLogs(
  { host, tail, cursor }: LogQuery,
  state: State,
  status: Status | undefined,
  read: ReadTaskLines,
): Promise<LogsView> {
  const clusters = new Set(state.routes.filter((route) => route.host === host).map(({ cluster }) => cluster));
  if (clusters.size === 0) throw new Refusal(404, 'No such host', `No route uses the host ${plainText(host, 253)}.`);
  const positions = parseCursor(cursor);
  const nodes = new Map(status?.snapshot.nodes.map(({ id, name }) => [id, name]));
  const tasks = (status?.outcomes ?? [])
    .filter(({ name }) => clusters.has(name))
    .flatMap((outcome) => outcome.tasks.filter(isUp))
    .slice(0, MOST_TASKS);
  const answers = await Promise.all(
    tasks.map(async ({ id, nodeId = '' }) => {
      const node = nodes.get(nodeId) ?? nodeId;
      const query = { tail, since: positions[id] };
      try {
        const lines = await (reads.run(() => read(id, query, DEADLINE_MS)) ?? tooMany());
        return { id, node, lines };
      } catch (error) {
        return { id, node, lines: [], reason: plainText((error as Error).message, 200) };
      }
    }),
  );
  return {
    lines: answers
      .flatMap(({ node, lines }) => ofHost(lines, host).map((line) => ({ ...line, node })))
      .toSorted(byTime)
      .slice(-MOST_LINES),
    silent: answers.flatMap(({ node, reason }) => (reason === undefined ? [] : [{ node, reason }])),
    cursor: JSON.stringify(
      Object.fromEntries(answers.flatMap(({ id, lines }) => nextPosition(id, lines, positions[id]))),
    ),
  };
}

function tooMany(): Promise<never> {
  return Promise.reject(new Error('too many logs are being read'));
}

function parseCursor(text: string): Readonly<Record<string, string>> {
  if (text === '') return {};
  try {
    return cursorSchema.parse(JSON.parse(text));
  } catch {
    throw new Refusal(400, 'Invalid cursor', 'The parameter cursor is not one of a previous answer.');
  }
}

/** One nanosecond after the last line: Docker includes the time itself. */
function nextPosition(id: string, lines: readonly TaskLine[], before: string | undefined): [string, string][] {
  const last = lines.at(-1);
  if (last === undefined) return before === undefined ? [] : [[id, before]];
  const seconds = BigInt(Math.floor(Date.parse(last.at) / 1000));
  const [, fraction = ''] = /\.(\d+)Z$/.exec(last.at) ?? [];
  const next = seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9)) + 1n;
  return [[id, `${next / 1_000_000_000n}.${String(next % 1_000_000_000n).padStart(9, '0')}`]];
}

/** The host is a field of our formats. A format of the administrator's own has it somewhere as a word. */
function ofHost(lines: readonly TaskLine[], host: string): TaskLine[] {
  const isIt = (text: string) => {
    const named = /^\{.*"host": ?"([^"]*)"/.exec(text)?.[1] ?? / host="([^"]*)" id=/.exec(text)?.[1];
    return named === undefined ? text.split(/[\s"'=,:/]+/).includes(host) : matches(named, host);
  };
  return lines.filter(({ text }) => isIt(text)).map(({ at, text }) => ({ at, text: plainText(text, LONGEST_LINE) }));
}

function matches(named: string, host: string): boolean {
  if (!host.startsWith('*.')) return named === host;
  return named.endsWith(host.slice(1)) && named.length > host.length - 1;
}

function byTime(a: { readonly at: string }, b: { readonly at: string }): number {
  return a.at < b.at ? -1 : 1;
}
