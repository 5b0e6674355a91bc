import { z } from 'zod';
import { splitHosts } from '../hosts/host-list.ts';
import { label, pathPrefix } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { type ParsedPattern, type PathPattern, parsePattern } from '../path-pattern.ts';
import { shownValue } from '../problem.ts';

/** Each is a route of its own. */
const MOST_PATHS = 32;

interface PathEntry {
  readonly text: string;
  readonly parsed: ParsedPattern;
}

const pathList = z
  .string()
  .transform((value) =>
    splitHosts(value).map((entry): PathEntry => ({ text: shownValue(entry), parsed: parsePattern(entry) })),
  )
  .refine((entries) => entries.length > 0, 'contains no path')
  .refine((entries) => entries.length <= MOST_PATHS, `has more than ${MOST_PATHS} paths`);

export const contextRootLabels = {
  context_root: label({
    name: 'context_root',
    policy: 'required',
    type: 'path',
    default: '/',
    example: '/app',
    description:
      'Path prefix that the service serves. Several services can share a host with different paths. Any RFC 3986 path is valid, percent-encoded or not: `/größe` and `/gr%C3%B6%C3%9Fe` are the same. `%2F` and control characters are rejected.',
    schema: pathPrefix,
  }),
  paths: label<PathEntry[]>({
    name: 'paths',
    policy: 'required',
    type: 'list of paths, separated by commas',
    default: '',
    example: String.raw`/app, =/health, ~/v\d+/users`,
    description: String.raw`Paths that the service serves, in place of \`context_root\`: \`/prefix\` as in \`context_root\`, \`=/exact\` only this path, and \`~/expression\` a regular expression for the whole path, case-sensitive, that runs in linear time ([limits](limits.md#regular-expressions)). Paths are compared after decoding and normalization. As in the Gateway API, an exact path takes precedence over a longer prefix. Regular expressions come between the two: after exact paths, before all prefixes, the longest expression first. Write commas as \`%2C\`. Invalid entries serve nothing and close the others.`,
    schema: pathList,
  }),
} as const;

/** The paths of a route, each once; empty if none of them is known. */
export function readPaths(reader: LabelReader): readonly PathPattern[] {
  const { context_root, paths } = contextRootLabels;
  const root = reader.readOr(context_root, '');
  if (!reader.has('paths')) return root === undefined ? [] : [root];
  if (reader.has('context_root'))
    reader.refuse(paths, 'contradicts context_root', 'Remove context_root, and add its path to paths.');
  const entries = reader.read(paths) ?? [];
  for (const { text, parsed } of entries)
    if ('reason' in parsed) reader.refuse(paths, `${JSON.stringify(text)} ${parsed.reason}`);
  return [...new Set(entries.flatMap(({ parsed }) => ('pattern' in parsed ? [parsed.pattern] : [])))];
}
