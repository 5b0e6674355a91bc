import type { Group, OurLabels } from './foreign-label.ts';

/** The labels of a service: those of several routes are in numbered groups. `common` labels belong to each route. */
export function numberGroups(
  all: readonly Group[],
  common: readonly (readonly [name: string, value: string])[] = [],
): OurLabels {
  const groups = all.filter(({ labels }) => labels.size > 0);
  const nameIn = (position: number, name: string) => (groups.length > 1 ? `${position + 1}.${name}` : name);
  return new Map(
    groups.flatMap(({ labels }, position) =>
      [...labels, ...common].map(([name, value]) => [nameIn(position, name), value] as const),
    ),
  );
}
