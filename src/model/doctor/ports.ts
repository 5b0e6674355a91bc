import { type Check, inWords } from './check.ts';
import type { DoctorFacts } from './facts.ts';

const USES: Readonly<Record<number, string>> = {
  2377: 'Managers agree on the state of the swarm over it. Without it, changes wait or fail.',
  7946: 'Nodes tell each other about networks over it. Without it, proxies do not find the tasks on that node.',
};

export const ports: Check<DoctorFacts> = {
  id: 'ports',
  title: 'Nodes are reachable on the ports of Swarm (TCP 2377 of managers, 7946)',
  run({ nodes }) {
    const ready = nodes.filter(({ isReady, ports }) => isReady && ports.length > 0);
    if (ready.length === 0) return undefined;
    return Object.entries(USES).flatMap(([port, why]) => {
      const closed = ready.filter((node) =>
        node.ports.some((one) => one.port === Number(port) && one.answer !== 'open'),
      );
      if (closed.length === 0) return [];
      const named = closed.map(({ name, address }) => `${name} (${address})`);
      return [
        {
          severity: 'error' as const,
          what: `The controller's manager does not reach TCP port ${port} of ${inWords(named)}`,
          why,
          fix: `Let the firewalls between the nodes pass TCP ${port}. Swarm also needs UDP 7946 and 4789.`,
        },
      ];
    });
  },
};
