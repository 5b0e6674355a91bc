import type { ForeignLabel, Remark } from '../foreign-label.ts';
import { BY_HAND } from '../remarks.ts';
import { type Fields, isFalse, isTrue, listOf } from './read-labels.ts';

/** What the middlewares of a router become. */
export interface MiddlewareResult {
  readonly labels: ReadonlyMap<string, string>;
  readonly remarks: readonly Remark[];
  /** Path prefixes that are stripped. */
  readonly stripped: readonly { readonly prefixes: readonly string[]; readonly label: ForeignLabel }[];
  /** Redirects plain HTTP to HTTPS. */
  readonly redirectsToHttps: boolean;
  /** Something that may protect the service is lost: the route must not be published. */
  readonly isUnprotected: boolean;
}

/** One middleware while it is read. */
class Reading {
  readonly labels = new Map<string, string>();
  readonly remarks: Remark[] = [];
  readonly stripped: { prefixes: readonly string[]; label: ForeignLabel }[] = [];
  redirectsToHttps = false;
  isUnprotected = false;
  readonly hosts: readonly string[];

  constructor(hosts: readonly string[]) {
    this.hosts = hosts;
  }

  set(name: string, value: string): void {
    this.labels.set(name, value);
  }

  lose(label: ForeignLabel, reason: string, remedy: string): void {
    this.#say({ severity: 'error', label, reason, remedy });
  }

  advise(label: ForeignLabel, reason: string, remedy: string): void {
    this.#say({ severity: 'warning', label, reason, remedy });
  }

  /** Once for each middleware and reason. */
  #say(remark: Remark): void {
    const isSame = (other: Remark) => other.reason === remark.reason && typeOf(other.label) === typeOf(remark.label);
    if (!this.remarks.some(isSame)) this.remarks.push(remark);
  }
}

function typeOf({ name }: ForeignLabel): string {
  return name.split('.').slice(0, 5).join('.');
}

/** Reads one field: `rest` is the part of its name below the type, such as `X-Frame-Options`, in the case in which it is written. */
type ReadField = (reading: Reading, label: ForeignLabel, rest: string, fields: Fields) => void;

const ignored: ReadField = () => undefined;

const to =
  (name: string): ReadField =>
  (reading, { value }) =>
    reading.set(name, value);

const header =
  (name: string, text: string): ReadField =>
  (reading, { value }) => {
    if (isTrue(value)) reading.set(`response_header.${name}`, text);
  };

const asList =
  (name: string): ReadField =>
  (reading, { value }) =>
    reading.set(name, listOf(value).join(', '));

