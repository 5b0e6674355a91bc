import type { Check } from './check.ts';
import type { DoctorFacts } from './facts.ts';

export const clientAddresses: Check<DoctorFacts> = {
  id: 'client-addresses',
  title: 'Proxies see the addresses of clients',
  run({ clusters }) {
    return clusters
      .filter(({ hidesAddresses }) => hidesAddresses)
      .map(({ name }) => ({
        severity: 'notice',
        what: `The proxies of cluster ${name} see addresses of Docker's routing mesh instead of those of clients`,
        why: 'With PublishMode "ingress", the routing mesh replaces them. allow, deny, rate_limit by address and access logs see all clients as one.',
        fix: `Set Extensions.${name}.PublishMode to "host", or ProxyProtocolFrom or TrustedProxies if a balancer sends the addresses: see docs/guides/client-addresses.md.`,
      }));
  },
};
