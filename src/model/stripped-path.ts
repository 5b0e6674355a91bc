/**
 * `context_root_rewrite`, as templates/stripped-paths.hbs does it: what reaches the application for a request target. A route is selected by the
 * normalized path: percent-encodings decoded (an encoded slash is a slash), slashes merged, dot segments resolved. The
 * application receives the rest below the root: dot segments resolved, everything else byte for byte as the client sent it.
 */
export type Stripped =
  /** The application receives `url`, and `X-Forwarded-Prefix` is the root. */
  | { readonly kind: 'reaches'; readonly url: string }
  /** The path is not below the root: another route answers, or 404. */
  | { readonly kind: 'elsewhere' }
  /** Invalid or ambiguous: 400. */
  | { readonly kind: 'rejected' };

interface Segment {
  /** Slashes before it, as sent. */
  readonly slashes: string;
  readonly text: string;
}

/** `root` is a context root in decoded form, such as `/app` or `/my app`. */
export function stripRoot(root: string, target: string): Stripped {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark);
  if (/%(?![0-9a-f]{2})/i.test(path) || /%00/.test(path)) return { kind: 'rejected' };

  const segments = split(path);
  const resolved = resolve(segments);
  if (!resolved) return { kind: 'rejected' };

  const wanted = root.split('/').slice(1);
  const isBelow = wanted.every((segment, n) => resolved[n] !== undefined && decode(resolved[n].text) === segment);
  if (!isBelow) return { kind: 'elsewhere' };
  // Some applications treat `..;` as `..`.
  if (segments.some(({ text }) => /^\.\.?;/.test(decode(text)))) return { kind: 'rejected' };
  const [first, ...others] = resolved.slice(wanted.length);
  if (!first) return { kind: 'reaches', url: `/${query}` };
  // The rest begins with a plain slash, even if the client encoded it.
  const begin = first.slashes.replace(/^%2f/i, '/');
  const rest = others.map(({ slashes, text }) => slashes + text).join('');
  return { kind: 'reaches', url: begin + first.text + rest + query };
}

/** Runs of slashes, plain or encoded, separate segments. */
function split(path: string): Segment[] {
  return [...path.matchAll(/((?:\/|%2f)+)((?:(?!\/|%2f).)*)/gi)].map(([, slashes = '', text = '']) => ({
    slashes,
    text,
  }));
}

/** Without dot segments; undefined if they lead above the root of the host. */
function resolve(segments: readonly Segment[]): Segment[] | undefined {
  const kept: Segment[] = [];
  for (const segment of segments) {
    // The slashes before a dot segment are kept for the segment after it.
    const before = kept.at(-1)?.text === '' ? kept.pop() : undefined;
    const text = decode(segment.text);
    if (text === '..' && kept.length === 0) return undefined;
    if (text === '..') kept.push({ slashes: kept.pop()!.slashes, text: '' });
    else if (text === '.') kept.push({ slashes: before?.slashes ?? segment.slashes, text: '' });
    else if (before)
      kept.push({ slashes: before.slashes + segment.slashes.replace(/^(?:\/|%2f)/i, ''), text: segment.text });
    else kept.push(segment);
  }
  return kept;
}

/** Decodes byte by byte, so that text that is not UTF-8 is decoded as well. */
function decode(text: string): string {
  return Buffer.from(
    text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');
}
