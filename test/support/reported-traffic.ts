import type { ReceivedReport, TrafficRecorder } from '../../src/controller/traffic/traffic-recorder.ts';
import { bucketOf } from '../../src/model/time-buckets.ts';
import type { RequestError, TrafficRow } from '../../src/model/traffic.ts';

/** Tasks of the reported addresses. */
export const knownTasks = new Map([
  ['10.0.1.5', { task: 'taska00000000000000000000', node: 'worker1' }],
  ['10.0.1.6', { task: 'taskb00000000000000000000', node: 'worker2' }],
]);

interface Requests {
  readonly path?: string;
  readonly address?: string;
  /** Numbers of requests by status class. */
  readonly ok?: number;
  readonly redirected?: number;
  readonly refused?: number;
  readonly failed?: number;
  readonly ms?: number;
}

export function aRow(host: string, requests: Requests = {}): TrafficRow {
  const { path = '/', address = '10.0.1.5:8080', ok = 0, redirected = 0, refused = 0, failed = 0, ms = 12 } = requests;
  const count = ok + redirected + refused + failed;
  const slow = Math.floor(count / 20);
  return {
    ...{ host, path, address },
    classes: [0, 0, ok, redirected, refused, failed],
    tls: [Math.ceil(count / 10), 0, count - Math.ceil(count / 10), 0],
    sent: count * 4000,
    received: count * 400,
    times: [bucketOf(ms), count - slow, bucketOf(ms * 12), slow],
  };
}

export function anError(host: string, error: Partial<RequestError> = {}): RequestError {
  return {
    at: Date.now(),
    ...{ host, route: '/', request: 'GET /cart', status: 502, id: 'a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6' },
    ...{ address: '10.0.1.5:8080', upstreamStatus: '502', connectTime: '-', headerTime: '-' },
    ...error,
  };
}

export function aReport(rows: readonly TrafficRow[], report: Partial<ReceivedReport> = {}): ReceivedReport {
  const connections = { reading: 0, writing: 12, waiting: 30 };
  return { task: 'proxy1', number: 1, age: 0, errors: [], connections, lost: 0, rows, ...report };
}

/** Requests of the last twenty minutes to the hosts of `aBusyDay`. */
export function aBusyHour(traffic: TrafficRecorder): void {
  const steps = 240;
  for (let back = steps; back >= 0; back -= 1) {
    const wave = 1 + 0.4 * Math.sin(back / 9) + 0.15 * Math.sin(back * 1.7);
    const isDown = back > 60 && back < 72;
    const rows = [
      aRow('shop.example.org', { ok: Math.round(260 * wave), redirected: 18, refused: 9, failed: isDown ? 60 : 0 }),
      aRow('shop.example.org', { address: '10.0.1.6:8080', ok: Math.round(250 * wave), ms: isDown ? 80 : 15 }),
      aRow('shop.example.org', { path: '/api', ok: Math.round(90 * wave), refused: 12, ms: 35 }),
      aRow('wiki.example.org', { address: '10.0.2.7:8080', ok: Math.round(40 * wave), ms: 120 }),
      aRow('*.blog.example.org', { address: '10.0.3.7:8080', ok: back % 3 }),
      aRow('_', { address: '', refused: back % 4 === 0 ? 3 : 0 }),
    ];
    const connections = { reading: 1, writing: Math.round(22 * wave), waiting: Math.round(80 * wave) };
    traffic.record('default', aReport(rows, { age: back * 5000, connections }));
  }
  const errors = [
    anError('shop.example.org', { at: Date.now() - 310_000 }),
    anError('shop.example.org', {
      at: Date.now() - 305_000,
      upstreamStatus: '504',
      status: 504,
      request: 'POST /api/order',
    }),
    anError('legacy.example.org', { status: 503, address: '', upstreamStatus: '', request: 'GET /' }),
  ];
  traffic.record('default', aReport([], { errors }));
}
