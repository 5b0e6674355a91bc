import type { LabelEntry, LabelGroups } from '../labels/label-reader.ts';
import { type Problem, shownValue } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import { splitHosts } from './host-list.ts';

export const tooManyHosts = problemKind({
  id: 'hosts-too-many',
  severity: 'error',
  meaning: `A service has more hosts, expressions or numbered groups of labels than one service may have. The first ones are served.`,
  reason: (limit: string) => `exceeds the limit of ${limit} for one service; it and all that follow are ignored`,
  remedy: 'Use fewer, or a wildcard such as *.example.org.',
  example: ['1000 hosts'],
  at: 'com.docker.lb.hosts',
});

/** Of a service. Its share of the configuration is smaller; these limits bound the work that its labels cause. */
export const MOST_HOSTS = 2000;
export const MOST_EXPRESSIONS = 100;
export const MOST_GROUPS = 500;

type Group = ReadonlyMap<string, LabelEntry>;

/** The groups with the first of their hosts. Hosts beyond the limits are not parsed. */
export function limitHosts(service: string, all: LabelGroups['groups']): LabelGroups {
  const problems: Problem[] = [];
  const left = { hosts: MOST_HOSTS, expressions: MOST_EXPRESSIONS };
  const note = (label: string, value: string, limit: string) =>
    problems.push({
      ...tooManyHosts(limit),
      service,
      label,
      value: shownValue(value),
    });
  const groups = new Map<string, Group>();
  for (const [name, group] of all) {
    if (groups.size === MOST_GROUPS) {
      const [first] = group.values();
      note(first!.label, first!.value, `${MOST_GROUPS} numbered groups`);
      break;
    }
    const limited = limitGroup(group, left, note);
    if (limited !== undefined) groups.set(name, limited);
  }
  return { groups, problems: firstOfEach(problems) };
}

/** Undefined if no host is left. */
function limitGroup(
  group: Group,
  left: { hosts: number; expressions: number },
  note: (label: string, value: string, limit: string) => void,
): Group | undefined {
  const label = group.get('hosts');
  if (label === undefined) return group;
  const entries = splitHosts(label.value);
  const within = entries.slice(0, left.hosts);
  left.hosts -= within.length;
  if (within.length < entries.length) note(label.label, entries[within.length]!, `${MOST_HOSTS} hosts`);
  const kept = within.filter((entry) => !entry.startsWith('~') || left.expressions-- > 0);
  if (kept.length < within.length) {
    left.expressions = 0;
    note(
      label.label,
      within.find((entry) => entry.startsWith('~') && !kept.includes(entry)) ?? '',
      `${MOST_EXPRESSIONS} regular expressions`,
    );
  }
  if (kept.length === entries.length) return group;
  return kept.length === 0 ? undefined : new Map([...group, ['hosts', { ...label, value: kept.join(',') }]]);
}

/** Reports each limit once, where it is reached. */
function firstOfEach(problems: readonly Problem[]): Problem[] {
  return [...Map.groupBy(problems, ({ reason }) => reason).values()].map(([first]) => first!);
}
