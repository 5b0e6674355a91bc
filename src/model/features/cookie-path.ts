import { z } from 'zod';
import { label } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import { encodePath, parsePath } from '../path.ts';
import { feature } from './feature.ts';

/** Cookies of the service with a path below one path get a path below another; '' is the whole host. */
interface CookiePath {
  readonly from: string;
  readonly to: string;
}

const PATH = /^(?:\/[A-Za-z0-9%._~!&'()*+,;=:@-]+)*$/;

const cookie_path = label({
  name: 'cookie_path',
  policy: 'optional',
  type: '`true`, or two paths, separated by a space',
  default: 'false',
  example: '/ /app',
  description:
    'Rewrites the path of cookies that the service sets. `true`: the cookies get the context root that `context_root_rewrite` strips, so that services on the same host do not receive or replace them. `/from /to`: cookies for `/from` and paths below it apply to `/to`. Cookies that already have the new path, and those without a path, stay the same.',
  schema: z
    .string()
    .trim()
    .transform((value, context): CookiePath | boolean => {
      if (/^(?:true|1|yes)$/i.test(value)) return true;
      if (/^(?:false|0|no|)$/i.test(value)) return false;
      const paths = value.split(/\s+/);
      const [from, to] = paths.map(readPath);
      if (paths.length === 2 && from !== undefined && to !== undefined) return { from, to };
      context.addIssue('is neither true nor two paths such as "/ /app"');
      return z.NEVER;
    }),
});

/** As the browser sees it; undefined if it is not a path. */
function readPath(text: string): string | undefined {
  const parsed = parsePath(text);
  return 'path' in parsed ? encodePath(parsed.path) : undefined;
}

const path = z.string().max(4096).regex(PATH);

export const cookiePath = feature({
  labels: { cookie_path },
  read(reader, { isGrpc, strippedPath }): CookiePath | undefined {
    const value = reader.read(cookie_path);
    if (value === undefined || value === false) return undefined;
    if (isGrpc) {
      reader.note(cookie_path, ineffectiveLabel('has no effect: gRPC has no cookies', 'Remove it.'));
      return undefined;
    }
    if (value !== true) return value;
    if (strippedPath !== '') return { from: '', to: encodePath(strippedPath) };
    reader.note(
      cookie_path,
      ineffectiveLabel(
        'has no effect: no context root is stripped',
        'Set context_root_rewrite to true, or name two paths, such as "/ /app".',
      ),
    );
    return undefined;
  },
  message: z.object({ from: path, to: path }),
  conflict: 'cookie_path',
  stage: 'response',
  explain: ({ from, to }) => ({
    cookie_path:
      from === to
        ? undefined
        : `Cookies that the service sets for ${from || '/'} and paths below it apply to ${to || '/'}.`,
  }),
  bytes: ({ from, to }) => 250 + 9 * (from.length + to.length),
  partial: 'cookie-path',
  view({ from, to }) {
    if (from === to) return undefined;
    // nginx uses the first rule that matches.
    const kept = to.startsWith(`${from}/`)
      ? [{ exact: toExpression(to), below: `${to}/`, root: to, path: `${to}/` }]
      : [];
    return {
      rules: [...kept, { exact: toExpression(from || '/'), below: `${from}/`, root: to || '/', path: `${to}/` }],
    };
  },
});

/** An expression for this text alone. */
function toExpression(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9/_-]/g, (character) => `\\x${character.charCodeAt(0).toString(16)}`);
}
