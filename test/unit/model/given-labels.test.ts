import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildDesiredState, createStateBuilder } from '../../../src/model/desired-state.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { Snapshot, SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aService } from '../../support/builders.ts';

type Labels = Readonly<Record<string, string>>;

interface Tables {
  readonly policies?: Readonly<Record<string, object>>;
  readonly defaults?: object;
  readonly enforced?: object;
  readonly more?: object;
}

function settingsOf({ policies = {}, defaults = {}, enforced = {}, more = {} }: Tables) {
  const extension = { PublishMode: 'host', Defaults: defaults, Enforced: enforced, ...more };
  const { settings, problems } = parseSettings({ Policies: policies, Extensions: { default: extension } }, '1');
  expect(problems).toEqual([]);
  return settings;
}

const secrets = ['own', 'given', 'key'].map((name) => ({ id: name, name, createdAt: '', labels: {} }));

function snapshotOf(...services: readonly SwarmService[]): Snapshot {
  return { services, networks: [aNetwork('app')], secrets, nodes: [], hostTasks: [], configs: [], owned: [] };
}

function desired(tables: Tables, ...services: readonly SwarmService[]) {
  const { clusters, problems } = buildDesiredState(snapshotOf(...services), settingsOf(tables));
  const { routes, table } = clusters[0]!;
  return { routes, problems: [...problems, ...table.problems] };
}

const route = (tables: Tables, lb: Labels) => desired(tables, aService('app', { lb })).routes[0]!;

/** Values of each label that differ in their effect. */
const values: Readonly<Record<string, readonly string[]>> = {
  ssl_only: ['true', 'false'],
  context_root_rewrite: ['true', 'false'],
  response_header_size: ['8k', '64k', '128k'],
  'response_header.X-One': ['', 'a', 'b', 'c'],
  sticky_session_cookie: ['a', 'b', 'none'],
  hsts: ['1', '2', 'false'],
  allow: ['10.0.0.0/8', '192.0.2.0/24'],
  maintenance: ['true', 'false'],
  rate_limit: ['5r/s', '5r/m key=host'],
  connection_limit: ['1', '2'],
  retries: ['off', '503'],
  max_connections: ['1', '2'],
};
const someLabels = fc.record(
  Object.fromEntries(Object.entries(values).map(([name, all]) => [name, fc.constantFrom(...all)])),
  { requiredKeys: [] },
) as fc.Arbitrary<Labels>;
const policyNames = ['first', 'second', 'third'] as const;

describe('the effective labels of a route', () => {
  it.each(['', '7.'])('are those of a small model, in the group %j', (group) => {
    const tables = fc.record({
      own: someLabels,
      policies: fc.record({ first: someLabels, second: someLabels, third: someLabels }),
      defaults: someLabels,
      enforced: someLabels,
      named: fc.shuffledSubarray([...policyNames]),
    });
    const effective = (labels: Labels, settings: Tables) => {
      const all = { hosts: 'app.example.org', port: '8080', ...labels };
      const written = Object.entries(all).map(([name, value]) => [`com.docker.lb.${group}${name}`, value]);
      const { routes } = desired(settings, { ...aService('app'), labels: Object.fromEntries(written) });
      return routes.map(({ labels: _, ...rest }) => rest);
    };

    fc.assert(
      fc.property(tables, ({ own, policies, defaults, enforced, named }) => {
        const model = Object.assign({}, defaults, ...named.toReversed().map((name) => policies[name]), own, enforced);
        const policy = named.length === 0 ? {} : { policy: named.join(', ') };

        expect(effective({ ...own, ...policy }, { policies, defaults, enforced })).toEqual(effective(model, {}));
      }),
      { numRuns: 300 },
    );
  });

  it('show where they come from', () => {
    const tables = {
      policies: { office: { allow: '10.0.0.0/8', hsts: true } },
      defaults: { hsts: 60, response_header_size: '64k' },
      enforced: { ssl_only: true },
    };

    expect(route(tables, { policy: 'office', response_header_size: '8k' }).labels?.given).toEqual([
      { name: 'allow', value: '10.0.0.0/8', key: 'Policies.office.allow', from: 'policy office' },
      { name: 'hsts', value: 'true', key: 'Policies.office.hsts', from: 'policy office' },
      {
        name: 'ssl_only',
        value: 'true',
        key: 'Extensions.default.Enforced.ssl_only',
        from: 'Extensions.default.Enforced',
      },
    ]);
  });

  it('include enforced headers, however many headers the service sets', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`response_header.A-${n}`, 'x']));

    const { options } = route({ enforced: { 'response_header.Z-Last': 'kept' } }, many);

    expect(options.responseHeaders).toContainEqual(['Z-Last', 'kept']);
  });

  it('apply to labels of the HTTP Routing Mesh', () => {
    const labels = { 'com.docker.ucp.mesh.http': '8080=http://app.example.org' };
    const { routes } = desired({ enforced: { ssl_only: true } }, { ...aService('app'), labels });

    expect(routes[0]?.options.sslOnly).toBe(true);
  });
});

