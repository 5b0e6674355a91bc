import { z } from 'zod';
import { listed } from '../../lib/words.ts';
import { label } from '../labels/label.ts';
import { type Definition, feature, type HeaderChange } from './feature.ts';

/** `basic` adds what a response lacks; `strict` replaces weaker headers of the service. */
type SecurityHeaders = 'basic' | 'strict';

const BASIC: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'SAMEORIGIN',
  'Referrer-Policy': 'strict-origin-when-cross-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};
const STRICT: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy':
    'accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), screen-wake-lock=(), usb=()',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Permitted-Cross-Domain-Policies': 'none',
};
/** An application that knows its sources sends a better one. */
const CONTENT_POLICY: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
};

const security_headers = label({
  name: 'security_headers',
  policy: 'optional',
  type: '`true` or `strict`',
  default: 'false',
  example: 'strict',
  description:
    "Adds headers against common attacks to the service's responses, whatever their status. `true`: `X-Content-Type-Options`, `X-Frame-Options` (`SAMEORIGIN`), `Referrer-Policy` and `Permissions-Policy`, unless the service sends its own. `strict`: the same with stricter values, `Cross-Origin-Opener-Policy`, `Cross-Origin-Resource-Policy` and `X-Permitted-Cross-Domain-Policies`, instead of the service's own, and a `Content-Security-Policy` unless the service sends one. `response_header.<Name>` replaces or removes single headers.",
  schema: z
    .string()
    .trim()
    .toLowerCase()
    .refine((value) => ['true', 'strict', 'false', ''].includes(value), 'is neither true nor strict')
    .transform((value): SecurityHeaders | undefined =>
      value === 'strict' ? 'strict' : value === 'true' ? 'basic' : undefined,
    ),
});

export const securityHeaders = feature({
  labels: { security_headers },
  read: (reader) => reader.read(security_headers),
  message: z.enum(['basic', 'strict']),
  conflict: 'security_headers',
  stage: 'response',
  explain: (level) => ({
    security_headers:
      level === 'basic'
        ? `Clients receive ${listed(Object.keys(BASIC))}, unless the service sends its own.`
        : `Clients receive strict values of ${listed(Object.keys(STRICT))}, and a Content-Security-Policy unless the service sends one.`,
  }),
  bytes: (level) => (level === 'strict' ? 2000 : 1300),
  responseHeaders(level): readonly HeaderChange[] {
    if (level === 'basic') return Object.keys(BASIC).map(orOwn);
    const fixed = Object.entries(STRICT).map(([name, text]) => ({ name, text }));
    return [...fixed, ...Object.keys(CONTENT_POLICY).map(orOwn)];
  },
  definitions: (level) => Object.entries(level === 'basic' ? BASIC : CONTENT_POLICY).map(definition),
});

/** Sent once, even if the service sends it several times. */
function orOwn(name: string): HeaderChange {
  return { name, variable: variableOf(name) };
}

function variableOf(name: string): string {
  return `security_${inVariable(name)}`;
}

function inVariable(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}

function definition([name, text]: readonly [string, string]): Definition {
  const variable = variableOf(name);
  const own = `upstream_http_${inVariable(name)}`;
  return { key: variable, bytes: 500, partial: 'define-security-header', variable, own, text };
}
