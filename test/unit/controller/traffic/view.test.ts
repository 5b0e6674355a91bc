import { expect, it } from 'vitest';
import { TrafficRecorder } from '../../../../src/controller/traffic/traffic-recorder.ts';
import { viewTraffic } from '../../../../src/controller/traffic/view.ts';
import { createRouteTableBuilder } from '../../../../src/model/route-table.ts';
import { aReport, aRow } from '../../../support/reported-traffic.ts';

it('time goes on if no proxy reports', async () => {
  let time = Date.parse('2026-01-01T12:00:00Z');
  const now = () => time;
  const table = createRouteTableBuilder()([]);
  const recorder = new TrafficRecorder({ table: () => table, now });
  recorder.record('default', aReport([aRow('_', { ok: 7 })]));
  const view = () => viewTraffic({ recorder, tasksOf: async () => new Map(), now }, { range: '5m' });
  expect(await view()).toMatchObject({ totals: { requests: 7 } });

  time += 60_000;
  recorder.tick();
  expect(await view()).toMatchObject({ totals: { requests: 7 } });
  time += 300_000;
  recorder.tick();
  expect(await view()).toMatchObject({ totals: { requests: 0 } });
});