describe('labels that decide the same', () => {
  it.each<[Labels, object, object]>([
    [{ ssl_cert: 'own' }, { ssl_cert: 'given', ssl_key: 'key' }, { tls: { certificate: 'own', key: 'own' } }],
    [{ ssl_cert: 'own' }, { ssl_passthrough: true }, { tls: { kind: 'terminated', certificate: 'own' } }],
    [{ ssl_passthrough: 'true' }, { ssl_cert: 'given', ssl_key: 'key' }, { tls: { kind: 'passthrough' } }],
    [{ ssl_passthrough: 'false' }, { ssl_cert: 'given' }, { tls: { kind: 'terminated', certificate: 'given' } }],
    [{ ssl_backend: 'true' }, { backend_protocol: 'grpc' }, { options: { protocol: 'https' } }],
    [{ backend_protocol: 'h2c' }, { ssl_backend: true }, { options: { protocol: 'h2c' } }],
    [{ ip_hash: 'true' }, { sticky_session_cookie: 's' }, { options: { affinity: { kind: 'address' } } }],
    [{ sticky_session_cookie: 's' }, { ip_hash: true }, { options: { affinity: { kind: 'cookie', name: 's' } } }],
    [{ sticky_session_cookie: 'none' }, { ip_hash: true }, { options: { affinity: { kind: 'address' } } }],
  ])('take the value with the highest precedence: %j with defaults %j', (lb, defaults, expected) => {
    const { routes, problems } = desired({ defaults }, aService('app', { lb }));

    expect(routes[0]).toMatchObject(expected);
    expect(problems).toEqual([]);
  });

  it('keep an enforced one, and report the label that loses', () => {
    const { routes, problems } = desired(
      { enforced: { ssl_cert: 'given' } },
      aService('app', { lb: { ssl_passthrough: 'true', ssl_key: 'key' } }),
    );

    expect(routes[0]?.tls).toMatchObject({ kind: 'terminated', certificate: 'given', key: 'given' });
    expect(problems.map(({ severity, label }) => [severity, label])).toEqual([
      ['warning', 'com.docker.lb.ssl_key'],
      ['warning', 'com.docker.lb.ssl_passthrough'],
    ]);
  });
});

describe('a problem with a value of the settings', () => {
  it('is one problem for all routes, and names the key', () => {
    const lb = { policy: 'office' };
    const { routes, problems } = desired(
      { policies: { office: { allow: '@missing' } } },
      aService('one', { lb }),
      aService('two', { lb }),
    );

    expect(routes.map(({ backend }) => backend.kind)).toEqual(['unavailable', 'unavailable']);
    expect(problems).toMatchObject([
      {
        label: 'Policies.office.allow',
        value: '@missing',
        reason: 'Policies.office.allow names the list @missing, which is not in the settings',
        affects: [
          { service: 'one', routes: ['one.example.org/'] },
          { service: 'two', routes: ['two.example.org/'] },
        ],
      },
    ]);
  });

  it('names the key if services that share a host differ', () => {
    const older = aService('older', { host: 'app', createdAt: '2026-01-01T00:00:00Z' });
    const younger = aService('younger', { host: 'app', createdAt: '2026-01-02T00:00:00Z', lb: { policy: 'strict' } });
    const { problems } = desired({ policies: { strict: { ssl_only: true } } }, older, younger);

    expect(problems.filter(({ severity }) => severity === 'warning').map(({ label }) => label)).toEqual([
      'Policies.strict.ssl_only',
    ]);
  });
});

