import { matchesPath, type PathPattern, pathKind, patternText } from '../../model/path-pattern.ts';
import type { Location } from '../../model/route-table/table.ts';

/** How nginx selects a location. */
interface Matcher {
  readonly exact: boolean;
  /** A pattern that nginx compares as an expression. */
  readonly expression: PathPattern | undefined;
  /** The path; with a slash at the end for paths below it. */
  readonly match: string;
  /** The location that takes precedence at this path. */
  readonly instead: Location | undefined;
}

/**
 * A prefix matches complete segments: `/app` and `/app/…`, never `/apple`. For `/app` itself, nginx prefers the exact
 * location, or redirects to `/app/`, before it tries expressions. So this location contains what takes precedence there.
 *
 * `special` has the locations of exact paths and expressions, in the order of matching.
 */
export function matchersOf(path: PathPattern, special: readonly Location[]): Matcher[] {
  const text = patternText(path);
  const kind = pathKind(path);
  const plain = { exact: false, expression: undefined, match: text, instead: undefined };
  // nginx would redirect `/app` to the exact location `/app/`.
  if (kind === 'regex' || (kind === 'exact' && text !== '/' && text.endsWith('/')))
    return [{ ...plain, expression: path }];
  if (kind === 'exact') return [{ ...plain, exact: true }];
  if (text === '') return [{ ...plain, match: '/' }];
  const instead = special.find((other) => matchesPath(text, other.path));
  const below = { ...plain, match: `${text}/` };
  // An exact path has this location already.
  if (instead !== undefined && pathKind(instead.path) === 'exact') return [below];
  return [{ ...plain, exact: true, instead }, below];
}
