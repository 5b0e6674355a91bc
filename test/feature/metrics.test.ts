// Metrics for Prometheus.
import { expect, it } from 'vitest';
import { createMetrics } from '../../src/controller/admin/metrics.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';

it('exposes routes, problems, replicas and their versions, and how long changes took', async () => {
  const world = new ControllerWorld({ agents: true });
  const calls = new Map([['List services', { done: 3, failed: 1 }]]);
  const metrics = createMetrics(world.board, calls);
  world.swarm.deploy(aService('shop'));
  world.swarm.deploy(aService('blog', { lb: { max_fails: 'many' } }));
  await world.settle();

  const text = await metrics.metrics();

  const { version } = world.status.outcomes[0]!;
  expect(text).toContain('signalbox_routes{cluster="default"} 2');
  expect(text).toContain('signalbox_problems{severity="error"} 1');
  expect(text).toContain(`signalbox_replicas{cluster="default",version="${version}",desired="true"} 2`);
  expect(text).toContain('signalbox_desired_replicas{cluster="default"} 2');
  expect(text).toContain('signalbox_engine_calls_total{operation="List services",result="failed"} 1');
  expect(text).toContain('signalbox_propagation_seconds_count{cluster="default"} 1');
});
