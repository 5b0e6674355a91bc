/** RFC 3986 paths, with unencoded characters beyond ASCII as in RFC 3987; `?` and `#` end a path. */
const WRITTEN_PATH = /^\/(?:[\w.~!$&'()*+,;=:@/-]|%[\da-f]{2}|[^\0-\x7f])*$/iu;
/** Includes line breaks, and characters that reorder the text around them. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const CANONICAL = /^(?:\/(?!\.{1,2}(?:\/|$))[^/]+)*$/;
export const MAX_PATH_LENGTH = 512;

/** A path in the normalized form that is used for comparisons, or the reason why the text is invalid. */
export type ParsedPath = { readonly path: string } | { readonly reason: string };

/** Decodes and normalizes like nginx before it selects a location; without trailing slash, the empty string is the root. */
export function parsePath(text: string): ParsedPath {
  const parsed = parseExactPath(text);
  return 'path' in parsed ? { path: parsed.path.replace(/\/$/, '') } : parsed;
}

/** The same with a trailing slash, if the text has one. The root is `/`. */
export function parseExactPath(text: string): ParsedPath {
  if (text.length > MAX_PATH_LENGTH) return { reason: `is longer than ${MAX_PATH_LENGTH} characters` };
  if (!text.startsWith('/')) return { reason: 'is not a path such as /app' };
  if (!WRITTEN_PATH.test(text)) return { reason: 'contains characters that must be percent-encoded in a path' };
  if (/%2f/i.test(text)) return { reason: 'contains %2F, which cannot be distinguished from a slash' };
  const decoded = decode(text);
  if (decoded === undefined) return { reason: 'is not UTF-8 after decoding' };
  if (UNSAFE.test(decoded)) return { reason: 'contains a control character' };
  const path = resolveSegments(decoded);
  return path === undefined ? { reason: 'leads above the root' } : { path };
}

function decode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text);
    return decoded.isWellFormed() ? decoded : undefined;
  } catch {
    return undefined;
  }
}

/** Merges slashes and resolves dot segments; undefined if the path leads above the root. */
export function resolveSegments(decoded: string): string | undefined {
  const segments: string[] = [];
  const parts = decoded.split('/').slice(1);
  for (const part of parts) {
    if (part === '..' && segments.pop() === undefined) return undefined;
    if (!['', '.', '..'].includes(part)) segments.push(part);
  }
  const isFolder = segments.length > 0 && ['', '.', '..'].includes(parts.at(-1)!);
  return `/${segments.join('/')}${isFolder ? '/' : ''}`;
}

/** Whether a text is a path in normalized form. */
export function isCanonicalPath(path: string): boolean {
  return CANONICAL.test(path) && !UNSAFE.test(path) && path.isWellFormed();
}

/** Percent-encoded for a header or a URL: ASCII without `$`. */
export function encodePath(path: string): string {
  return encodeURIComponent(path).replaceAll(/%(?:2F|26|2B|2C|3B|3D|3A|40)/g, decodeURIComponent);
}

/** Matches complete segments: `/app` and `/app/…`, never `/apple`. */
export function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`);
}

/** Length in bytes, as nginx counts it. */
export function pathBytes(path: string): number {
  return Buffer.byteLength(path);
}
