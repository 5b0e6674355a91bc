import { z } from 'zod';
import { boolean, label } from '../labels/label.ts';
import { conflictingLabels, ineffectiveLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { Peer } from '../route.ts';
import { type Definition, feature } from './feature.ts';
import { noteVirtualAddress } from './virtual-address.ts';

const METHODS = { round_robin: undefined, least_conn: 'least_conn', random: 'random two least_conn' } as const;
const HASH = /^hash:(?:uri|header:[a-z0-9-]{1,64}|cookie:\w{1,64})$/;

/** How the next task is chosen. */
type Balance = keyof typeof METHODS | `hash:${string}`;

function isBalance(text: string): text is Balance {
  return Object.hasOwn(METHODS, text) || HASH.test(text);
}

const balanceLabel = label({
  name: 'balance',
  policy: 'optional',
  type: '`round_robin`, `least_conn`, `random`, `hash:uri`, `hash:header:<name>` or `hash:cookie:<name>`',
  default: '`least_conn`',
  example: 'hash:header:X-Tenant',
  description:
    'How a proxy chooses the task of a request: in turn, the task with the fewest requests in progress, the better of two random tasks, or the same task for equal values. Requests without the header or cookie are spread over the tasks. With `FollowTasks = "addresses"`, all proxies choose the same task for equal values, and most values keep their task if tasks change; otherwise each proxy chooses for itself. `sticky_session_cookie` and `ip_hash` take precedence.',
  schema: z
    .string()
    .trim()
    .transform((value) => value.replace(/^hash:header:.*/s, (text) => text.toLowerCase()))
    .refine(isBalance, 'is not a method such as least_conn, random or hash:uri'),
});

export const balance = feature({
  labels: { balance: balanceLabel },
  read(reader): Balance | undefined {
    const value = reader.read(balanceLabel);
    if (value === undefined || noteVirtualAddress(reader, balanceLabel)) return undefined;
    const winner = affinityLabel(reader);
    if (winner !== undefined) {
      reader.note(
        balanceLabel,
        conflictingLabels(`is ignored: ${winner} takes precedence`, 'Remove one of the two labels.'),
      );
      return undefined;
    }
    if (value.startsWith('hash:') && boolean.safeParse(reader.entries.get('ssl_passthrough')?.value).data)
      reader.note(balanceLabel, ineffectiveLabel('has no effect on TLS that the service terminates', 'Use random.'));
    return value;
  },
  message: z.custom<Balance>((value) => typeof value === 'string' && isBalance(value)),
  conflict: 'balance',
  stage: 'service',
  explain: (value) => ({ balance: explainBalance(value) }),
  bytes: () => 0,
  definitions: (value) => hashedValue(value)?.definitions ?? [],
});

const EXPLAINED = {
  round_robin: 'The tasks receive requests in turn.',
  least_conn: 'The task with the fewest requests in progress receives the request.',
  random: 'Of two random tasks, the one with fewer requests in progress receives the request.',
} as const;

function explainBalance(value: Balance): string {
  if (!value.startsWith('hash:')) return EXPLAINED[value as keyof typeof METHODS];
  const [, kind, name = ''] = value.split(':');
  return `Requests with the same ${kind === 'uri' ? 'path and query' : `${kind} ${name}`} go to the same task.`;
}

function affinityLabel({ entries }: LabelReader): string | undefined {
  const cookie = entries.get('sticky_session_cookie')?.value.trim() ?? 'none';
  if (cookie !== 'none' && cookie !== '') return 'sticky_session_cookie';
  return boolean.safeParse(entries.get('ip_hash')?.value).data ? 'ip_hash' : undefined;
}

/** The variable that is hashed. Requests without a value are spread over the tasks, not all sent to the same one. */
function hashedValue(value: Balance): { readonly variable: string; readonly definitions: Definition[] } | undefined {
  if (!value.startsWith('hash:')) return undefined;
  const [, kind, name = ''] = value.split(':');
  if (kind === 'uri') return { variable: 'request_uri', definitions: [] };
  // Variables are case-insensitive, as names of cookies are for nginx.
  const suffix = name.replaceAll('-', '_').toLowerCase();
  const variable = `hash_${kind}_${suffix}`;
  const source = kind === 'header' ? `http_${suffix}` : `cookie_${suffix}`;
  const bytes = 80 + 4 * variable.length;
  return { variable, definitions: [{ key: variable, bytes, partial: 'define-hash-key', variable, source }] };
}

/**
 * The directive of an upstream; undefined if tasks take turns. Not `consistent` for names: all addresses of one name
 * have the same points on nginx's ring, and nginx takes them one after the other.
 */
export function balanceDirective(value: Balance, peers: readonly Peer[], isHttp: boolean): string | undefined {
  const hashed = hashedValue(value);
  if (hashed === undefined) return METHODS[value as keyof typeof METHODS];
  if (!isHttp) return METHODS.least_conn;
  return `hash $${hashed.variable}${peers.some(({ resolve }) => resolve) ? '' : ' consistent'}`;
}
