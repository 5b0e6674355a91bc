import { z } from 'zod';
import { parseHost } from './hosts/host.ts';
import { encodePath, parsePath } from './path.ts';
import { shownValue } from './problem.ts';

export const REDIRECT_STATUSES = [301, 302, 303, 307, 308] as const;
export type RedirectStatus = (typeof REDIRECT_STATUSES)[number];

export interface Redirect {
  /** Host whose requests are redirected. */
  readonly host: string;
  /** Prefix of complete path segments, decoded and without trailing slash; '' is the whole host. */
  readonly path: string;
  /** Redirects requests over TLS too. */
  readonly secure: boolean;
  /** Scheme, host and port, and perhaps an encoded path. The rest of the request's path follows. */
  readonly target: string;
  readonly status: RedirectStatus;
}

/** Redirects replace all routes of a host, unless one of them has a path. */
export interface Redirects {
  readonly ofHosts: readonly Redirect[];
  readonly ofPaths: readonly Redirect[];
}

export const REDIRECT_FORM = '<source>[path],<target>[path][,<status>]';

/** An entry of the label as the user wrote it. */
export interface RedirectEntry {
  readonly text: string;
  /** Undefined if the entry is invalid. */
  readonly redirect: Redirect | undefined;
}

export const redirectList = z.string().transform((value): RedirectEntry[] =>
  value
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => ({ text: shownValue(entry), redirect: parseRedirect(entry) })),
);

function parseRedirect(pair: string): Redirect | undefined {
  const [from = '', to = '', written = '302', ...rest] = pair.split(',').map((part) => part.trim());
  const source = parseUrl(from);
  const target = parseUrl(to);
  const status = REDIRECT_STATUSES.find((known) => String(known) === written);
  if (source === undefined || target === undefined || status === undefined || rest.length > 0) return undefined;
  return {
    host: source.host,
    path: source.path,
    secure: source.scheme === 'https',
    target: `${target.scheme}://${target.host}${target.port}${encodePath(target.path)}`,
    status,
  };
}

/** `http://host:port/path`; host and path in normalized form. */
function parseUrl(text: string) {
  const [, scheme, name = '', port = '', written = ''] =
    /^(https?):\/\/([^/?#:]+|\[[0-9a-f:.]+\])(:\d{1,5})?(\/.*)?$/is.exec(text) ?? [];
  const host = parseHost(name);
  const parsed = parsePath(written || '/');
  if (scheme === undefined || typeof host === 'string' || host.kind !== 'exact' || !('path' in parsed))
    return undefined;
  return { scheme: scheme.toLowerCase(), host: host.name, port, path: parsed.path };
}

function hasTargetPath({ target }: Redirect): boolean {
  return new URL(target).pathname !== '/';
}

/** The first redirect of a path applies, and the first over TLS. */
export function divideRedirects(redirects: readonly Redirect[]): Redirects {
  const keyOf = ({ host, path, secure }: Redirect) => JSON.stringify([host, path, secure]);
  const first = new Map(redirects.toReversed().map((redirect) => [keyOf(redirect), redirect]));
  const own = redirects.filter((redirect) => first.get(keyOf(redirect)) === redirect);
  const withPaths = new Set(
    own.filter((redirect) => redirect.path !== '' || hasTargetPath(redirect)).map(({ host }) => host),
  );
  return {
    ofHosts: own.filter(({ host }) => !withPaths.has(host)),
    ofPaths: own.filter(({ host }) => withPaths.has(host)),
  };
}
