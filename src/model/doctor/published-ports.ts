import type { Check } from './check.ts';
import type { DoctorFacts } from './facts.ts';

export const publishedPorts: Check<DoctorFacts> = {
  id: 'published-ports',
  title: 'No other service publishes the ports of the proxies',
  run({ clusters }) {
    return clusters.flatMap(({ name, conflicts }) =>
      conflicts.map(({ port, service }) => ({
        severity: 'error' as const,
        what: `Service ${service} publishes port ${port}, which the proxies of cluster ${name} need`,
        why: 'Swarm rejects the proxies, or does not start them on nodes where the port is in use.',
        fix: `Remove the port from ${service}, or choose other ports: signalbox enable --http <port> --https <port>`,
      })),
    );
  },
};
