import type { Affinity } from '../../src/model/features/affinity.ts';
import { changedResponseHeaders } from '../../src/model/features/features.ts';
import type { ResponseHeader } from '../../src/model/features/response-headers.ts';
import type { Host } from '../../src/model/hosts/host.ts';
import type { Condition } from '../../src/model/match.ts';
import { pathBytes } from '../../src/model/path.ts';
import { pathKind } from '../../src/model/path-pattern.ts';
import type { Redirect } from '../../src/model/redirects.ts';
import type { Route } from '../../src/model/route.ts';

/** Numbers its inputs: equal inputs get equal numbers. */
function numbering(): (key: string) => number {
  const numbers = new Map<string, number>();
  return (key) => {
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  };
}

const plainHost = { exact: 'h', wildcard: '*.h', regex: 'h' } as const;

/**
 * The same routes with plain text in place of every text from a label. They need the same blocks and directives, so
 * both configurations must have the same structure.
 */
export function withPlainTexts(routes: readonly Route[]): Route[] {
  const hosts = numbering();
  const paths = numbering();
  const cookies = numbering();
  const networks = numbering();
  const network = (text: string) => `192.0.2.${networks(text)}`;
  const names = numbering();
  // Different values stay different: locations with the same values share text.
  const text = numbering();
  const header = (name: string) => `X${text(`header ${name.toLowerCase()}`)}`;
  const value = (written: string) => `${written.includes('$') ? 'x$' : 'x'}${text(written)}`;
  const origins = numbering();
  const origin = (text: string) => {
    if (text === '*') return text;
    return `https://${text.includes('*') ? '*.' : ''}h${origins(text)}`;
  };
  const host = ({ kind, name }: Host): Host => ({ kind, name: `${plainHost[kind]}${hosts(`${kind} ${name}`)}` });
  // The same number of bytes as before: it decides how a context root is removed.
  // Segment by segment, so that a path below another stays below it.
  const segment = (text: string) => String(paths(text)).padStart(pathBytes(text), '0');
  // Which paths an expression matches depends on its text.
  const isKept = routes.some((route) => pathKind(route.path) === 'regex');
  const path = (text: string) =>
    isKept
      ? text
      : text.replace(/^(=?)(.*)$/s, (_, mark: string, rest: string) => mark + rest.replaceAll(/[^/]+/g, segment));
  const affinity = (wanted: Affinity): Affinity => {
    if (wanted.kind !== 'cookie') return wanted;
    const number = cookies(wanted.name);
    // An nginx variable has no dashes and dots: such a cookie is another case.
    return { kind: 'cookie', name: /^\w+$/.test(wanted.name) ? `c${number}` : `c-${number}` };
  };
  const plainRedirect = (redirect: Redirect): Redirect => ({
    ...redirect,
    host: host({ kind: 'exact', name: redirect.host }).name,
    path: path(redirect.path),
    target: 'http://t',
  });
  const condition = (written: Condition): Condition => {
    if (written.kind === 'method') return written;
    const plain = { ...written, name: `n${text(`${written.kind} ${written.name}`)}` };
    return written.value === undefined ? plain : { ...plain, value: `v${text(written.value)}` };
  };
  return routes.map((route, position) => ({
    ...route,
    // The order of routes stays the same, also if texts decide about it.
    service: { ...route.service, createdAt: String(position).padStart(6, '0') },
    ...(route.match && { match: route.match.map(condition) }),
    hosts: route.hosts.map(host),
    path: path(route.path),
    redirects: route.redirects.map(plainRedirect),
    ...(route.pathRedirects && { pathRedirects: route.pathRedirects.map(plainRedirect) }),
    ...(route.canonicalHost && { canonicalHost: host({ kind: 'exact', name: route.canonicalHost }).name }),
    options: {
      ...route.options,
      addressLists: route.options.addressLists && {
        allow: route.options.addressLists.allow?.map(network),
        deny: route.options.addressLists.deny?.map(network),
      },
      ...plainAuthentication(route.options, text, header),
      cors: route.options.cors && {
        ...route.options.cors,
        origins: route.options.cors.origins.map(origin),
        methods: [`M${text(route.options.cors.methods.join())}`],
        headers: [`H${text(route.options.cors.headers.join())}`],
      },
      cookiePath: route.options.cookiePath && plainCookiePath(route.options.cookiePath, text),
      upstreamHost: route.options.upstreamHost && {
        ...route.options.upstreamHost,
        host: `h${text(route.options.upstreamHost.host)}`,
      },
      requestHeaders: route.options.requestHeaders && {
        ...route.options.requestHeaders,
        headers: route.options.requestHeaders.headers.map(([name, written]) => [header(name), value(written)]),
      },
      // A `$` needs a variable, and an empty value removes the header.
      responseHeaders: route.options.responseHeaders?.map(
        ([name, written]): ResponseHeader => [
          isShared(route, name) ? name : header(name),
          written === '' ? '' : value(written),
        ],
      ),
      backendPath: route.options.backendPath && path(route.options.backendPath),
      affinity: affinity(route.options.affinity),
      backendName: route.options.backendName === '' ? '' : `n${names(route.options.backendName)}`,
    },
    maintenance: route.maintenance && { allow: route.maintenance.allow.map(network) },
  }));
}

/** One path may be below the other. */
function plainCookiePath({ from, to }: { readonly from: string; readonly to: string }, text: (key: string) => number) {
  const plain = from === '' ? '' : `/from${text(from)}`;
  if (to === from) return { from: plain, to: plain };
  if (to.startsWith(`${from}/`)) return { from: plain, to: `${plain}/to${text(to)}` };
  return { from: plain, to: to === '' ? '' : `/to${text(to)}` };
}

/** Whether another label changes the same header. */
function isShared({ options }: Route, name: string): boolean {
  const others = changedResponseHeaders({ ...options, responseHeaders: undefined });
  return others.some((other) => other.name.toLowerCase() === name.toLowerCase());
}

function plainAuthentication(
  options: Route['options'],
  text: (key: string) => number,
  header: (name: string) => string,
) {
  return {
    basicAuth: options.basicAuth && {
      ...options.basicAuth,
      realm: options.basicAuth.realm === '' ? '' : `r${text(options.basicAuth.realm)}`,
    },
    forwardAuth: options.forwardAuth && {
      ...options.forwardAuth,
      target: `/t${text(options.forwardAuth.target)}`,
      headers: options.forwardAuth.headers.map(header),
      signin: options.forwardAuth.signin === '' ? '' : `/s${text(options.forwardAuth.signin)}`,
      open: options.forwardAuth.open.map((path) => `/o${text(path)}`),
    },
  };
}
