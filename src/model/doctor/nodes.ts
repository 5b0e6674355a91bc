import { type Check, inWords } from './check.ts';
import type { DoctorFacts } from './facts.ts';

export const nodes: Check<DoctorFacts> = {
  id: 'nodes',
  title: 'Nodes are ready, and a majority of managers survives the loss of one',
  run({ nodes }) {
    const down = nodes.filter(({ isReady }) => !isReady).map(({ name }) => name);
    const managers = nodes.filter(({ role }) => role === 'manager');
    const lost = managers.filter(({ isReachable }) => isReachable === false).map(({ name }) => name);
    const up = managers.length - lost.length;
    const majority = Math.floor(managers.length / 2) + 1;
    return [
      ...(down.length === 0
        ? []
        : [
            {
              severity: 'warning' as const,
              what: `Not ready: ${inWords(down)}`,
              why: 'Swarm starts no tasks there, and the tasks there may still receive requests.',
              fix: 'Start Docker on the node, or remove it: docker node rm <node>',
            },
          ]),
      ...(lost.length > 0 && up <= majority
        ? [
            {
              severity: 'error' as const,
              what: `${up} of ${managers.length} managers are reachable. Unreachable: ${inWords(lost)}`,
              why: 'Without one more, no change of labels, secrets or tasks takes effect. Proxies keep serving.',
              fix: 'Repair the manager, or demote and remove it: docker node demote <node>',
            },
          ]
        : []),
      ...(managers.length === 2
        ? [
            {
              severity: 'warning' as const,
              what: 'The swarm has two managers',
              why: 'If one fails, the other one alone is no majority: this is less available than one manager.',
              fix: 'Use one, three or five managers.',
            },
          ]
        : []),
    ];
  },
};
