import { expect, it } from 'vitest';
import { ownerOf, type Problem } from '../../../src/ui/lib/problems.ts';

const base = { severity: 'error', reason: 'r', remedy: 'm' } as const;
const affects = (...services: string[]) => ({
  affects: services.map((service) => ({ service, label: 'com.docker.lb.ssl_cert', routes: [] })),
});

it.each<[string, Partial<Problem>]>([
  ['app', { service: 'app', cluster: 'default' }],
  ['Cluster default', { cluster: 'default' }],
  ['Settings', {}],
  ['Settings', { affects: [{ label: 'Extensions.default.DefaultCertificate', routes: [] }] }],
  ['Several services', affects('a', 'b')],
  ['a', { service: 'a', ...affects('a') }],
])('a problem is shown in the card of %s: %j', (owner, more) => {
  expect(ownerOf({ ...base, ...more })).toBe(owner);
});
