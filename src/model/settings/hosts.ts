import type { HostPattern } from '../host-ownership/rules.ts';
import { parseHost } from '../hosts/host.ts';
import type { Problem } from '../problem.ts';
import { isTable, settingsProblem, tableOrEmpty } from './table.ts';

/** Parses `[Hosts]`: pattern → names of the stacks and services that may claim it. */
export function parseHosts(table: unknown) {
  const entries = Object.entries(tableOrEmpty(table)).map(([key, value]) => parsePattern(key, value));
  const patterns = entries.flatMap(({ pattern }) => pattern ?? []);
  const same = Map.groupBy(patterns, ({ host }) => (host ? `${host.kind} ${host.name}` : '*'));
  const repeated = [...same.values()].flatMap(([first, ...others]) =>
    others.map(({ key }) =>
      settingsProblem(`Hosts.${key}`, key, `is the same host as ${first!.key}`, 'Merge the two lists.'),
    ),
  );
  return {
    // Repeated patterns are restrictive: only names in all lists may claim the host.
    patterns: [...same.values()].map(([first, ...others]) => ({
      ...first!,
      owners: first!.owners.filter((name) => others.every(({ owners }) => owners.includes(name))),
    })),
    problems: [...entries.flatMap(({ problems }) => problems), ...repeated],
  };
}

/** A pattern with an invalid list is kept, so that no one may claim it. */
function parsePattern(key: string, value: unknown): { pattern?: HostPattern; problems: Problem[] } {
  const label = `Hosts.${key}`;
  if (isTable(value)) {
    const remedy = 'Quote the pattern: "app.example.org" = ["shop"].';
    return { problems: [settingsProblem(label, value, 'is a table', remedy)] };
  }
  const host = key.trim() === '*' ? undefined : parseHost(key);
  if (typeof host === 'string') {
    const remedy = 'Write a host, a wildcard such as "*.example.org", or "*" for the default backend.';
    return { problems: [settingsProblem(label, key, host, remedy)] };
  }
  const { names, isGood } = readOwners(value);
  const remedy = 'List names of stacks and services: ["shop", "blog_web"]; with [], no one can claim it.';
  const problems = isGood ? [] : [settingsProblem(label, value, 'is not a list of names', remedy)];
  return { pattern: { host, key: key.trim(), owners: names }, problems };
}

function readOwners(value: unknown) {
  const isName = (name: unknown) => typeof name === 'string' && /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name);
  if (!Array.isArray(value)) return { names: [], isGood: false };
  return { names: value.filter(isName) as string[], isGood: value.every(isName) };
}
