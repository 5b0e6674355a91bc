import { z } from 'zod';
import { boolean, label } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { feature } from './feature.ts';

/** Attributes of the cookie that returns a client to its task. */
interface StickyCookie {
  readonly secure: boolean;
  readonly sameSite: (typeof SAME_SITE)[number];
  readonly age?: string | undefined;
  readonly domain?: string | undefined;
}

const SAME_SITE = ['lax', 'strict', 'none'] as const;
const AGE = /^[1-9]\d{0,7}[smhd]?$/;
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
/** Browsers keep no cookie longer. */
const MOST_DAYS = 400;
const DOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/;

const common = { policy: 'optional' } as const;
const sticky_cookie_secure = label({
  ...common,
  name: 'sticky_cookie_secure',
  type: 'boolean',
  default: 'false',
  example: 'true',
  description: 'Clients send the cookie `<name>_route` of `sticky_session_cookie` only over TLS.',
  schema: boolean,
});
const sticky_cookie_samesite = label({
  ...common,
  name: 'sticky_cookie_samesite',
  type: '`lax`, `strict` or `none`',
  default: '`lax`',
  example: 'strict',
  description:
    'Whether clients send this cookie with requests from other sites. `none` also sets `Secure`, because browsers require it.',
  schema: z
    .string()
    .trim()
    .toLowerCase()
    .pipe(z.enum(SAME_SITE, { error: 'is not lax, strict or none' })),
});
const sticky_cookie_age = label({
  ...common,
  name: 'sticky_cookie_age',
  type: `time, up to ${MOST_DAYS}d`,
  default: 'until the browser closes',
  example: '12h',
  description: 'How long clients keep this cookie.',
  schema: z
    .string()
    .trim()
    .regex(AGE, 'is not a time such as 12h')
    .refine((age) => secondsIn(age) <= MOST_DAYS * SECONDS.d, `is more than ${MOST_DAYS}d`),
});
const sticky_cookie_domain = label({
  ...common,
  name: 'sticky_cookie_domain',
  type: 'domain',
  default: "the request's host",
  example: 'example.org',
  description:
    'Clients send this cookie to all hosts of this domain. Browsers ignore a domain that does not cover the host.',
  schema: z
    .string()
    .trim()
    .toLowerCase()
    .transform((domain) => domain.replace(/^\./, ''))
    .refine((domain) => DOMAIN.test(domain), 'is not a domain such as example.org'),
});
const labels = { sticky_cookie_secure, sticky_cookie_samesite, sticky_cookie_age, sticky_cookie_domain };

const EXPLAINED_SITES = {
  lax: undefined,
  strict: 'Clients never send the sticky cookie with requests from other sites.',
  none: 'Clients send the sticky cookie with all requests from other sites too.',
} as const;

export const stickyCookie = feature({
  labels,
  read(reader): StickyCookie | undefined {
    const written = {
      secure: reader.read(sticky_cookie_secure),
      sameSite: reader.read(sticky_cookie_samesite),
      age: reader.read(sticky_cookie_age),
      domain: reader.read(sticky_cookie_domain),
    };
    if (Object.values(written).every((value) => value === undefined)) return undefined;
    const name = reader.entries.get('sticky_session_cookie')?.value.trim() ?? 'none';
    if (name === 'none' || name === '') {
      noteUnused(reader, Object.values(written));
      return undefined;
    }
    const { secure = false, sameSite = 'lax', age, domain } = written;
    return { secure: secure || sameSite === 'none', sameSite, age, domain };
  },
  message: z.object({
    secure: z.boolean(),
    sameSite: z.enum(SAME_SITE),
    age: z.string().regex(AGE).optional(),
    domain: z.string().regex(DOMAIN).optional(),
  }),
  conflict: 'sticky_cookie_secure',
  stage: 'service',
  explain: ({ secure, sameSite, age, domain }) => ({
    sticky_cookie_secure: secure ? 'Clients send the sticky cookie only over TLS.' : undefined,
    sticky_cookie_samesite: EXPLAINED_SITES[sameSite],
    sticky_cookie_age: age && `Clients keep the sticky cookie for ${age}.`,
    sticky_cookie_domain: domain && `Clients send the sticky cookie to all hosts of ${domain}.`,
  }),
  bytes: () => 0,
});

function noteUnused(reader: LabelReader, values: readonly unknown[]): void {
  for (const unused of Object.values(labels).filter((_, position) => values[position] !== undefined))
    reader.note(unused, ineffectiveLabel('has no effect without sticky_session_cookie', 'Set sticky_session_cookie.'));
}

function secondsIn(age: string): number {
  const unit = /[smhd]$/.exec(age)?.[0] as keyof typeof SECONDS | undefined;
  return Number.parseInt(age, 10) * SECONDS[unit ?? 's'];
}

/** Parameters of nginx's `sticky`. */
export function cookieParameters({ secure, sameSite, age, domain }: StickyCookie): string[] {
  return [
    `samesite=${sameSite}`,
    ...(secure ? ['secure'] : []),
    ...(age === undefined ? [] : [`expires=${age}`]),
    ...(domain === undefined ? [] : [`domain=${domain}`]),
  ];
}

/** Attributes of a cookie with the same parameters. */
export function cookieAttributes({ secure, sameSite, age, domain }: StickyCookie): string[] {
  return [
    `SameSite=${sameSite}`,
    ...(secure ? ['Secure'] : []),
    ...(age === undefined ? [] : [`Max-Age=${secondsIn(age)}`]),
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
  ];
}

export const plainStickyCookie: StickyCookie = { secure: false, sameSite: 'lax' };