describe('a label in the settings', () => {
  it.each<[object, string, string]>([
    [{ port: 80 }, 'port', 'cannot be set in the settings: it defines one route'],
    [{ alow: '10.0.0.0/8' }, 'alow', 'is an unknown label'],
    [{ ssl_only: '' }, 'ssl_only', 'is empty'],
    [{ ssl_only: ['true'] }, 'ssl_only', 'is neither a text nor a number nor a boolean'],
    [{ allow: {} }, 'allow', 'is neither a text nor a number nor a boolean'],
    [{ hsts: new Date(0) }, 'hsts', 'is neither a text nor a number nor a boolean'],
    [{ ssl_only: true, SSL_Only: false }, 'SSL_Only', 'is set twice, in another case'],
    [{ response_header: { 'X-A': 'a', 'x-a': 'b' } }, 'response_header.x-a', 'is set twice, in another case'],
    [
      { response_header: { Connection: 'close' } },
      'response_header.Connection',
      'names a header that the proxy controls',
    ],
  ])('is checked: %j', (labels, key, reason) => {
    const tables = { Policies: { p: labels }, Extensions: { default: { Defaults: labels, Enforced: labels } } };
    const { problems } = parseSettings(tables, '1');

    expect(problems.map((problem) => [problem.severity, problem.label, problem.reason])).toEqual(
      ['Policies.p', 'Extensions.default.Defaults', 'Extensions.default.Enforced'].map((table) => [
        'error',
        `${table}.${key}`,
        reason,
      ]),
    );
  });

  it.each([
    ['ssl_only', 'unavailable'],
    ['hsts', 'peers'],
  ])('closes routes if its value is invalid and it is not optional: %s', (name, backend) => {
    const { settings } = parseSettings({ Policies: { p: { [name]: 'maybe' } } }, '1');
    const snapshot = snapshotOf(aService('app', { lb: { policy: 'p' } }));

    expect(buildDesiredState(snapshot, settings).clusters[0]!.routes[0]?.backend.kind).toBe(backend);
  });
});

describe('parsed services', () => {
  const app = aService('app', { lb: { policy: 'office' } });

  it('are parsed again if policies, defaults, enforced values or the default host change', () => {
    const build = createStateBuilder();
    const snapshot = snapshotOf(app, { ...aService('bare', { host: '' }) });
    const look = (tables: Tables) => build(snapshot, settingsOf(tables)).clusters[0]!.routes;
    const office = { office: { ssl_only: true } };

    expect(look({ policies: office })[0]?.options.sslOnly).toBe(true);
    expect(look({ policies: { office: { ssl_only: false } } })[0]?.options.sslOnly).toBe(false);
    expect(look({ policies: { office: {} }, defaults: { ssl_only: true } })[0]?.options.sslOnly).toBe(true);
    expect(look({ policies: office, enforced: { ssl_only: false } })[0]?.options.sslOnly).toBe(false);
    expect(look({ policies: office, more: { DefaultHost: '{service}.example.org' } })[1]?.hosts).toEqual([
      { kind: 'exact', name: 'bare.example.org' },
    ]);
  });

  it.each<Tables>([
    { policies: { office: { ssl_cert: 'late' } } },
    { policies: { office: {} }, defaults: { ssl_cert: 'late' } },
    { policies: { office: {} }, enforced: { ssl_cert: 'late' } },
  ])('are parsed again once a secret exists that the settings name: %j', (tables) => {
    const build = createStateBuilder();
    const settings = settingsOf(tables);
    const before = snapshotOf(app);
    const after = { ...before, secrets: [...secrets, { id: 'late', name: 'late', createdAt: '', labels: {} }] };
    const tls = (snapshot: Snapshot) => build(snapshot, settings).clusters[0]!.routes[0]?.tls.kind;

    expect(tls(before)).toBe('closed');
    expect(tls(after)).toBe('terminated');
  });
});
