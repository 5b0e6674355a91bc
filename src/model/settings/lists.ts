import { isNetwork, MOST_NETWORKS, sortNetworks } from '../allow-list.ts';
import { type Problem, shownValue } from '../problem.ts';
import { invalidSetting } from './table.ts';

/** `[Lists]`: addresses and networks by the name that labels write as `@<name>`. */
export type Lists = ReadonlyMap<string, readonly string[]>;

const NAME = /^[\w.-]{1,64}$/;

/** A list with an error is left out: labels that name it close their routes. */
export function parseLists(table: Readonly<Record<string, unknown>>): {
  readonly lists: Lists;
  readonly problems: readonly Problem[];
} {
  const entries = Object.entries(table);
  const faulty = entries.flatMap(([name, value]) => faultOf(name, value) ?? []);
  const good = entries.filter(([name, value]) => faultOf(name, value) === undefined) as [string, string[]][];
  return { lists: new Map(good.map(([name, networks]) => [name, sortNetworks(networks)])), problems: faulty };
}

function faultOf(name: string, value: unknown): Problem | undefined {
  const fault = (reason: string, remedy: string): Problem => ({
    ...invalidSetting(reason, remedy),
    label: `Lists.${shownValue(name)}`,
    value: shownValue(JSON.stringify(value) ?? ''),
  });
  if (!NAME.test(name)) return fault('is not the name of a list', 'Use letters, digits, dots, dashes and underscores.');
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string' || !isNetwork(entry)))
    return fault('is not a list of addresses and networks', 'Write a list such as ["10.20.0.0/16", "192.0.2.7"].');
  if (value.length > MOST_NETWORKS)
    return fault(`has more than ${MOST_NETWORKS} entries`, 'Divide it into several lists.');
  return undefined;
}
