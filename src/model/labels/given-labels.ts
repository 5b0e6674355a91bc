import { defaultHostOf } from '../default-host.ts';
import type { ClusterFacts } from '../features/feature.ts';
import { shownValue } from '../problem.ts';
import { readPolicies } from '../route-labels/policy.ts';
import type { GivenLabels } from '../settings/policies.ts';
import type { SwarmService } from '../snapshot.ts';
import { ineffectiveLabel } from './label-problems.ts';
import type { LabelEntry, LabelReader } from './label-reader.ts';
import { definitionOf, type LabelName } from './labels.ts';

/**
 * Labels that decide the same: if one of a pair is set and its value is neither empty nor false, values of lower
 * precedence for the other do not apply. A service's own certificate must not be used with the settings' key.
 */
const ALTERNATIVES: readonly (readonly [LabelName, LabelName])[] = [
  ['ssl_cert', 'ssl_key'],
  ['ssl_cert', 'ssl_passthrough'],
  ['ssl_key', 'ssl_passthrough'],
  ['acme', 'ssl_cert'],
  ['acme', 'ssl_key'],
  ['acme', 'ssl_passthrough'],
  ['ssl_backend', 'backend_protocol'],
  ['sticky_session_cookie', 'ip_hash'],
  ['sticky_session_cookie', 'balance'],
  ['ip_hash', 'balance'],
];

/** Adds the labels of the cluster's settings to those of a route: enforced, own, policies, defaults, in this order. */
export function addGivenLabels(reader: LabelReader, service: SwarmService, cluster: ClusterFacts | undefined): void {
  const policies = readPolicies(reader, cluster);
  if (cluster === undefined) return;
  const own = reader.entries;
  const host = defaultHost(reader, service, cluster);
  const combined = combineLabels([cluster.enforced, own, ...policies, cluster.defaults, host]);
  for (const [name, entry] of own) noteOverridden(reader, name, entry, combined, cluster.enforced);
  reader.use(combined);
}

/** Labels by precedence, the highest first. */
export function combineLabels(sources: readonly GivenLabels[]): GivenLabels {
  const combined = new Map<string, LabelEntry>();
  const decided = new Set<string>();
  for (const source of sources) {
    const added = [...source].filter(([name]) => !decided.has(name.toLowerCase()));
    for (const [name, entry] of added) {
      combined.set(name, entry);
      // Names of headers are case-insensitive.
      decided.add(name.toLowerCase());
    }
    for (const [name, entry] of added) {
      const others = alternativesTo(name);
      if (others.length > 0 && isOn(name, entry)) for (const other of others) decided.add(other);
    }
  }
  return combined;
}

function alternativesTo(name: string): readonly string[] {
  return ALTERNATIVES.flatMap(([a, b]) => (a === name ? [b] : b === name ? [a] : []));
}

/** Whether a value is neither false nor empty; also if it is invalid. */
function isOn(name: string, { value }: LabelEntry): boolean {
  const parsed = definitionOf(name)?.schema.safeParse(value);
  return parsed === undefined || !parsed.success || Boolean(parsed.data);
}

/** For the plain labels only: several groups with the same host would mix their ports. */
function defaultHost(reader: LabelReader, service: SwarmService, { defaultHost }: ClusterFacts): GivenLabels {
  const { entries, group } = reader;
  const fallback = entries.get('default_backend');
  const isNamed = entries.has('hosts') || (fallback !== undefined && isOn('default_backend', fallback));
  const isStream = entries.has('tcp_port') || entries.has('udp_port');
  if (defaultHost === undefined || group !== '' || isNamed || isStream || !entries.has('port')) return NONE;
  const { key, template } = defaultHost;
  return new Map([['hosts', { label: key, value: defaultHostOf(template, service), from: key }]]);
}

const NONE: GivenLabels = new Map();

function noteOverridden(
  reader: LabelReader,
  name: string,
  own: LabelEntry,
  combined: GivenLabels,
  enforced: GivenLabels,
): void {
  if (combined.get(name) === own) return;
  const same = [...enforced].find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
  if (same !== undefined && isSame(name, own, same)) return;
  const decides = (other: string) => enforced.has(other) && isOn(other, enforced.get(other)!);
  const winner = same ?? enforced.get(alternativesTo(name).find(decides) ?? '');
  if (winner === undefined) return;
  const reason = `has no effect: the settings enforce ${winner.label} = ${JSON.stringify(shownValue(winner.value))}`;
  reader.note({ name }, ineffectiveLabel(reason, 'Remove the label.'));
}

function isSame(name: string, a: LabelEntry, b: LabelEntry): boolean {
  const parse = ({ value }: LabelEntry) => JSON.stringify(definitionOf(name)?.schema.safeParse(value).data);
  return parse(a) === parse(b);
}
