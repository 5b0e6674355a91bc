import { z } from 'zod';
import { digest } from '../../lib/digest.ts';
import { counted } from '../../lib/words.ts';
import { label } from '../labels/label.ts';
import { shownValue } from '../problem.ts';
import { feature } from './feature.ts';
import {
  keyDefinition,
  keyVariable,
  LIMIT_KEY,
  type LimitKey,
  NEEDS_ADDRESSES,
  refuseHiddenAddresses,
} from './limit-keys.ts';

interface RateLimit {
  /** As nginx writes it, such as `5r/s`. */
  readonly rate: string;
  /** Requests that may exceed the rate at once. */
  readonly burst: number;
  readonly key: LimitKey;
  /** Logs what would be refused, and refuses nothing. */
  readonly isTrial: boolean;
}

const MOST = 100_000;
/** nginx keeps 8,000 clients in one MiB and forgets the ones that it has not seen for the longest time. */
const ZONE_KB = 1024;

const isCount = (text: string) => /^[1-9]\d{0,5}$/.test(text) && Number(text) <= MOST;
const isRate = (text: string) => /^\d+r\/[sm]$/.test(text) && isCount(text.slice(0, -3));

const written = z.string().transform((value, context): RateLimit => {
  const [rate = '', ...options] = value.trim().split(/\s+/);
  const fail = (fault: string) => {
    context.addIssue(fault);
    return z.NEVER;
  };
  if (!isRate(rate)) return fail(`does not begin with a rate such as 5r/s or 30r/m, up to ${MOST} requests`);
  const found = new Map(options.map((option) => [option.split('=', 1)[0]!, option]));
  if (found.size < options.length) return fail('sets an option twice');
  const optionOf = (name: string) => found.get(name)?.slice(name.length + 1);
  const unknown = options.find((option) => option !== 'try' && !/^(?:burst|key)=/.test(option));
  if (unknown !== undefined) return fail(`contains ${shownValue(unknown)}, which is not burst=, key= or try`);
  const burst = optionOf('burst');
  if (burst !== undefined && burst !== '0' && !isCount(burst)) return fail(`has a burst that is not 0 to ${MOST}`);
  const key = optionOf('key')?.toLowerCase() ?? 'address';
  if (!isKey(key)) return fail('has a key that is not address, host or header:<name>');
  return { rate, burst: burst === undefined ? perSecond(rate) : Number(burst), key, isTrial: found.has('try') };
});

function isKey(text: string): text is LimitKey {
  return LIMIT_KEY.test(text);
}

function perSecond(rate: string): number {
  const count = Number.parseInt(rate, 10);
  return rate.endsWith('m') ? Math.ceil(count / 60) : count;
}

/** Seconds until the next request is allowed. */
function waitSeconds(rate: string): number {
  return rate.endsWith('m') ? Math.ceil(60 / Number.parseInt(rate, 10)) : 1;
}

const rate_limit = label({
  name: 'rate_limit',
  policy: 'protective',
  type: 'rate such as `5r/s` or `30r/m`, then `burst=<number>`, `key=address`, `key=host` or `key=header:<name>`, and `try`',
  default: '',
  example: '20r/s burst=40',
  description: `Requests that each proxy accepts from one client. Others receive 429, with the time until the next request is allowed in \`Retry-After\`. \`burst\` requests may exceed the rate at once; default: the requests of one second. \`key\` selects what identifies a client; default \`address\`. \`try\` only logs. ${NEEDS_ADDRESSES} See [limits](limits.md#limits-per-client).`,
  schema: written,
});

export const rateLimit = feature({
  labels: { rate_limit },
  read(reader, surroundings): RateLimit | undefined {
    const value = reader.read(rate_limit);
    if (value?.key === 'address') refuseHiddenAddresses(reader, rate_limit, surroundings);
    return value;
  },
  message: z.object({
    rate: z.string().refine(isRate),
    burst: z.int().min(0).max(MOST),
    key: z.custom<LimitKey>((key) => typeof key === 'string' && isKey(key)),
    isTrial: z.boolean(),
  }),
  conflict: 'rate_limit',
  stage: 'limit',
  explain: (value) => ({ rate_limit: explainLimit(value) }),
  protection: (limit) => limit,
  bytes: () => 230,
  zoneKb: () => ZONE_KB,
  partial: 'rate-limit',
  checks: true,
  view: ({ rate, ...value }, { id }) => {
    const wait = waitSeconds(rate);
    return { zone: zoneOf({ rate, ...value }, id), wait: wait > 1 && wait, ...value };
  },
  definitions: (value, { id }) => [
    keyDefinition(value.key),
    {
      key: zoneOf(value, id),
      bytes: 180,
      partial: 'define-rate-limit',
      zone: zoneOf(value, id),
      zoneKb: ZONE_KB,
      variable: keyVariable(value.key),
      rate: `rate=${value.rate}`,
    },
  ],
});

function explainLimit({ rate, burst, key, isTrial }: RateLimit): string {
  const [kind, header] = key.split(':');
  const client =
    { address: 'from one client address', host: 'for one host' }[kind!] ?? `with the same header ${header}`;
  const requests = `${counted(Number.parseInt(rate, 10), 'request')} per ${rate.endsWith('m') ? 'minute' : 'second'}`;
  const excess = burst === 0 ? '' : `, and ${burst} more at once`;
  return `Each proxy accepts ${requests} ${client}${excess}; others ${isTrial ? 'are only logged' : 'receive 429'}.`;
}

/** Routes of one service with the same path may have different limits. A trial has the counters of the limit. */
function zoneOf({ rate, key }: RateLimit, id: string): string {
  return `rate_${digest(`${id} ${rate} ${key}`)}`;
}
