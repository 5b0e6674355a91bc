import type { ForeignLabel, Remark } from '../foreign-label.ts';
import { BY_HAND, uniqueByReason } from '../remarks.ts';
import { type Fields, isFalse, isTrue, type TraefikService } from './read-labels.ts';
import type { Router } from './sites.ts';

interface ServiceOptions {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly remarks: readonly Remark[];
}

/** The service that a router names, or the only one. */
export function serviceOf({ fields }: Router, services: ReadonlyMap<string, Fields>): Fields | undefined {
  const named = fields
    .get('service')
    ?.value.toLowerCase()
    .replace(/@(?:docker|swarm)$/, '');
  if (named !== undefined) return services.get(named);
  return services.size === 1 ? [...services.values()][0] : undefined;
}

export function readServiceOptions({ services }: TraefikService, router: Router): ServiceOptions {
  const fields = serviceOf(router, services);
  if (fields === undefined) return { labels: [], remarks: [withoutService(router, services)] };
  const labels: (readonly [string, string])[] = [];
  const remarks: Remark[] = [];
  for (const [path, label] of fields) {
    const read = path.startsWith('loadbalancer.healthcheck.')
      ? healthCheck
      : Object.hasOwn(options, path)
        ? options[path]!
        : noCounterpart;
    const result = read(label, fields);
    if (Array.isArray(result)) labels.push(...result);
    else remarks.push({ label, ...(result as Omit<Remark, 'label'>) });
  }
  if (!fields.has('loadbalancer.server.port')) remarks.push(withoutService(router, services));
  return { labels, remarks: uniqueByReason(remarks) };
}

type ReadOption = (label: ForeignLabel, fields: Fields) => [string, string][] | Omit<Remark, 'label'>;

const noCounterpart: ReadOption = () => ({
  severity: 'error',
  reason: 'has no counterpart',
  remedy: BY_HAND,
});

const healthCheck: ReadOption = () => ({
  severity: 'warning',
  reason: "has no counterpart: Swarm's health check decides which tasks receive requests",
  remedy: 'Add a healthcheck to the service or its image.',
});

const ignored: ReadOption = () => [];

const when =
  (name: string, value: string): ReadOption =>
  (label) =>
    isTrue(label.value) ? [[name, value]] : [];

const sticky =
  (name: string): ReadOption =>
  ({ value }) => [[name, value.toLowerCase()]];

const options: Readonly<Record<string, ReadOption>> = {
  'loadbalancer.server.port': ({ value }) => [['port', value]],
  'loadbalancer.server.scheme': ({ value }) => (value === 'http' ? [] : [['backend_protocol', value]]),
  'loadbalancer.passhostheader': ({ value }) =>
    isFalse(value)
      ? {
          severity: 'error',
          reason: "sends the task's address as the host",
          remedy: 'Set upstream_host to the name that the service expects.',
        }
      : [],
  'loadbalancer.sticky': (_, fields) =>
    fields.has('loadbalancer.sticky.cookie.name') ? [] : [['sticky_session_cookie', 'app']],
  'loadbalancer.sticky.cookie': (_, fields) =>
    fields.has('loadbalancer.sticky.cookie.name') ? [] : [['sticky_session_cookie', 'app']],
  'loadbalancer.sticky.cookie.name': ({ value }) => [['sticky_session_cookie', value]],
  'loadbalancer.sticky.cookie.secure': when('sticky_cookie_secure', 'true'),
  'loadbalancer.sticky.cookie.httponly': ignored,
  'loadbalancer.sticky.cookie.samesite': sticky('sticky_cookie_samesite'),
  'loadbalancer.sticky.cookie.domain': sticky('sticky_cookie_domain'),
  'loadbalancer.sticky.cookie.maxage': ({ value }) => (Number(value) > 0 ? [['sticky_cookie_age', `${value}s`]] : []),
  'loadbalancer.responseforwarding.flushinterval': ignored,
  'loadbalancer.strategy': ({ value }) => (value === 'wrr' ? [['balance', 'round_robin']] : []),
};

function withoutService(router: Router, services: ReadonlyMap<string, Fields>): Remark {
  const label = router.fields.get('service') ?? router.fields.get('rule')!;
  const reason =
    services.size === 0
      ? 'belongs to a service without a port'
      : 'belongs to a router whose service has no port in these labels';
  return { severity: 'error', label, reason, remedy: 'Write port by hand.' };
}
