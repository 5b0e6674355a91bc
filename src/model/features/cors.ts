import { z } from 'zod';
import { digest } from '../../lib/digest.ts';
import { listed } from '../../lib/words.ts';
import { parseHost } from '../hosts/host.ts';
import { boolean, label, splitList, wholeNumber } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { shownValue } from '../problem.ts';
import { type Definition, feature, type HeaderChange } from './feature.ts';

/** Which scripts of other origins may use the service. */
interface Cors {
  /** `https://a.test`, `https://*.b.test`, or `*` alone. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly credentials: boolean;
  readonly maxAge: number;
}

const MOST_ENTRIES = 50;
const ORIGIN = /^(?:https?:\/\/(?:\*\.)?(?:[a-z0-9_.-]{1,253}|\[[0-9a-f:.]+\])(?::\d{1,5})?|\*)$/;
const TOKEN = /^(?:[A-Za-z0-9-]{1,64}|\*)$/;
const MOST_SECONDS = 86_400;

const defaults = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  headers: ['Accept', 'Authorization', 'Content-Type', 'X-Requested-With'],
  maxAge: 600,
};

/** In the form that browsers send; undefined if it is not an origin. */
function readOrigin(text: string): string | undefined {
  if (text === '*') return text;
  const [, scheme = '', name = '', port = ''] =
    /^(https?):\/\/(\[[0-9a-f:.]+\]|[^/?#:[\]]+)(:\d{1,5})?$/i.exec(text) ?? [];
  const host = name.startsWith('~') ? '' : parseHost(name);
  if (typeof host === 'string') return undefined;
  const isUsual = port === (scheme.toLowerCase() === 'https' ? ':443' : ':80');
  return `${scheme.toLowerCase()}://${host.name}${isUsual ? '' : port}`;
}

function listOf(isEntry: (entry: string) => boolean, fault: string) {
  return z
    .string()
    .transform(splitList)
    .superRefine((written, context) => {
      const wrong = written.find((entry) => !isEntry(entry));
      if (wrong !== undefined) context.addIssue(`contains ${shownValue(wrong)}, which is not ${fault}`);
      if (written.length === 0) context.addIssue('is empty');
      if (written.length > MOST_ENTRIES) context.addIssue(`has more than ${MOST_ENTRIES} entries`);
    });
}

const cors_ = label({
  name: 'cors',
  policy: 'optional',
  type: 'list of origins, separated by commas',
  default: '',
  example: 'https://a.example.org, https://*.b.example.org',
  description:
    "Lets scripts of these origins use the service (CORS). `*` stands for any origin. The proxies answer preflight requests with 204, before they check a client's sign-in or certificate, and set `Vary: Origin`. They replace all `Access-Control-*` headers of the service; use `response_header.Access-Control-Expose-Headers` to expose some. Other origins receive no such header. Error pages of the proxies have none either.",
  schema: listOf((entry) => readOrigin(entry) !== undefined, 'an origin such as https://a.example.org').transform(
    (origins) => [...new Set(origins.map((origin) => readOrigin(origin)!))],
  ),
});

const cors_methods = label({
  name: 'cors_methods',
  policy: 'optional',
  type: 'list of methods, separated by commas',
  default: defaults.methods.join(', '),
  example: 'GET, POST',
  description: 'Methods that these scripts may use. Requires `cors`.',
  schema: listOf((entry) => /^(?:[A-Za-z]{1,32}|\*)$/.test(entry), 'a method').transform((methods) =>
    methods.map((method) => method.toUpperCase()),
  ),
});

const cors_headers = label({
  name: 'cors_headers',
  policy: 'optional',
  type: 'list of headers, separated by commas',
  default: defaults.headers.join(', '),
  example: 'Authorization, X-Tenant',
  description: 'Request headers that these scripts may set. Requires `cors`.',
  schema: listOf((entry) => TOKEN.test(entry), 'the name of a header'),
});

const cors_credentials = label({
  name: 'cors_credentials',
  policy: 'optional',
  type: 'boolean',
  default: 'false',
  example: 'true',
  description: 'Lets browsers send cookies and client certificates with these requests. Requires `cors` without `*`.',
  schema: boolean,
});

const cors_max_age = label({
  name: 'cors_max_age',
  policy: 'optional',
  type: `number of seconds, up to ${MOST_SECONDS}`,
  default: String(defaults.maxAge),
  example: '3600',
  description: 'Time for which browsers remember the answer to a preflight request. Requires `cors`.',
  schema: wholeNumber(0, MOST_SECONDS),
});

const details = {
  methods: cors_methods,
  headers: cors_headers,
  credentials: cors_credentials,
  maxAge: cors_max_age,
};

export const cors = feature({
  labels: { cors: cors_, cors_methods, cors_headers, cors_credentials, cors_max_age },
  read(reader): Cors | undefined {
    const origins = reader.read(cors_);
    const written = {
      methods: reader.read(cors_methods),
      headers: reader.read(cors_headers),
      credentials: reader.read(cors_credentials),
      maxAge: reader.read(cors_max_age),
    };
    if (origins === undefined) {
      if (!reader.has('cors')) noteUnused(reader, written);
      return undefined;
    }
    const value = {
      methods: written.methods ?? defaults.methods,
      headers: written.headers ?? defaults.headers,
      credentials: written.credentials ?? false,
      maxAge: written.maxAge ?? defaults.maxAge,
    };
    if (!origins.includes('*')) return { origins: origins.toSorted(), ...value };
    if (value.credentials)
      reader.refuse(
        cors_credentials,
        'is ignored: cors allows any origin, and browsers send no credentials to such a service',
        'Name the origins in cors.',
      );
    return { origins: ['*'], ...value, credentials: false };
  },
  message: z.object({
    origins: z.array(z.string().regex(ORIGIN)).max(MOST_ENTRIES),
    methods: z.array(z.string().regex(TOKEN)).max(MOST_ENTRIES),
    headers: z.array(z.string().regex(TOKEN)).max(MOST_ENTRIES),
    credentials: z.boolean(),
    maxAge: z.int().min(0).max(MOST_SECONDS),
  }),
  conflict: 'cors',
  stage: 'entry',
  explain: (value) => ({
    cors: `Scripts of ${isOpen(value) ? 'any origin' : listed(value.origins)} may use the service. The proxies answer their preflight requests with 204, before any sign-in.`,
    cors_methods: isDefault('methods', value) ? undefined : `Scripts may use the methods ${listed(value.methods)}.`,
    cors_headers: isDefault('headers', value)
      ? undefined
      : `Scripts may set the request headers ${listed(value.headers)}.`,
    cors_credentials: value.credentials
      ? 'Browsers send cookies and client certificates with requests of these scripts.'
      : undefined,
    cors_max_age: isDefault('maxAge', value)
      ? undefined
      : `Browsers remember the answer to a preflight request for ${value.maxAge} s.`,
  }),
  bytes: ({ methods, headers }) => 2000 + methods.join(', ').length + headers.join(', ').length,
  partial: 'cors',
  checks: true,
  view: (value) => ({
    variable: variableOf(value),
    methods: value.methods.join(', '),
    headers: value.headers.join(', '),
    maxAge: value.maxAge,
  }),
  responseHeaders(value): readonly HeaderChange[] {
    const variable = variableOf(value);
    return [
      { name: 'Access-Control-Allow-Origin', variable },
      ...(value.credentials ? [{ name: 'Access-Control-Allow-Credentials', variable: `${variable}_credentials` }] : []),
      ...(isOpen(value) ? [] : [{ name: 'Vary', variable: 'cors_vary', keepsOwn: true } as const]),
      ...REMOVED.filter((name) => !value.credentials || name !== 'Access-Control-Allow-Credentials').map((name) => ({
        name,
      })),
    ];
  },
  definitions: (value) => [
    { key: 'cors_preflight', bytes: 800, partial: 'define-cors-requests', variable: 'cors_preflight' },
    definition(value),
  ],
});

/** What only preflight requests receive, or only if a label says so. */
const REMOVED = ['Credentials', 'Headers', 'Methods', 'Private-Network']
  .map((name) => `Access-Control-Allow-${name}`)
  .concat('Access-Control-Expose-Headers', 'Access-Control-Max-Age');

/** The variable that holds SUCCESS for preflight requests too: browsers send them without a client certificate. */
export function clientVerification({ cors }: { readonly cors?: Cors | undefined }): string {
  return cors === undefined ? '$ssl_client_verify' : '$cors_client_verify';
}

function noteUnused(reader: LabelReader, written: Readonly<Record<keyof typeof details, unknown>>): void {
  for (const [name, definition] of Object.entries(details))
    if (written[name as keyof typeof details] !== undefined)
      reader.note(definition, ineffectiveLabel('has no effect without cors', 'Set cors to the origins.'));
}

/** The label is not set, or repeats its default. */
function isDefault(field: keyof typeof defaults, value: Cors): boolean {
  return String(value[field]) === String(defaults[field]);
}

function isOpen({ origins }: Cors): boolean {
  return origins.includes('*');
}

/** Services with the same origins share it. */
function variableOf({ origins, credentials }: Cors): string {
  return `cors_${digest(JSON.stringify([origins, credentials]))}`;
}

function definition(value: Cors): Definition {
  const { origins, credentials } = value;
  const variable = variableOf(value);
  // Expressions: keys of this length would need larger hash tables.
  const expressions = isOpen(value) ? [] : origins.map(toExpression);
  const bytes = 600 + expressions.reduce((sum, expression) => sum + expression.length + 40, 0);
  return { key: variable, bytes, partial: 'define-cors', variable, isOpen: isOpen(value), expressions, credentials };
}

function toExpression(origin: string): string {
  return origin.replaceAll(/[.[\]]/g, String.raw`\$&`).replace(String.raw`*\.`, String.raw`[a-z0-9._-]+\.`);
}
