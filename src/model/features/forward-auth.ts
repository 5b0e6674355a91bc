import { z } from 'zod';
import { digest } from '../../lib/digest.ts';
import { listed } from '../../lib/words.ts';
import {
  type Authenticator,
  authenticatorAddress,
  isOutside,
  segmentsAreSafe,
  TARGET,
} from '../authenticator-address.ts';
import { label, splitList } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { isCanonicalPath } from '../path.ts';
import { peerMessage } from '../peer-message.ts';
import { MOST_DASHES, withoutBody } from '../proxy-headers.ts';
import type { Peer } from '../route.ts';
import { toUpstream } from '../upstream.ts';
import { type Definition, feature, type HeaderChange } from './feature.ts';
import { COOKIE_STEPS, COOKIES, ENCODING_STEPS } from './forward-auth-steps.ts';
import { repeatedBytes, spellings } from './request-headers.ts';

export interface ForwardAuth extends Authenticator {
  /** Empty: the authenticator cannot be asked, so nobody is let in. */
  readonly peers: readonly Peer[];
  /** Headers of its answer that the service receives. */
  readonly headers: readonly string[];
  /** Where clients sign in; '' shows an error page. */
  readonly signin: string;
  /** Paths that need no authentication. */
  readonly open: readonly string[];
  /** Requests have more headers to repeat. */
  readonly acceptsUnderscores?: true | undefined;
}

const SIGNIN =
  /^(?=.{1,512}$)(?:https?:\/\/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?)?(?:\/[A-Za-z0-9._~/-]*)?(?:\?[A-Za-z0-9._~=&/-]*)?$/i;
const HEADER = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;
const OPEN = /^(?:\/[A-Za-z0-9._~-]+){1,16}$/;
const MOST = 16;

/** They describe the connection or the client, or the message's body would no longer fit. */
const RESERVED =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|range|if-.*|content-.*|cookie|set-cookie|proxy-.*|x-request-id|x-real-ip|x-forwarded-(?:for|host|port|prefix|proto)|x-ssl-client-.*|x-accel-.*|grpc-.*)$/i;

const headerList = z
  .string()
  .transform(splitList)
  .superRefine((names, context) => {
    const isLong = (name: string) => name.split('-').length - 1 > MOST_DASHES;
    const wrong = names.find((name) => !HEADER.test(name) || RESERVED.test(name) || isLong(name));
    if (wrong !== undefined) context.addIssue('contains a name that is not that of a header which may be set');
    if (names.length > MOST) context.addIssue(`has more than ${MOST} names`);
  });
const openList = z
  .string()
  .transform(splitList)
  .superRefine((paths, context) => {
    if (!paths.every((path) => OPEN.test(path) && isCanonicalPath(path)))
      context.addIssue(
        'contains a path that is not like /health: ASCII letters, digits, dashes, dots, and no slash at the end',
      );
    if (paths.length > MOST) context.addIssue(`has more than ${MOST} paths`);
  });

const common = { policy: 'protective', default: '' } as const;
const forwardAuthUrl = label({
  ...common,
  name: 'forward_auth',
  type: 'URL',
  example: 'http://auth:9091/api/verify',
  description:
    'Another service decides about each request: a status of 2xx lets it in, 401 and 403 reject it. All other answers, and none within 10 s, result in 503. The host is the name of a service, with or without the prefix of the stack, or an outside host with HTTPS. See [authentication](guides/authentication.md).',
  schema: authenticatorAddress,
});
const headers = label({
  ...common,
  name: 'forward_auth_headers',
  type: 'list of headers, separated by commas',
  example: 'Remote-User, Remote-Groups',
  description:
    "Headers of the authenticator's answer that the service receives. The client's own headers of these names never reach it. Requires `forward_auth`.",
  schema: headerList,
});
const signin = label({
  ...common,
  name: 'forward_auth_signin',
  type: 'URL, or path on the same host',
  example: 'https://auth.example.org/',
  description:
    'Where clients sign in: a 401 of the authenticator becomes a redirect (302) to this URL, with the requested URL in `rd`. If the label ends in `=`, the requested URL follows directly. Requires `forward_auth`.',
  schema: z
    .string()
    .trim()
    .regex(SIGNIN, 'is not a URL such as https://auth.example.org/')
    .refine(segmentsAreSafe, 'has . or .. segments'),
});
const open = label({
  ...common,
  name: 'forward_auth_open',
  type: 'list of paths, separated by commas',
  example: '/health, /assets',
  description:
    'Paths, with everything below them, that need no authentication. Only requests that spell the path plainly, without percent-encoding, are let in. Requires `forward_auth`.',
  schema: openList,
});

