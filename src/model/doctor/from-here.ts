import { type Check, inWords } from './check.ts';

/** What the machine of the command line sees. */
export interface LocalFacts {
  /** By how much this machine's clock is ahead of the controller's. */
  readonly clockAheadMs: number | undefined;
  /** Hosts of routes, as this machine resolves them. Empty if nothing was resolved. */
  readonly hosts: readonly { readonly host: string; readonly isFound: boolean }[];
}

/** Answers of the API take less. */
const TOLERATED_MS = 5000;

export const ownClock: Check<LocalFacts> = {
  id: 'own-clock',
  title: 'The clocks of this machine and of the controller agree within 5 s',
  run({ clockAheadMs }) {
    if (clockAheadMs === undefined) return undefined;
    if (Math.abs(clockAheadMs) <= TOLERATED_MS) return [];
    return [
      {
        severity: 'warning',
        what: `This machine's clock is ${Math.round(Math.abs(clockAheadMs) / 1000)} s ${clockAheadMs > 0 ? 'ahead of' : 'behind'} the controller's`,
        why: 'One of the two is wrong. Sign-in with OpenID Connect and certificates depend on the time.',
        fix: 'Run a time service on both.',
      },
    ];
  },
};

export const hostNames: Check<LocalFacts> = {
  id: 'host-names',
  title: 'DNS of this machine knows the hosts of routes',
  run({ hosts }) {
    if (hosts.length === 0) return undefined;
    const missing = hosts.filter(({ isFound }) => !isFound).map(({ host }) => host);
    if (missing.length === 0) return [];
    return [
      {
        severity: 'warning',
        what: `No address is known for ${missing.length} of ${hosts.length} hosts: ${inWords(missing)}`,
        why: 'Clients with the same DNS do not find them.',
        fix: 'Add A or AAAA records that lead to the proxies or to the balancer in front of them.',
      },
    ];
  },
};

export const localChecks: readonly Check<LocalFacts>[] = [ownClock, hostNames];
