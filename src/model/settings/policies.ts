import { beginningOf, isUnset, type LabelDefinition, type LabelFamily } from '../labels/label.ts';
import { type LabelEntry, remedyFor } from '../labels/label-reader.ts';
import { definitionOf, type LabelName, labels } from '../labels/labels.ts';
import { nearest } from '../labels/nearest.ts';
import { HIDDEN, type Problem, shownValue } from '../problem.ts';
import { isPolicyName } from './policy-name.ts';
import { invalidSetting } from './table.ts';

/** Labels that the settings give to services, by name. */
export type GivenLabels = ReadonlyMap<string, LabelEntry>;
/** `[Policies.<name>]`, by name. */
export type Policies = ReadonlyMap<string, GivenLabels>;

type Table = Readonly<Record<string, unknown>>;
type Origin = Pick<LabelEntry, 'from' | 'isEnforced'>;

/** These define one route, so only its service can set them. */
const OF_ONE_ROUTE: ReadonlySet<string> = new Set<LabelName>([
  'hosts',
  'port',
  'network',
  'context_root',
  'paths',
  'match',
  'weight',
  'service_cluster',
  'default_backend',
  'redirects',
  'canonical_host',
  'policy',
  'tcp_port',
  'udp_port',
]);

/** Labels that a policy may set, except families. */
export const policyLabels = Object.entries(labels).filter(([name]) => !OF_ONE_ROUTE.has(name));
const allowedNames = policyLabels.map(([name]) => name);

/** A policy that cannot be used is left out: labels that name it close their routes. */
export function parsePolicies(table: Table): { readonly policies: Policies; readonly problems: readonly Problem[] } {
  const policies = new Map<string, GivenLabels>();
  const problems: Problem[] = [];
  for (const [name, own] of Object.entries(table)) {
    const path = `Policies.${shownValue(name)}`;
    if (!isPolicyName(name))
      problems.push(
        toProblem(path, own, 'is not the name of a policy', 'Use letters, digits, dashes and underscores.'),
      );
    else if (!isTable(own))
      problems.push(toProblem(path, own, 'is not a table', `Write [${path}], followed by labels.`));
    else {
      const read = parseGivenLabels(own, path, { from: `policy ${name}` });
      policies.set(name, read.labels);
      problems.push(...read.problems);
    }
  }
  return { policies, problems };
}

/**
 * Reads a table of labels. An invalid value of an `optional` label is left out. For others it is kept, and closes the
 * routes that it applies to.
 */
export function parseGivenLabels(
  table: Table,
  path: string,
  origin: Origin,
): { readonly labels: GivenLabels; readonly problems: readonly Problem[] } {
  const found = new Map<string, LabelEntry>();
  const folded = new Set<string>();
  const problems: Problem[] = [];
  for (const [written, raw] of Object.entries(table).flatMap(withoutFamilyTables)) {
    const label = `${path}.${shownValue(written)}`;
    const name = nameOf(written);
    const definition = definitionOf(name);
    const obstacle = folded.has(name.toLowerCase()) ? repeated : obstacleTo(name, definition);
    if (obstacle !== undefined || definition === undefined) {
      problems.push(toProblem(label, raw, obstacle!.reason, obstacle!.remedy));
      continue;
    }
    folded.add(name.toLowerCase());
    const fault = faultOf(raw, definition);
    const shown = definition.hides?.(textOf(raw)) ? HIDDEN : raw;
    if (fault !== undefined) problems.push(toProblem(label, shown, fault, remedyFor(definition)));
    if (fault !== undefined && definition.policy === 'optional') continue;
    found.set(name, { label, value: textOf(raw), ...origin, ...(fault === undefined ? {} : { isInvalid: true }) });
  }
  return { labels: found, problems };
}

/** TOML reads `response_header.X-Frame-Options = "DENY"` as a table in a table. */
function withoutFamilyTables([name, value]: readonly [string, unknown]): (readonly [string, unknown])[] {
  const isFamily = definitionOf(`${name.toLowerCase()}.`) !== undefined;
  return isFamily && isTable(value)
    ? Object.entries(value).map(([chosen, each]) => [`${name}.${chosen}`, each])
    : [[name, value]];
}

/** Settings are case-insensitive, except for names that users choose. */
function nameOf(written: string): string {
  const lower = written.toLowerCase();
  const definition = definitionOf(lower);
  if (definition === undefined || !isFamily(definition)) return lower;
  const beginning = beginningOf(definition);
  return beginning + written.slice(beginning.length);
}

interface Obstacle {
  readonly reason: string;
  readonly remedy: string;
}

const repeated: Obstacle = { reason: 'is set twice, in another case', remedy: 'Remove one of them.' };

/** Why a label cannot be used here, whatever its value. */
function obstacleTo(name: string, definition: LabelDefinition | undefined): Obstacle | undefined {
  if (definition === undefined) {
    const guess = nearest(name, allowedNames);
    return { reason: 'is an unknown label', remedy: guess === undefined ? 'Remove it.' : `Did you mean ${guess}?` };
  }
  if (OF_ONE_ROUTE.has(name))
    return { reason: 'cannot be set in the settings: it defines one route', remedy: 'Set it on the service.' };
  const reason = isFamily(definition) ? definition.nameFault(name.slice(beginningOf(definition).length)) : undefined;
  return reason === undefined ? undefined : { reason, remedy: 'Remove the label, or choose another name.' };
}

function faultOf(raw: unknown, definition: LabelDefinition): string | undefined {
  if (!['string', 'number', 'boolean'].includes(typeof raw)) return 'is neither a text nor a number nor a boolean';
  const value = textOf(raw);
  // In a family, an empty value has a meaning of its own.
  if (isUnset(value) && !isFamily(definition)) return 'is empty';
  const { error } = definition.schema.safeParse(value);
  return error && (error.issues[0]?.message ?? 'is not valid');
}

function isFamily(definition: LabelDefinition): definition is LabelFamily {
  return 'nameFault' in definition;
}

function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function toProblem(label: string, value: unknown, reason: string, remedy: string): Problem {
  return { ...invalidSetting(reason, remedy), label, value: shownValue(textOf(value)) };
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