export const forwardAuth = feature({
  labels: {
    forward_auth: forwardAuthUrl,
    forward_auth_headers: headers,
    forward_auth_signin: signin,
    forward_auth_open: open,
  },
  read(reader, { cluster }): ForwardAuth | undefined {
    const authenticator = reader.read(forwardAuthUrl);
    const more = {
      headers: distinct(reader.read(headers) ?? []),
      signin: reader.read(signin) ?? '',
      open: [...new Set(reader.read(open) ?? [])].toSorted(),
    };
    if (!reader.has('forward_auth')) noteUnused(reader, more);
    return authenticator && { ...authenticator, peers: outsidePeers(authenticator), ...more, ...spellings(cluster) };
  },
  message: z.object({
    scheme: z.enum(['http', 'https']),
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,252}$/),
    port: z.int().min(1).max(65_535),
    target: z.string().regex(TARGET).refine(segmentsAreSafe),
    peers: z.array(peerMessage).max(5000),
    headers: z.array(z.string().regex(HEADER)).max(MOST),
    signin: z.string().regex(SIGNIN).or(z.literal('')),
    open: z.array(z.string().regex(OPEN)).max(MOST),
    acceptsUnderscores: z.literal(true).optional(),
  }),
  conflict: 'forward_auth',
  stage: 'sign-in',
  explain: (value) => ({
    forward_auth: explainAuthenticator(value),
    forward_auth_headers:
      value.headers.length === 0
        ? undefined
        : `The service receives ${listed(value.headers)} of its answer, never of the client.`,
    forward_auth_signin:
      value.signin === '' ? undefined : `A 401 becomes a redirect to ${value.signin}, where clients sign in.`,
    forward_auth_open:
      value.open.length === 0 ? undefined : `${listed(value.open)}, with everything below, need no authentication.`,
  }),
  protection: ({ scheme, name, port, target, headers, open }) => [scheme, name, port, target, headers, open],
  // The location that asks repeats the headers too, but only once in a server.
  bytes: ({ headers, target, name, signin, acceptsUnderscores }) =>
    2000 +
    2 * repeatedBytes(acceptsUnderscores) +
    target.length +
    name.length +
    signin.length +
    headers.reduce((sum, header) => sum + 4 * header.length + 120, 0),
  zoneKb: ({ peers }) => (peers.length === 0 ? 0 : 52),
  peers: ({ peers }) => peers,
  connection: connectionOf,
  partial: 'forward-auth',
  checks: true,
  view: (value) => ({
    id: idOf(value),
    headers: value.headers.map((name) => ({ name, field: fieldOf(name) })),
    cookies: COOKIES,
  }),
  requestHeaders: (value) => value.headers.map((name) => ({ name, variable: `auth_header_${fieldOf(name)}` })),
  errorPages: (value, { isGrpc, handlesErrors }) => [
    ...(isGrpc ? [] : [`401 = @auth_denied_${idOf(value)}`]),
    ...(handlesErrors ? [isGrpc ? '500 = @grpc_14' : '500 =503 /.signalbox-error'] : []),
  ],
  definitions: (value) => [
    { key: 'forward_auth', partial: 'define-forward-auth', bytes: 9000, steps: ENCODING_STEPS, cookies: COOKIE_STEPS },
    ...value.headers.map((name) => ({
      key: `auth_header_${fieldOf(name)}`,
      partial: 'define-auth-header',
      bytes: 90 + name.length,
      field: fieldOf(name),
    })),
    ...openPaths(value),
  ],
  serverBlocks: (value) => [
    {
      key: `forward_auth ${idOf(value)}`,
      partial: 'forward-auth',
      id: idOf(value),
      scheme: value.scheme,
      target: value.target,
      upstream: toUpstream(value.peers, { kind: 'none' }, connectionOf(value))?.name,
      isOutside: isOutside(value.name),
      name: value.name,
      open: value.open.length === 0 ? undefined : openVariable(value.open),
      signin: value.signin === '' ? undefined : withReturn(value.signin),
      cookies: COOKIES,
      requestHeaders: askedHeaders(value),
    },
  ],
});

