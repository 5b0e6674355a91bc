// Acceptance cases A1 to A4, H1, M1 and P1 of Interlock: publishing, scaling and removing a service.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeNames } from '../../bed/bed-shape.ts';
import {
  curl,
  demo,
  eventually,
  InterlockStory,
  ping,
  pings,
  proxyIdentity,
  published,
  removeStack,
} from '../support/interlock.ts';
import { connect } from '../support/websocket.ts';

const story = new InterlockStory();

const stack = `
version: "3.2"
services:
  demo:
    image: ${demo}
    deploy:
      replicas: 1
      labels:
        com.docker.lb.hosts: app.example.org
        com.docker.lb.network: demo_demo-network
        com.docker.lb.port: 8080
    networks:
      - demo-network
networks:
  demo-network:
    driver: overlay
`;

describe('publishing a service', () => {
  beforeAll(async () => {
    await story.docker('network create -d overlay demo');
    await story.docker(`service create --name demo --network demo
      --label com.docker.lb.hosts=demo.local --label com.docker.lb.port=8080 ${demo}`);
    await story.docker(`service create --name chat --network demo --label com.docker.lb.hosts=chat.local
      --label com.docker.lb.port=8080 --label com.docker.lb.websocket_endpoints=/ws ${demo}`);
    await story.deploy('demo', stack);
    await published('demo.local', 'chat.local', 'app.example.org');
  });
  afterAll(() => story.close());

  it('A1: answers for its host with the id of instance and request', async () => {
    const pong = await ping('demo.local');

    expect(pong.instance).toMatch(/^[0-9a-f]{12}$/);
    expect(pong.request_id).toMatch(/^[0-9a-f]{32}$/);
  });

  it('A2, P1: answers from all four instances after service scale, and no proxy is updated', async () => {
    const before = await proxyIdentity();

    await story.docker('service scale demo=4');

    await eventually(async () => {
      const instances = (await pings('demo.local', 30)).map(({ instance }) => instance);
      expect(new Set(instances).size).toBe(4);
    });
    expect(await proxyIdentity()).toEqual(before);
  });

  it.each(nodeNames)('A3: answers on %s for a stack', async (node) => {
    await ping('app.example.org', { node });
  });

  it('A4: answers 503 with a page for an unknown host', async () => {
    const answer = await curl('unknown.local');

    expect(answer.status).toBe(503);
    expect(answer.headers['content-type']).toBe('text/html');
    expect(answer.body).toContain('503 Service Unavailable');
  });

  it('H1: carries a WebSocket over the path in websocket_endpoints', async () => {
    await using socket = await connect('chat.local', '/ws');

    expect(await socket.exchange('typed text')).toBe('typed text');
  });

  it('M1: lets the network of a stack be removed within 30 s, at the latest by a second stack rm', async () => {
    await removeStack('demo', 30_000);

    await eventually(async () => expect((await curl('app.example.org')).status).toBe(503));
  });
});
