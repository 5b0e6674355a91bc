// The rules of the Gateway API's conformance tests, in the real nginx.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { echo, placeOf, servicesOf, tables } from '../support/match-tables.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, get, http2Port, startOddNginx } from '../support/odd-nginx.ts';

const calls = { port: http2Port, host: 'weight.grpc.test' };
const weighted = Object.entries({ v1: '70', v2: '30', v3: '0' }).map(([name, weight], age) =>
  aService(`weighted-${name}`, {
    ...calls,
    createdAt: String(age),
    lb: { backend_protocol: 'grpc', weight, 'request_header.X-Service': name },
  }),
);
const modified = [
  aService('modified', {
    ...{ ...calls, host: 'modified.grpc.test' },
    lb: {
      backend_protocol: 'grpc',
      'request_header.X-Header-Set': 'set-overwrites-values',
      'request_header.X-Header-Remove': '',
    },
  }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await startOddNginx([...Object.values(tables).flatMap(servicesOf), ...weighted, ...modified]);
});
afterAll(() => nginx[Symbol.asyncDispose]());

describe.each(Object.entries(tables))('%s', (_name, table) => {
  it.each(table.rows.map((row) => [row] as const))('%j', async ([service, method, place, ...headers]) => {
    const { host, path } = placeOf(table, place);
    const answer = await get(nginx, host, path, { method, headers });

    if (service === 404) expect(answer.status).toBe(404);
    else expect(arrived(answer)).toMatchObject({ method, url: path, port: table.protocol === 'grpc' ? 9003 : 9001 });
    if (service !== 404) expect(arrived(answer).header('x-service')).toBe(service);
  });
});

it('GRPCRouteWeight: calls are shared by weight', async () => {
  const shares: Record<string, number> = {};
  for (let n = 0; n < 300; n++) {
    const service = String(
      arrived(await get(nginx, calls.host, `${echo}/Echo`, { method: 'POST' })).header('x-service'),
    );
    shares[service] = (shares[service] ?? 0) + 1 / 300;
  }

  expect(Object.keys(shares).toSorted()).toEqual(['v1', 'v2']);
  // Four standard deviations.
  expect(Math.abs(shares.v1! - 0.7)).toBeLessThan(0.11);
});

it('GRPCRouteRequestHeaderModifier: metadata is set and removed', async () => {
  const headers = ['X-Header-Set: own', 'X-Header-Remove: own', 'X-Header-Other: own'];
  const { header } = arrived(await get(nginx, 'modified.grpc.test', `${echo}/Echo`, { method: 'POST', headers }));

  expect(header('x-header-set')).toBe('set-overwrites-values');
  expect(header('x-header-remove')).toBeUndefined();
  expect(header('x-header-other')).toBe('own');
});
