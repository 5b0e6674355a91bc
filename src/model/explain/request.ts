import { resolveSegments } from '../path.ts';
import type { RequestDetails } from './details.ts';

/** Whether the text is an HTTP or HTTPS URL; the scheme is optional. */
export function isExplainable(text: string): boolean {
  return parseRequest(text) !== undefined;
}

interface Request {
  readonly url: string;
  readonly isSecure: boolean;
  readonly host: string;
  /** '' if the URL names none. */
  readonly port: string;
  /** As routes are matched against it; undefined if it leads above the root. */
  readonly path: string | undefined;
  /** Path and query as the client sends them. */
  readonly uri: string;
}

export interface Asked extends Request, RequestDetails {
  readonly httpsPort: number;
}

export function parseRequest(text: string): Request | undefined {
  const trimmed = text.trim();
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  url.hash = '';
  const { href, hostname, port, pathname, search } = url;
  return {
    url: href,
    isSecure: url.protocol === 'https:',
    host: hostname.replace(/\.$/, ''),
    port,
    path: normalizePath(pathname),
    uri: pathname + search,
  };
}

/** Normalizes as nginx does before it selects a location: decodes escapes, merges slashes, resolves dot segments. */
function normalizePath(path: string): string | undefined {
  const decoded = decodeBytes(path);
  return decoded.includes('\0') ? undefined : resolveSegments(decoded);
}

/** Bytes that are not UTF-8 match no context root: they become replacement characters. */
function decodeBytes(path: string): string {
  const bytes = path.replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}
