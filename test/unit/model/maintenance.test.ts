import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { explainUrl } from '../../../src/model/explain.ts';
import type { MaintenanceDecision } from '../../../src/model/maintenance.ts';
import type { Location, RouteTable } from '../../../src/model/route-table/table.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const closed = (kind: 'host' | 'service', name: string, ...allow: string[]): MaintenanceDecision => ({
  kind,
  name,
  allow,
  who: 'admin',
  since: '2026-01-01T00:00:00.000Z',
});

function build(
  services: readonly SwarmService[],
  decisions: readonly MaintenanceDecision[] = [],
  settings: Readonly<Record<string, unknown>> = { PublishMode: 'host' },
) {
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
  const snapshot = { services, networks: [aNetwork('app')], ...nothing };
  const parsed = parseSettings({ Extensions: { default: settings } }, '1').settings;
  const { clusters, problems } = buildDesiredState(snapshot, parsed, decisions);
  return { table: clusters[0]!.table, state: clusters[0]!, problems };
}

const describeLocation = ({ path, upstream, maintenance }: Location) =>
  `${path || '/'} ${maintenance === undefined ? 'open' : `closed except for [${maintenance.allow}]`} ${upstream ? 'asks' : 'answers itself'}`;

const sites = ({ servers, fallback }: RouteTable): Record<string, string> =>
  Object.fromEntries([
    ...servers.map(({ host, locations }) => [host.name, locations.map(describeLocation).join(', ')]),
    ['*', fallback.map(describeLocation).join(', ')],
  ]);

const shared = { host: 'shared.example.org' };

describe('a decision about a host', () => {
  it('closes all of its paths, whichever service has them, and no other host of the same services', () => {
    const { table } = build(
      [
        aService('app', { host: 'a.example.org,b.example.org' }),
        aService('api', { host: 'a.example.org', lb: { context_root: '/api' } }),
      ],
      [closed('host', 'a.example.org', '192.0.2.7')],
    );

    expect(sites(table)).toMatchObject({
      'a.example.org': '/api closed except for [192.0.2.7] asks, / closed except for [192.0.2.7] asks',
      'b.example.org': '/ open asks',
    });
  });

  it.each(['*.example.org', String.raw`a\d+`, '*'])('may name it as %s', (name) => {
    const service = aService('app', { host: String.raw`*.example.org,~^a\d+$`, lb: { default_backend: 'true' } });

    const { table } = build([service], [closed('host', name)]);

    const all = Object.entries(sites(table));
    expect(all.filter(([, shown]) => shown.includes('closed')).map(([host]) => host)).toEqual([name]);
    expect(all).toHaveLength(3);
  });

  it('keeps networks, secrets and memory, so that opening the host attaches nothing', () => {
    const services = [
      aService('app', { host: 'a.example.org,b.example.org', mode: { kind: 'replicated', replicas: 90 } }),
    ];
    const before = build(services).state;
    const { state } = build(services, [closed('host', 'a.example.org')]);

    const withoutRoutes = { routes: [], table: undefined };
    expect({ ...state, ...withoutRoutes }).toEqual({ ...before, ...withoutRoutes });
  });

  it('takes precedence over one about a service, and both over a label', () => {
    const service = aService('app', {
      host: 'a.example.org,b.example.org',
      lb: { maintenance: 'true', maintenance_allow: '192.0.2.1' },
    });

    expect(sites(build([service]).table)).toMatchObject({ 'a.example.org': '/ closed except for [192.0.2.1] asks' });
    expect(
      sites(
        build([service], [closed('service', 'app', '192.0.2.2'), closed('host', 'b.example.org', '192.0.2.3')]).table,
      ),
    ).toMatchObject({
      'a.example.org': '/ closed except for [192.0.2.2] asks',
      'b.example.org': '/ closed except for [192.0.2.3] asks',
    });
  });

  it('that matches no route is reported', () => {
    const decisions = [closed('host', 'gone.example.org'), closed('service', 'gone'), closed('service', 'app')];

    expect(build([aService('app')], decisions).problems).toMatchObject([
      { severity: 'notice', service: 'gone' },
      { severity: 'notice', value: 'gone.example.org' },
    ]);
  });
});

