import { asGiven, problemKind } from '../problem-kind.ts';

export const nameTakenOver = problemKind({
  id: 'dns-name-taken-over',
  severity: 'error',
  meaning: `A network alias or host name of a service is a DNS name of another service, so requests for that service could reach this one. See [security.md](security.md).`,
  ...asGiven,
  example: [
    'network alias on network apps takes over a DNS name of shop_web',
    'Remove the alias from network apps, or use one without dots that is not a service name.',
  ],
  at: '"shop_web"',
});

export const nameLost = problemKind({
  id: 'dns-name-lost',
  severity: ['error', 'warning'],
  meaning: `Another service takes over a DNS name of this one. Requests are sent to the virtual address of this service instead. If it has none, its routes are closed.`,
  ...asGiven,
  example: [
    'is an alias of service blog_web on network apps, where it takes over a DNS name of this service, so requests are sent to the virtual address of the service, and sticky sessions have no effect',
    'Remove it from service blog_web, or give one of the services another name or network.',
  ],
  at: '"shop_web"',
});
