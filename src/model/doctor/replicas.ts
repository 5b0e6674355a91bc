import { type Check, type Finding, inWords } from './check.ts';
import type { DoctorFacts } from './facts.ts';

export const replicas: Check<DoctorFacts> = {
  id: 'replicas',
  title: 'Each cluster has proxies on several nodes',
  run({ clusters }) {
    return clusters.flatMap(({ name, replicas, eligibleNodes }): Finding[] => {
      const on = new Set(replicas);
      if (replicas.length === 0)
        return [
          {
            severity: 'error' as const,
            what: `No proxy of cluster ${name} runs`,
            why: 'Nothing is served.',
            fix: 'See signalbox problems and docker service ps --no-trunc signalbox-proxy.',
          },
        ];
      if (on.size > 1) return [];
      const hasMore = eligibleNodes > 1;
      return [
        {
          severity: hasMore ? ('warning' as const) : ('notice' as const),
          what: `All ${replicas.length} proxies of cluster ${name} run on ${inWords([...on])}`,
          why: 'If the node fails, no host is served until Swarm starts proxies on another node.',
          fix: hasMore
            ? `Set Extensions.${name}.ProxyReplicas to 2 or more; Signalbox spreads them over the nodes.`
            : 'Add a node that may run proxies: see docs/placement.md.',
        },
      ];
    });
  },
};