describe('a service under maintenance', () => {
  it('does not affect others that share its host', () => {
    const { table } = build([
      aService('stable', shared),
      aService('canary', { ...shared, lb: { maintenance: 'true' } }),
    ]);

    expect(sites(table)).toMatchObject({ 'shared.example.org': '/ open asks' });
    expect(table.upstreams.flatMap(({ peers }) => peers.map(({ address }) => address))).toEqual(['tasks.stable.app']);
  });

  it('closes what it shares with services that have no task', () => {
    const none = aService('none', { ...shared, mode: { kind: 'replicated', replicas: 0 } });
    const { table } = build([none, aService('canary', { ...shared, lb: { maintenance: 'true' } })]);

    expect(sites(table)).toMatchObject({ 'shared.example.org': '/ closed except for [] answers itself' });
  });

  it('has its connections refused if it terminates TLS itself', () => {
    const lb = { ssl_passthrough: 'true', ssl_only: 'true', maintenance: 'true', maintenance_allow: '192.0.2.1' };
    const { table } = build([aService('app', { lb })]);

    expect(table.passthroughs).toEqual([]);
    expect(table.servers[0]).toMatchObject({ tls: { kind: 'closed' }, locations: [{ isHandedOn: false }] });
  });

  it('cannot distinguish clients behind the mesh, and reports that', () => {
    const service = aService('app', { lb: { maintenance: 'true', maintenance_allow: '10.0.0.0/8' } });
    const reason = expect.stringContaining('the ingress mesh hides client addresses');

    expect(build([service], [], {}).problems).toMatchObject([{ severity: 'warning', service: 'app', reason }]);
    expect(build([service], [], { ProxyProtocolFrom: ['10.0.0.1'] }).problems).toEqual([]);
  });

  it('is explained', () => {
    const redirects = 'http://old.example.org,http://new.example.org';
    const { table } = build([
      aService('app', { lb: { maintenance: 'true', maintenance_allow: '192.0.2.1', ssl_only: 'true' } }),
      aService('old', { lb: { maintenance: 'true', redirects } }),
    ]);

    const answer = (url: string) => explainUrl(table, url, { httpsPort: 8443 })!.answer;
    expect(answer('http://app.example.org/x')).toEqual({ kind: 'maintenance', allow: ['192.0.2.1'] });
    expect(answer('http://old.example.org/x')).toEqual({ kind: 'maintenance', allow: [] });
  });
});

describe('an allow list', () => {
  const read = (text: string) => {
    const { table, problems } = build([aService('app', { lb: { maintenance: 'true', maintenance_allow: text } })]);
    return problems[0]?.reason ?? table.servers[0]!.locations[0]!.maintenance!.allow;
  };

  it.each([
    ['192.0.2.7', ['192.0.2.7']],
    [' 192.0.2.7 , 10.0.0.0/8,,192.0.2.7', ['10.0.0.0/8', '192.0.2.7']],
    ['2001:db8::/32, ::1', ['2001:db8::/32', '::1']],
    ['', []],
  ])('%j is %j', (text, networks) => {
    expect(read(text)).toEqual(networks);
  });

  it.each([
    '10.0.0.0/33',
    '10.0.0',
    'localhost',
    '1.2.3.4; }',
    '$remote_addr',
    '010.0.0.1',
    '::/129',
    'default',
    'ranges',
  ])('%j is rejected', (text) => {
    expect(read(text)).toContain('is not an address or a network');
  });

  it('has a length limit', () => {
    expect(read(Array.from({ length: 101 }, (_, n) => `10.0.0.${n}`).join())).toBe('has more than 100 entries');
  });
});
