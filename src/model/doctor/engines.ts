import { type Check, inWords } from './check.ts';
import type { DoctorFacts } from './facts.ts';

interface KnownFault {
  /** The first version that has the fault, and the first without it. */
  readonly from: string;
  readonly to: string;
  readonly what: string;
}

/** Faults of Docker Engine that affect routing. */
const faults: readonly KnownFault[] = [
  {
    from: '29.0.0',
    to: '29.6.3',
    what: "Docker's DNS may forget the names of services whose tasks run (moby issue 53141). Proxies then use the addresses of tasks, a little later than DNS would.",
  },
];

export const engines: Check<DoctorFacts> = {
  id: 'engines',
  title: 'Docker Engine has no known faults that affect routing',
  run({ nodes }) {
    if (nodes.every(({ engine }) => engine === undefined)) return undefined;
    return faults.flatMap(({ from, to, what }) => {
      const affected = nodes.filter(({ engine }) => engine !== undefined && isWithin(engine, from, to));
      if (affected.length === 0) return [];
      return [
        {
          severity: 'warning',
          what: `Docker Engine ${from} to before ${to} runs on ${inWords(affected.map(({ name, engine }) => `${name} (${engine})`))}`,
          why: what,
          fix: `Update Docker Engine to ${to} or later.`,
        },
      ];
    });
  },
};

function isWithin(version: string, from: string, to: string): boolean {
  return compare(version, from) >= 0 && compare(version, to) < 0;
}

function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(/[.+-]/).slice(0, 3).map(Number));
  for (const position of [0, 1, 2]) {
    const difference = (left?.[position] || 0) - (right?.[position] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
