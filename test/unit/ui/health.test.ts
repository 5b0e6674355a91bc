import { describe, expect, it } from 'vitest';
import type { ClusterView, State } from '../../../src/controller/admin/state.ts';
import { healthOf } from '../../../src/ui/lib/health.ts';

const replica = { task: 't', node: 'worker1', state: 'running', version: 'v1', error: null };

function aCluster(change: Partial<ClusterView> = {}): ClusterView {
  return {
    name: 'default',
    version: 'v1',
    served: 'v1',
    rolling: false,
    held: null,
    proxyService: 'signalbox-proxy',
    extensionService: 'signalbox-extension',
    publishMode: 'ingress',
    httpPort: 8080,
    httpsPort: 8443,
    replicas: [replica, replica],
    history: [],
    ...change,
  };
}

const problem = { severity: 'error', reason: 'is not a port', remedy: 'Give it a port.' } as const;

const health = (change: Partial<State> = {}) =>
  healthOf({
    observedAt: '2026-01-01T00:00:00Z',
    error: null,
    enabled: true,
    clusters: [aCluster()],
    routes: [],
    streams: [],
    services: [],
    problems: [],
    maintenance: [],
    changes: [],
    ...change,
  });

describe('health', () => {
  it.each<[string, Partial<State>, string, string]>([
    ['all serve the newest version', {}, 'clear', 'Every proxy'],
    ['the controller is in trouble', { error: 'no answer' }, 'danger', 'no answer'],
    ['nothing was seen yet', { observedAt: null }, 'caution', 'not checked'],
    ['routing is off', { enabled: false, clusters: [] }, 'off', 'turned off'],
    ['no proxy runs', { clusters: [aCluster({ replicas: [] })] }, 'danger', 'No proxy is running in default'],
    ['a roll-out is under way', { clusters: [aCluster({ rolling: true })] }, 'caution', 'new version is rolling out'],
    [
      'a replica is behind',
      { clusters: [aCluster({ replicas: [replica, { ...replica, version: 'v0' }] })] },
      'caution',
      'Not every',
    ],
    [
      'a replica starts',
      { clusters: [aCluster({ replicas: [replica, { ...replica, state: 'starting' }] })] },
      'caution',
      'Not every',
    ],
    ['a version is held', { clusters: [aCluster({ held: 'v1' })] }, 'caution', 'queued in default'],
    ['a service has a problem', { problems: [problem] }, 'caution', '1 problem affects'],
    ['there is a notice', { problems: [{ ...problem, severity: 'notice' }] }, 'clear', 'Every proxy'],
    [
      'a cluster has no version yet',
      { clusters: [aCluster({ version: null, replicas: [] })] },
      'caution',
      'no version yet',
    ],
  ])('if %s', (_, change, aspect, reason) => {
    expect(health(change)).toMatchObject({ aspect, reason: expect.stringContaining(reason) });
  });
});
