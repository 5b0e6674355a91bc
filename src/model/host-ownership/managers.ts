import { memoize } from '../../lib/memo.ts';
import { parseHost } from '../hosts/host.ts';
import { compareText } from '../route.ts';
import type { SwarmNode } from '../snapshot.ts';

/** Cookies ignore ports: an application on a manager's name would receive those of the admin page. */
export const namesOfManagers = memoize((nodes: readonly SwarmNode[]): string => {
  const names = nodes
    .filter(({ role }) => role === 'manager')
    .toSorted((a, b) => compareText(a.id, b.id))
    .flatMap(({ name, address = '' }) => {
      const addresses = address.includes(':') ? [`[${address}]`] : [address, `[::ffff:${address}]`];
      const hosts = [name, ...addresses].map(parseHost).filter((host) => typeof host !== 'string');
      return hosts.filter(({ kind }) => kind === 'exact').map((host) => [name, host]);
    });
  return JSON.stringify(names);
});
