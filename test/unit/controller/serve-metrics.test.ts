// Who may read the controller's metrics on the control network.
import { expect, it } from 'vitest';
import type { Session, User } from '../../../src/controller/admin/access.ts';
import { mayRead } from '../../../src/controller/serve-metrics.ts';

const users: Readonly<Record<string, User>> = {
  prometheus: { name: 'prometheus', role: 'viewer', via: 'token' },
  team: { name: 'team', role: 'viewer', via: 'token', cluster: 'team' },
};
const access = {
  identifyBearer: async (token: string) => (users[token] && ({ user: users[token] } as Session)) || undefined,
};

it.each(['Bearer prometheus', 'bearer prometheus'])('a token of the API may: %s', async (authorization) => {
  expect(await mayRead(access, authorization)).toBe(true);
});

it.each([
  ['nobody', ''],
  ['a token that is unknown', 'Bearer other'],
  ['a token that is limited to one cluster', 'Bearer team'],
  ['a password', `Basic ${Buffer.from('admin:prometheus').toString('base64')}`],
  ['a token in another place', 'Bearer other prometheus'],
  ['a token without its scheme', 'prometheus'],
])('%s may not', async (_, authorization) => {
  expect(await mayRead(access, authorization)).toBe(false);
});
