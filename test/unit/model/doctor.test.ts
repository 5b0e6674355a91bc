import { describe, expect, it } from 'vitest';
import { runChecks } from '../../../src/model/doctor/check.ts';
import { swarmChecks } from '../../../src/model/doctor/checks.ts';
import type { ClusterFacts, DoctorFacts, NodeFacts } from '../../../src/model/doctor/facts.ts';
import { localChecks } from '../../../src/model/doctor/from-here.ts';

const now = Date.parse('2026-06-01T00:00:00Z');
const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;

const node = (name: string, more: Partial<NodeFacts> = {}): NodeFacts => ({
  ...{ name, address: '10.0.0.1', role: 'worker', isReady: true, engine: '28.5.1', isReachable: undefined },
  ...{ ports: [{ port: 7946, answer: 'open' }], clockAheadMs: -80 },
  ...more,
});
const manager = (name: string, more: Partial<NodeFacts> = {}) =>
  node(name, {
    role: 'manager',
    isReachable: true,
    ports: [2377, 7946].map((port) => ({ port, answer: 'open' })),
    ...more,
  });
const cluster = (more: Partial<ClusterFacts> = {}): ClusterFacts => ({
  ...{ name: 'default', publishMode: 'host', hidesAddresses: false, httpPort: 80, httpsPort: 443 },
  ...{ replicas: ['w1', 'w2'], eligibleNodes: 2, conflicts: [] },
  ...more,
});
const facts = (more: Partial<DoctorFacts> = {}): DoctorFacts => ({
  now,
  nodes: [manager('m1'), node('w1'), node('w2')],
  clusters: [cluster()],
  objects: [],
  certificates: [],
  manager: { disk: { freeBytes: 50 * GIB, totalBytes: 100 * GIB }, hasIpvs: true, rmemDefault: 212_992 },
  ...more,
});

function found(more: Partial<DoctorFacts>): string[] {
  return runChecks(swarmChecks, facts(more)).flatMap(({ check, findings }) =>
    findings.map(({ severity, what }) => `${check} ${severity}: ${what}`),
  );
}

describe('a diagnosis', () => {
  it('of a healthy swarm finds nothing', () => {
    const results = runChecks(swarmChecks, facts());

    expect(results.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(new Set(results.map(({ check }) => check)).size).toBe(swarmChecks.length);
  });

  it.each<[Partial<DoctorFacts>, string[]]>([
    [{ nodes: [manager('m1'), node('w1', { isReady: false })] }, ['nodes warning: Not ready: w1']],
    [
      { nodes: [manager('m1'), manager('m2'), manager('m3', { isReachable: false })] },
      ['nodes error: 2 of 3 managers are reachable. Unreachable: m3'],
    ],
    [{ nodes: [manager('m1'), manager('m2')] }, ['nodes warning: The swarm has two managers']],
    [
      {
        nodes: [
          manager('m1', { engine: '29.6.2' }),
          node('w1', { engine: '29.6.3' }),
          node('w2', { engine: '29.0.0-rc.1' }),
        ],
      },
      ['engines warning: Docker Engine 29.0.0 to before 29.6.3 runs on m1 (29.6.2) and w2 (29.0.0-rc.1)'],
    ],
    [
      {
        nodes: [
          manager('m1', { ports: [{ port: 2377, answer: 'refused' }] }),
          node('w1', { ports: [{ port: 7946, answer: 'silent' }] }),
        ],
      },
      [
        "ports error: The controller's manager does not reach TCP port 2377 of m1 (10.0.0.1)",
        "ports error: The controller's manager does not reach TCP port 7946 of w1 (10.0.0.1)",
      ],
    ],
    [
      { nodes: [manager('m1'), node('w1', { clockAheadMs: 7400 }), node('w2', { clockAheadMs: -90_000 })] },
      ['clocks warning: The clock of w1 is about 7 s ahead', 'clocks warning: The clock of w2 is about 90 s behind'],
    ],
    [{ clusters: [cluster({ replicas: [] })] }, ['replicas error: No proxy of cluster default runs']],
    [
      { clusters: [cluster({ replicas: ['w1', 'w1'] })] },
      ['replicas warning: All 2 proxies of cluster default run on w1'],
    ],
    [
      { clusters: [cluster({ replicas: ['w1'], eligibleNodes: 1 })] },
      ['replicas notice: All 1 proxies of cluster default run on w1'],
    ],
    [
      { clusters: [cluster({ conflicts: [{ port: 80, service: 'web' }] })] },
      ['published-ports error: Service web publishes port 80, which the proxies of cluster default need'],
    ],
    [
      { clusters: [cluster({ hidesAddresses: true })] },
      [
        "client-addresses notice: The proxies of cluster default see addresses of Docker's routing mesh instead of those of clients",
      ],
    ],
    [
      {
        certificates: [
          { name: 'old', notAfter: now - 1, isRenewed: false },
          { name: 'soon', notAfter: now + 3 * DAY_MS, isRenewed: false },
          { name: 'acme', notAfter: now + DAY_MS, isRenewed: true },
        ],
      },
      ['certificates error: Expired: old', 'certificates warning: Expires soon: soon (2026-06-04)'],
    ],
    [
      {
        objects: (['secret', 'config'] as const).flatMap((kind) => [
          { kind, name: `${kind}-old`, createdAt: '2026-01-01T00:00:00Z', isUsed: false },
          { kind, name: `${kind}-new`, createdAt: '2026-05-31T12:00:00Z', isUsed: false },
          { kind, name: `${kind}-used`, createdAt: '2026-01-01T00:00:00Z', isUsed: true },
        ]),
      },
      [
        'unused-objects notice: No service mounts 1 secrets, and no label or setting names them: secret-old',
        'unused-objects notice: No service mounts 1 configs, and no label or setting names them: config-old',
      ],
    ],
    [
      { manager: { disk: { freeBytes: GIB / 2, totalBytes: 100 * GIB }, hasIpvs: false, rmemDefault: 4096 } },
      [
        'disk error: 0.5 GiB (1 %) are free',
        'ipvs error: The kernel module ip_vs is not loaded',
        'receive-buffers warning: net.core.rmem_default is 4096 bytes',
      ],
    ],
  ])('of %j finds the cause', (more, expected) => {
    expect(found(more)).toEqual(expected);
  });

  it('says what it cannot see', () => {
    const unseen = facts({
      nodes: [node('w1', { engine: undefined, ports: [], clockAheadMs: undefined })],
      manager: { disk: undefined, hasIpvs: undefined, rmemDefault: undefined },
    });

    const unknown = runChecks(swarmChecks, unseen).filter(({ status }) => status === 'unknown');

    expect(unknown.map(({ check }) => check)).toEqual([
      'engines',
      'ports',
      'clocks',
      'disk',
      'ipvs',
      'receive-buffers',
    ]);
  });

  it('from the machine of the command line covers its clock and DNS', () => {
    const hosts = [
      { host: 'a.example.org', isFound: true },
      { host: 'b.example.org', isFound: false },
    ];
    const whats = runChecks(localChecks, { clockAheadMs: -61_000, hosts }).flatMap(({ findings }) =>
      findings.map(({ what }) => what),
    );

    expect(whats).toEqual([
      "This machine's clock is 61 s behind the controller's",
      'No address is known for 1 of 2 hosts: b.example.org',
    ]);
    expect(runChecks(localChecks, { clockAheadMs: undefined, hosts: [] }).map(({ status }) => status)).toEqual([
      'unknown',
      'unknown',
    ]);
  });
});
