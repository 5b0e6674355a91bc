// The rules of the Gateway API's conformance tests, in the real nginx.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { servicesOf, tables } from '../support/match-tables.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, get, startOddNginx } from '../support/odd-nginx.ts';

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await startOddNginx(Object.values(tables).flatMap(servicesOf));
});
afterAll(() => nginx[Symbol.asyncDispose]());

describe.each(Object.entries(tables))('%s', (_name, { hosts, protocol, rows }) => {
  it.each(rows.map((row) => [row] as const))('%j', async ([service, method, target, ...headers]) => {
    const answer = await get(nginx, hosts, target, { method, headers });

    if (service === 404) expect(answer.status).toBe(404);
    else expect(arrived(answer)).toMatchObject({ method, url: target, port: protocol === 'grpc' ? 9003 : 9001 });
    if (service !== 404) expect(arrived(answer).header('x-service')).toBe(service);
  });
});
