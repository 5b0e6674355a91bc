import { expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const { settings } = parseSettings({ Extensions: { default: { PublishMode: 'host' } } }, '1');

function routeOf(lb: Readonly<Record<string, string>>) {
  const secrets = [{ id: 'users', name: 'users', createdAt: '', labels: {} }];
  const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
  const services = [aService('app', { lb: { ssl_passthrough: 'true', ...lb } })];
  const { clusters, problems } = buildDesiredState(
    { services, networks: [aNetwork('app')], secrets, ...nothing },
    settings,
  );
  return { route: clusters[0]!.routes[0]!, reasons: problems.map(({ label, reason }) => `${label} ${reason}`) };
}

it.each([
  ['allow', '10.0.0.0/8'],
  ['deny', '10.0.0.0/8'],
  ['basic_auth', 'users'],
  ['forward_auth', 'https://auth.example.org/verify'],
  ['rate_limit', '5r/s'],
  ['connection_limit', '10'],
])('%s closes a service whose TLS connections are passed on', (name, value) => {
  const { route, reasons } = routeOf({ [name]: value });

  expect(route.backend).toEqual({ kind: 'unavailable' });
  expect(reasons.join()).toContain('cannot protect the service: with ssl_passthrough');
});

it('a service without protection is passed on', () => {
  expect(routeOf({ compress: 'true' }).route.tls.kind).toBe('passthrough');
});