function explainAuthenticator({ scheme, name, port, target }: ForwardAuth): string {
  const url = `${scheme}://${name}:${port}${target}`;
  return `${url} decides about the request: 2xx admits it, 401 and 403 reject it, any other answer results in 503.`;
}

function distinct(names: readonly string[]): string[] {
  return [...new Map(names.map((name) => [name.toLowerCase(), name])).values()].toSorted();
}

function noteUnused(
  reader: LabelReader,
  { headers: names, signin: url, open: paths }: Pick<ForwardAuth, 'headers' | 'signin' | 'open'>,
): void {
  const unused = [
    ...(names.length > 0 ? [headers] : []),
    ...(url === '' ? [] : [signin]),
    ...(paths.length > 0 ? [open] : []),
  ];
  for (const definition of unused)
    reader.note(
      definition,
      ineffectiveLabel('has no effect without forward_auth', 'Set forward_auth, or remove the label.'),
    );
}

function outsidePeers({ name, port }: Authenticator): Peer[] {
  return isOutside(name) ? [{ address: name, port, resolve: true }] : [];
}

/** Certificates of outside hosts are verified. */
function connectionOf({ scheme, name }: ForwardAuth): readonly string[] {
  if (isOutside(name)) return ['https', 'public authorities', name];
  return scheme === 'https' ? ['https'] : [];
}

function idOf(value: ForwardAuth): string {
  return digest(JSON.stringify(value));
}

function fieldOf(header: string): string {
  return header.toLowerCase().replaceAll('-', '_');
}

/** The requested URL follows; it is encoded. */
function withReturn(url: string): string {
  if (url.endsWith('=')) return url;
  return `${url}${url.includes('?') ? '&' : '?'}rd=`;
}

/** What the authenticator receives besides the client's headers and our own. */
function askedHeaders({ scheme, name, port, headers }: ForwardAuth): HeaderChange[] {
  const standard = scheme === 'https' ? 443 : 80;
  const set = (name: string, variable: string): HeaderChange => ({ name, variable });
  // An authenticator that trusts such a header, or returns what it received, must not find the client's.
  const results = headers.filter((name) => !/^authorization$/i.test(name));
  return [
    { name: 'Host', text: port === standard ? name : `${name}:${port}` },
    set('X-Forwarded-Method', 'request_method'),
    set('X-Forwarded-Uri', 'request_uri'),
    set('X-Original-Method', 'request_method'),
    set('X-Original-URL', 'auth_url'),
    set('X-Original-URI', 'request_uri'),
    ...[...withoutBody, ...results].map((name) => ({ name })),
  ];
}

function openVariable(paths: readonly string[]): string {
  return `auth_open_${digest(paths.join())}`;
}

function openPaths({ open: paths }: ForwardAuth): Definition[] {
  if (paths.length === 0) return [];
  const key = openVariable(paths);
  const bytes = 100 + paths.reduce((sum, path) => sum + 2 * path.length + 100, 0);
  return [
    {
      key,
      partial: 'define-open-paths',
      bytes,
      variable: key,
      paths: paths.map((path) => path.replaceAll('.', '[.]')),
    },
  ];
}
