import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TryView } from '../../../../src/controller/admin/try-route.ts';
import { AdminWorld } from '../../../support/admin-world.ts';
import { aNode } from '../../../support/builders.ts';

let box: AdminWorld;
let proxy: Server;
const seen: string[] = [];

beforeAll(async () => {
  proxy = createServer(({ method, url, headers }, response) => {
    seen.push(`${method} ${headers.host}${url}`);
    response.writeHead(200, { 'x-proxy-id': 'proxy1' }).end('secret of the application');
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  box = await AdminWorld.open();
  const { status } = box.world;
  const [state] = status.desired.clusters;
  const settings = { ...state!.cluster.settings, PublishedPort: (proxy.address() as AddressInfo).port };
  const cluster = { ...state!.cluster, settings };
  const nodes = [
    aNode('b', { name: 'b', address: '192.0.2.9' }),
    aNode('a', { name: 'a', address: '127.0.0.1' }),
    aNode('0', { name: '0', address: '192.0.2.1', ready: false }),
  ];
  box.triedStatus = () => ({
    ...status,
    snapshot: { ...status.snapshot, nodes },
    desired: { ...status.desired, clusters: [{ ...state!, cluster }] },
  });
});
afterAll(async () => {
  proxy.close();
  await box[Symbol.asyncDispose]();
});

const post = async (url: unknown) => {
  const { status, body } = await box.ask('/api/try', {
    method: 'POST',
    headers: await box.bearer('otto'),
    body: { url },
  });
  return { status, body: JSON.parse(body) };
};

describe('POST /api/try', () => {
  it('sends GET to the first node that is ready, describes the steps, and is recorded', async () => {
    const { status, body } = await post('shop.example.org/cart?a=b');

    expect(status).toBe(200);
    const { cluster, steps } = body as TryView;
    expect(cluster).toBe('default');
    expect(steps.map(({ step }) => step)).toEqual(['dns', 'node', 'connection', 'answer', 'proxy']);
    expect(steps.find(({ step }) => step === 'node')!.text).toBe('the request goes to a');
    expect(steps.find(({ step }) => step === 'answer')!.text).toBe('200 OK');
    expect(JSON.stringify(body)).not.toContain('secret of the application');
    expect(seen).toEqual(['GET shop.example.org/cart?a=b']);
    expect(box.administrator.current.changes[0]).toMatchObject({
      who: 'otto',
      what: 'Sent a request for http://shop.example.org/cart?a=b',
    });
  });

  it.each([
    ['a host without a route', 'http://other.example.org/', 404],
    ['an address', 'http://127.0.0.1/', 404],
    ['another scheme', 'ftp://shop.example.org/', 400],
    ['a connection', 'tcp://shop.example.org:22', 400],
    ['nothing', undefined, 400],
    ['something else', { a: 1 }, 400],
  ])('sends nothing for %s', async (_, url, status) => {
    const before = [...seen];
    const { changes } = box.administrator.current;

    expect((await post(url)).status).toBe(status);
    expect(seen).toEqual(before);
    expect(box.administrator.current.changes).toEqual(changes);
  });
});
