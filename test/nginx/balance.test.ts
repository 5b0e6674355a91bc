// Labels `balance`, `max_connections` and `sticky_cookie_*`, in the real nginx, with two tasks and two proxies.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, get, startOddNginx, twoTasks } from '../support/odd-nginx.ts';
import { head, RawConnection, valuesOf } from '../support/raw-request.ts';

const sticky = { sticky_session_cookie: 'sid' };
const services = Object.entries({
  turns: { balance: 'round_robin' },
  least: { balance: 'least_conn' },
  random: { balance: 'random' },
  uri: { balance: 'hash:uri' },
  header: { balance: 'hash:header:X-Tenant' },
  cookie: { balance: 'hash:cookie:Tenant' },
  watched: { balance: 'hash:uri', max_fails: '1' },
  full: { balance: 'round_robin', max_connections: '1', max_fails: '1' },
  secure: {
    ...sticky,
    sticky_cookie_secure: 'true',
    sticky_cookie_samesite: 'strict',
    sticky_cookie_age: '1h',
    sticky_cookie_domain: 'example.org',
  },
  elsewhere: { ...sticky, sticky_cookie_samesite: 'none' },
  plain: sticky,
}).map(([name, lb]) => aService(name, { port: twoTasks, lb }));

let proxies: readonly NginxContainer[];
let nginx: NginxContainer;
beforeAll(async () => {
  proxies = await Promise.all([startOddNginx(services), startOddNginx(services.toReversed())]);
  [nginx] = proxies as [NginxContainer, NginxContainer];
});
afterAll(() => Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]())));

const host = (name: string) => `${name}.example.org`;

/** The tasks that answer these requests, one after the other. */
async function tasks(
  count: number,
  name: string,
  of: (n: number) => { readonly target?: string; readonly headers?: readonly string[] } = () => ({}),
  proxy = nginx,
): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < count; n++) {
    const { target = '/', headers = [] } = of(n);
    found.push(arrived(await get(proxy, host(name), target, { headers })).port);
  }
  return found;
}

describe('the method', () => {
  it('round_robin takes turns', async () => {
    const found = await tasks(6, 'turns');

    expect(found.slice(0, 2).toSorted()).toEqual([9001, 9002]);
    expect(found.slice(2)).toEqual([...found.slice(0, 2), ...found.slice(0, 2)]);
  });

  it.each(['least', 'random'])('%s uses all tasks', async (name) => {
    expect(new Set(await tasks(40, name))).toEqual(new Set([9001, 9002]));
  });

  it.each([
    ['uri', (n: number) => ({ target: `/path?${n}` })],
    ['header', (n: number) => ({ headers: [`x-TENANT: tenant${n}`] })],
    ['cookie', (n: number) => ({ headers: [`Cookie: Tenant=tenant${n}`] })],
    ['watched', (n: number) => ({ target: `/path?${n}` })],
  ])('hash sends equal values to the same task, through any proxy: %s', async (name, of) => {
    const [first, again, other] = [
      await tasks(20, name, of),
      await tasks(20, name, of),
      await tasks(20, name, of, proxies[1]),
    ];

    expect(again).toEqual(first);
    expect(other).toEqual(first);
    expect(new Set(first)).toEqual(new Set([9001, 9002]));
  });

  it.each(['header', 'cookie'])('hash spreads requests without a value: %s', async (name) => {
    expect(new Set(await tasks(40, name))).toEqual(new Set([9001, 9002]));
  });
});

describe('a limit of connections to each task', () => {
  it('is never exceeded, and counts a WebSocket until it closes', async () => {
    await using events = await RawConnection.open({ port: nginx.port });
    await using socket = await RawConnection.open({ port: nginx.port });
    events.write(head('GET /sse HTTP/1.1', `Host: ${host('full')}`));
    await events.until(/data: 0/);
    const upgrade = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
    socket.write(head('GET / HTTP/1.1', `Host: ${host('full')}`, ...upgrade));
    expect((await socket.answer()).status).toBe(101);

    const refused = await get(nginx, host('full'));
    expect(refused.status).toBe(502);
    expect(valuesOf(refused.headers, 'retry-after')).toEqual(['5']);
    expect((await get(nginx, host('turns'))).status).toBe(200);

    socket.socket.destroy();
    await eventually(async () => expect((await get(nginx, host('full'))).status).toBe(200), {
      timeoutMs: 10_000,
      intervalMs: 50,
    });
  });
});

describe('the cookie of a sticky session', () => {
  it.each([
    ['secure', ['domain=example.org', 'httponly', 'max-age=3600', 'path=/', 'samesite=strict', 'secure']],
    ['elsewhere', ['httponly', 'path=/', 'samesite=none', 'secure']],
    ['plain', ['httponly', 'path=/', 'samesite=lax']],
  ])('has the attributes of the labels: %s', async (name, attributes) => {
    const answer = await get(nginx, host(name));
    const [cookie = ''] = valuesOf(answer.headers, 'set-cookie');
    const [value = '', ...rest] = cookie.split(/;\s*/);

    expect(value).toMatch(/^sid_route=[0-9a-f]+$/);
    const found = rest.map((part) => part.toLowerCase()).filter((part) => !part.startsWith('expires='));
    expect(found.toSorted()).toEqual(attributes);
    const { port } = arrived(answer);
    expect(new Set(await tasks(10, name, () => ({ headers: [`Cookie: ${value}`] })))).toEqual(new Set([port]));
  });
});