/** By type and option, in lower case. A type that ends with a dot has options of any name. */
const fields: Readonly<Record<string, ReadField>> = {
  'redirectscheme.scheme': (reading, label) => {
    if (label.value === 'https') reading.redirectsToHttps = true;
    else reading.lose(label, 'redirects to another scheme than https', 'Use redirects.');
  },
  'redirectscheme.permanent': ignored,
  'redirectscheme.port': ignored,
  'stripprefix.prefixes': (reading, label) => reading.stripped.push({ prefixes: listOf(label.value), label }),
  'stripprefix.forceslash': ignored,
  'addprefix.prefix': to('backend_path'),
  compress: (reading, { value }) => {
    if (isTrue(value)) reading.set('compress', 'gzip');
  },
  'compress.': ignored,
  'ipallowlist.sourcerange': asList('allow'),
  'ipwhitelist.sourcerange': asList('allow'),
  'inflightreq.amount': to('connection_limit'),
  'buffering.maxrequestbodybytes': (reading, { value }) => reading.set('max_body_size', sizeOf(value)),
  'buffering.': ignored,
  'retry.': ignored,
  'ratelimit.average': (reading, label, _, all) => reading.set('rate_limit', rateOf(label, all)),
  'ratelimit.burst': ignored,
  'ratelimit.period': ignored,
  'ratelimit.sourcecriterion.requestheadername': ignored,
  'ratelimit.sourcecriterion.requesthost': ignored,
  'basicauth.users': (reading, label) => needsUsers(reading, label),
  'basicauth.usersfile': (reading, label) => needsUsers(reading, label),
  'basicauth.realm': to('basic_auth_realm'),
  'basicauth.removeheader': (reading, { value }) => {
    if (isFalse(value)) reading.set('basic_auth_forward', 'true');
  },
  'forwardauth.address': to('forward_auth'),
  'forwardauth.authresponseheaders': asList('forward_auth_headers'),
  'forwardauth.trustforwardheader': ignored,
  'headers.customrequestheaders.': (reading, { value }, name) => reading.set(`request_header.${name}`, value),
  'headers.customresponseheaders.': (reading, { value }, name) => reading.set(`response_header.${name}`, value),
  'headers.sslredirect': (reading, { value }) => {
    reading.redirectsToHttps ||= isTrue(value);
  },
  'headers.stsseconds': (reading, label, _, all) => {
    if (Number(label.value) > 0) reading.set('hsts', hstsOf(label, all));
  },
  'headers.stsincludesubdomains': ignored,
  'headers.stspreload': ignored,
  'headers.forcestsheader': ignored,
  'headers.framedeny': header('X-Frame-Options', 'DENY'),
  'headers.customframeoptionsvalue': to('response_header.X-Frame-Options'),
  'headers.contenttypenosniff': header('X-Content-Type-Options', 'nosniff'),
  'headers.browserxssfilter': header('X-XSS-Protection', '1; mode=block'),
  'headers.contentsecuritypolicy': to('response_header.Content-Security-Policy'),
  'headers.referrerpolicy': to('response_header.Referrer-Policy'),
  'headers.permissionspolicy': to('response_header.Permissions-Policy'),
  'headers.accesscontrolalloworiginlist': asList('cors'),
  'headers.accesscontrolallowmethods': asList('cors_methods'),
  'headers.accesscontrolallowheaders': asList('cors_headers'),
  'headers.accesscontrolallowcredentials': to('cors_credentials'),
  'headers.accesscontrolmaxage': to('cors_max_age'),
  'headers.addvaryheader': ignored,
  'redirectregex.replacement': (reading, label, _, all) => toCanonicalHost(reading, label, all),
  'redirectregex.': ignored,
};

/** What has no counterpart, with a better remedy than for others. */
const remedies: Readonly<Record<string, string>> = {
  errors: 'Set error_pages to the service with the pages, which receives GET /<status>.html, and error_page_statuses.',
  digestauth: 'Use basic_auth over TLS, or forward_auth.',
  circuitbreaker: 'Use max_fails and fail_timeout.',
  passtlsclientcert:
    'Services always receive the facts of a client certificate as X-SSL-Client headers: see ssl_client_ca.',
};

/** Converts the middlewares of a router, in order. Later ones replace the labels of earlier ones. */
export function convertMiddlewares(
  used: readonly Use[],
  known: ReadonlyMap<string, Fields>,
  hosts: readonly string[],
): MiddlewareResult {
  const reading = new Reading(hosts);
  for (const { name, usedBy } of expand(used, known)) {
    const found = known.get(name);
    if (found === undefined) loseUnknown(name, usedBy, reading);
    else for (const [path, label] of found) readField(path, label, found, reading);
  }
  return reading;
}

interface Use {
  readonly name: string;
  readonly usedBy: ForeignLabel;
}

/** Replaces chains by their members. A chain within itself ends. */
function expand(used: readonly Use[], known: ReadonlyMap<string, Fields>, depth = 0): Use[] {
  return used.flatMap((use) => {
    const name = use.name.toLowerCase().replace(/@(?:docker|swarm)$/, '');
    const chain = known.get(name)?.get('chain.middlewares');
    if (chain === undefined || depth > 8) return { ...use, name };
    const members = listOf(chain.value).map((member) => ({ name: member, usedBy: chain }));
    return expand(members, known, depth + 1);
  });
}

