import { z } from 'zod';
import { label, splitList } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { type Condition, type Match, sortConditions, writtenCondition } from '../match.ts';
import type { Tls } from '../route.ts';

const MOST_CONDITIONS = 16;
const METHODS = /^[A-Z]{1,20}(?:\|[A-Z]{1,20}){0,15}$/;
const NAMES = {
  header: /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?$/,
  cookie: /^[A-Za-z0-9._-]{1,64}$/,
  query: /^[A-Za-z0-9._~[\]-]{1,64}$/,
} as const;
/** Printable ASCII. nginx limits the length of an expression. */
const VALUE = /^[\x20-\x7e]{1,100}$/;

/** The proxies write each condition into an expression: other values would not be read as they are written. */
export const conditionMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('method'), methods: z.array(z.string().regex(/^[A-Z]{1,20}$/)).max(16) }),
  ...(['header', 'cookie', 'query'] as const).map((kind) =>
    z.object({ kind: z.literal(kind), name: z.string().regex(NAMES[kind]), value: z.string().regex(VALUE).optional() }),
  ),
]);
export const matchMessage = z.array(conditionMessage).max(MOST_CONDITIONS);

function parseCondition(text: string): Condition | undefined {
  const [, kind = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  if (kind === 'method') return METHODS.test(rest) ? { kind, methods: methodsIn(rest) } : undefined;
  if (kind !== 'header' && kind !== 'cookie' && kind !== 'query') return undefined;
  const end = rest.indexOf('=');
  const name = (end === -1 ? rest : rest.slice(0, end)).trim();
  const value = end === -1 ? undefined : rest.slice(end + 1).trim();
  if (!NAMES[kind].test(name) || (value !== undefined && !VALUE.test(value))) return undefined;
  return { kind, name: kind === 'header' ? name.toLowerCase() : name, ...(value === undefined ? {} : { value }) };
}

function methodsIn(text: string): string[] {
  return [...new Set(text.split('|'))].toSorted();
}

/** Two conditions on the same part of a request would contradict each other. */
function subjectOf(condition: Condition): string {
  return condition.kind === 'method' ? 'method' : writtenCondition({ ...condition, value: undefined });
}

const matchSchema = z.string().transform((text, context): Match => {
  const parts = splitList(text);
  const conditions = parts.map(parseCondition);
  const wrong = conditions.indexOf(undefined);
  const valid = conditions.filter((condition) => condition !== undefined);
  const subjects = new Set(valid.map(subjectOf));
  if (wrong !== -1)
    context.addIssue('contains a condition that is not like header:X-Canary=1, cookie:beta, query:v=2 or method:GET');
  else if (valid.length === 0) context.addIssue('contains no condition');
  else if (valid.length > MOST_CONDITIONS) context.addIssue(`has more than ${MOST_CONDITIONS} conditions`);
  else if (subjects.size < valid.length) context.addIssue('has two conditions on the same name, or on the method');
  return sortConditions(valid);
});

export const matchLabels = {
  match: label({
    name: 'match',
    policy: 'required',
    type: 'list of conditions, separated by commas',
    default: '',
    example: 'header:X-Canary=1',
    description:
      'Only requests that fulfill all conditions reach the service: `header:<Name>[=<value>]`, `cookie:<name>[=<value>]`, `query:<name>[=<value>]`, `method:GET|POST`. Names of headers are case-insensitive, everything else is compared exactly, query parameters decoded. Services with different conditions share a host and path; each request has the labels of its own service only. As in the Gateway API, the longest path takes precedence, then a method, then the number of headers and cookies, then that of query parameters, then the oldest service. Requests that no service matches are answered by the service without `match`, by one with a shorter path, or with 404. An invalid value takes no requests from other services.',
    schema: matchSchema,
  }),
} as const;

/** Empty if it is invalid; undefined if there is none. */
export function readMatch(reader: LabelReader, tls: Tls): Match | undefined {
  if (!reader.has('match')) return undefined;
  const match = reader.read(matchLabels.match);
  if (match === undefined) return [];
  if (tls.kind !== 'passthrough') return match;
  reader.refuse(
    matchLabels.match,
    'cannot be compared: with ssl_passthrough, the proxies do not see requests over TLS',
    'Let the proxies terminate TLS with ssl_cert, or remove one of the two labels.',
  );
  return [];
}
