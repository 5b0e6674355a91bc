// Acceptance cases E1 and Q1 of Interlock, WebSockets on every path, gRPC, large bodies, X-Forwarded-*, and hidden
// paths.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callGrpc } from '../support/grpc.ts';
import { bed, curl, demo, echo, eventually, InterlockStory, ping, pings, published } from '../support/interlock.ts';
import { connect } from '../support/websocket.ts';

const story = new InterlockStory();
const proxies = 2;

describe('traffic', () => {
  beforeAll(async () => {
    await story.docker('network create -d overlay traffic');
    const common = '--network traffic --label com.docker.lb.port=8080';
    await story.docker(`service create --name traffic-app ${common} --label com.docker.lb.hosts=traffic.local ${demo}`);
    await story.docker(`service create --name traffic-sticky ${common} --replicas 5
      --label com.docker.lb.hosts=sticky.local --label com.docker.lb.sticky_session_cookie=session ${demo}`);
    await story.docker(`service create --name traffic-grpc --network traffic --label com.docker.lb.port=8081
      --label com.docker.lb.hosts=grpc.local --label com.docker.lb.backend_protocol=grpc ${demo}`);
    await published('traffic.local', 'sticky.local');
  });
  afterAll(() => story.close());

  it("E1: with its cookies, a client stays on one of five tasks, and the application's cookie passes", async () => {
    const first = await curl('sticky.local', '/ping');
    const cookies = (first.headers['set-cookie'] ?? []).map((cookie) => cookie.split(';')[0]!);
    expect(cookies).toContainEqual(expect.stringMatching(/^session=/));
    const cookie = cookies.join('; ');

    const answers = await pings('sticky.local', 20, { headers: { cookie } });

    expect(new Set(answers.map(({ instance }) => instance))).toEqual(new Set([JSON.parse(first.body).instance]));
  });

  it("E1: with only the application's cookie, clients stay on one task a proxy, and without it use all", async () => {
    const headers = { cookie: 'session=of-a-client-that-keeps-nothing-else' };

    await eventually(async () => {
      const instances = (await pings('sticky.local', 40)).map(({ instance }) => instance);
      expect(new Set(instances).size).toBe(5);
    });
    const same = (await pings('sticky.local', 20, { headers })).map(({ instance }) => instance);
    expect(new Set(same).size).toBeLessThanOrEqual(proxies);
  });

  it('Q1: reveals neither proxy nor task unless the settings enable it', async () => {
    const { headers } = await curl('traffic.local', '/ping');

    const revealed = Object.keys(headers).filter((name) => /^x-(request|proxy|server|upstream)/.test(name));
    expect(revealed).toEqual([]);
  });

  it('is written to the access log of the proxies', async () => {
    const id = `logged-${Date.now()}`;
    await curl('traffic.local', '/ping', { headers: { 'x-request-id': id } });

    await eventually(async () => {
      const line = (await bed.logs('signalbox-proxy', 500)).split('\n').find((text) => text.includes(`id=${id} `));
      expect(line).toContain('"GET /ping HTTP/1.1" 200');
    });
  });

  it('includes WebSockets on any path, without a label', async () => {
    await using socket = await connect('traffic.local', '/deep/down/ws');

    const long = 'x'.repeat(100_000);
    expect(await socket.exchange('hello')).toBe('hello');
    expect(await socket.exchange(long)).toBe(long);
  });

  it('includes gRPC for a service with the label, with its trailers', async () => {
    await eventually(async () => {
      const { headers, trailers, body } = await callGrpc('grpc.local', '/demo.Echo/Say', 'hello');

      expect(headers[':status']).toBe(200);
      expect(headers['content-type']).toBe('application/grpc');
      expect(trailers['grpc-status']).toBe('0');
      expect(body).toBe('hello');
    });
  });

  it('has the requested client, host, scheme and port in its headers', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-prefix': '/pretended' };

    const { headers: seen } = await echo('traffic.local:8080', '/echo', { headers });

    expect(seen).toMatchObject({
      host: 'traffic.local:8080',
      'x-forwarded-for': expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
      'x-forwarded-host': 'traffic.local:8080',
      'x-forwarded-port': '8080',
      'x-forwarded-proto': 'http',
      'x-real-ip': expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
    });
    expect(seen).not.toHaveProperty('x-forwarded-prefix');
  });

  it('keeps a valid request id of the client, and gets a new one instead of an invalid one', async () => {
    const sane = await ping('traffic.local', { headers: { 'x-request-id': 'client-id-0001' } });
    const odd = await ping('traffic.local', { headers: { 'x-request-id': 'bad id' } });

    expect(sane.request_id).toBe('client-id-0001');
    expect(odd.request_id).toMatch(/^[0-9a-f]{32}$/);
  });

  it('may have a body of 30 MB, and none beyond ClientMaxBodySize', async () => {
    const body = 'upload. '.repeat(30 * 2 ** 17);
    const upload = { method: 'POST', timeoutMs: 60_000 };

    const taken = await curl('traffic.local', '/upload', { ...upload, body });
    const refused = await curl('traffic.local', '/upload', {
      ...upload,
      headers: { 'content-length': 33 * 2 ** 20, expect: '100-continue' },
    });

    expect(JSON.parse(taken.body)).toEqual({
      length: body.length,
      sha256: createHash('sha256').update(body).digest('hex'),
    });
    expect(refused.status).toBe(413);
  });

  it('may have a response of 30 MB', async () => {
    const answer = await curl('traffic.local', `/bytes/${30 * 2 ** 20}`, { timeoutMs: 60_000 });

    expect(answer.body.length).toBe(30 * 2 ** 20);
  });

  it('may have request headers up to LargeClientHeaderBuffers', async () => {
    // The application itself accepts 16 KB.
    const fits = await curl('traffic.local', '/ping', { headers: { 'x-large': 'x'.repeat(15_000) } });
    const exceeds = await curl('traffic.local', '/ping', { headers: { 'x-large': 'x'.repeat(33_000) } });

    expect(fits.status).toBe(200);
    expect(exceeds.status).toBe(400);
  });

  it.each(['/nginx_status', '/version', '/stub_status'])('passes %s to the application', async (path) => {
    const known = await curl('traffic.local', path);
    const unknown = await curl('unknown.local', path);

    expect(known.body).toBe(`Nothing at ${path}\n`);
    expect(unknown.status).toBe(503);
  });
});