function readField(path: string, label: ForeignLabel, all: Fields, reading: Reading): void {
  const family = Object.keys(fields).find((prefix) => prefix.endsWith('.') && path.startsWith(prefix));
  if (Object.hasOwn(fields, path)) fields[path]!(reading, label, '', all);
  else if (family !== undefined) fields[family]!(reading, label, label.name.slice(family.length - path.length), all);
  else loseField(path.split('.')[0]!, label, reading);
}

function loseField(type: string, label: ForeignLabel, reading: Reading): void {
  if (PROTECTIVE.includes(type)) {
    reading.isUnprotected = true;
    reading.lose(
      label,
      'has no counterpart and may protect the service: the route is left out',
      remedies[type] ?? BY_HAND,
    );
  } else reading.lose(label, 'has no counterpart', remedies[type] ?? BY_HAND);
}

function loseUnknown(name: string, usedBy: ForeignLabel, reading: Reading): void {
  reading.isUnprotected = true;
  reading.lose(
    usedBy,
    `names the middleware ${name}, which no label of these files defines and which may protect the service: the route is left out`,
    'Convert the route by hand, or add the labels of the middleware to the file.',
  );
}

/** Middlewares that may decide who reaches the service. */
const PROTECTIVE = ['digestauth', 'plugin', 'basicauth', 'forwardauth', 'ipallowlist', 'ipwhitelist'];

/** In the units of nginx: Traefik counts bytes. */
function sizeOf(bytes: string): string {
  return Number(bytes) < 1024 ? bytes : `${Math.ceil(Number(bytes) / 1024)}k`;
}

/** A redirect from some of the route's hosts to another one of them. Any other redirect is lost. */
function toCanonicalHost(reading: Reading, label: ForeignLabel, all: Fields): void {
  const [, target = ''] = /^https?:\/\/([^/$]+)\/?\$*\{?1\}?$/.exec(label.value) ?? [];
  const from = (all.get('redirectregex.regex')?.value ?? '').replaceAll('\\', '');
  const others = reading.hosts.filter((host) => host !== target);
  const isWhole = reading.hosts.includes(target) && others.length > 0 && others.every((host) => from.includes(host));
  if (isWhole && from.endsWith('(.*)')) reading.set('canonical_host', target);
  else
    reading.lose(
      label,
      'has no counterpart',
      'Use redirects for other hosts and paths, or canonical_host for one name of several.',
    );
}

function needsUsers(reading: Reading, label: ForeignLabel): void {
  const secret = `${label.name.split('.')[3] ?? ''}-users`;
  reading.set('basic_auth', secret);
  reading.advise(
    label,
    'becomes a Docker secret: until it exists, the route answers 503',
    `Create the secret ${secret} with one line name:hash for each user (with one $ where compose files write $$), and declare it under secrets.`,
  );
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** In whole requests per second, or else per minute. Traefik's unit is a period, one second by default. */
function rateOf({ value }: ForeignLabel, all: Fields): string {
  const [, count = '1', unit = 's'] = /^(\d+)(ms|s|m|h)?$/.exec(all.get('ratelimit.period')?.value ?? '1s') ?? [];
  const perSecond = Number(value) / (Number(count) * UNIT_SECONDS[unit]!);
  const rate = Number.isInteger(perSecond) ? `${perSecond}r/s` : `${Math.max(1, Math.floor(perSecond * 60))}r/m`;
  const burst = all.get('ratelimit.burst')?.value;
  const name = all.get('ratelimit.sourcecriterion.requestheadername')?.value;
  const isByHost = isTrue(all.get('ratelimit.sourcecriterion.requesthost')?.value);
  const key = name === undefined ? isByHost && 'key=host' : `key=header:${name}`;
  return [rate, burst && `burst=${burst}`, key].filter(Boolean).join(' ');
}

function hstsOf({ value }: ForeignLabel, all: Fields): string {
  const includes = isTrue(all.get('headers.stsincludesubdomains')?.value);
  const preloads = isTrue(all.get('headers.stspreload')?.value);
  return [value, includes && 'includeSubDomains', preloads && 'preload'].filter(Boolean).join('; ');
}
