// Containers on the control network, such as a compromised proxy, cannot reach the administrator's port.
import { once } from 'node:events';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { serveAdmin } from '../../../../src/controller/admin/serve.ts';
import { networkSubnets } from '../../../../src/controller/docker/network-subnets.ts';
import { createAuthority, issueIdentity } from '../../../../src/protocol/certificates.ts';
import { FakeDocker } from '../../../support/fake-docker.ts';

const authority = await createAuthority(Date.now());

async function setUp(closedTo: readonly string[]) {
  const ended = new AbortController();
  const app = { fetch: () => new Response('ok') };
  const { cert, key } = await issueIdentity(authority, 'admin.signalbox', Date.now());
  const server = serveAdmin({ app, port: 0, cert, key, closedTo }, ended.signal);
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const get = (host: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const options = { host, port, ca: authority.ca, servername: 'admin.signalbox', agent: false as const };
    request(options, (response) => {
      const { subject } = (
        response.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }
      ).getPeerCertificate();
      response.resume();
      resolve(`${response.statusCode} ${subject.CN}`);
    })
      .on('error', reject)
      .end();
    return promise;
  };
  return { server, get, stop: () => ended.abort() };
}

it('connections through the control network are refused, others are not', async () => {
  const { get, stop } = await setUp(['127.0.2.0/24', 'fd00:1::/64']);

  await expect(get('127.0.2.9')).rejects.toThrow(/ECONNRESET|socket|disconnected/);
  expect(await get('127.0.0.1')).toBe('200 admin.signalbox');
  expect(await get('127.0.3.1')).toBe('200 admin.signalbox');
  stop();
});

it('new connections get a new certificate', async () => {
  const { server, get, stop } = await setUp([]);

  const { cert, key } = await issueIdentity(authority, 'renewed.signalbox', Date.now(), ['admin.signalbox']);
  server.setSecureContext({ cert, key });

  expect(await get('127.0.0.1')).toBe('200 renewed.signalbox');
  stop();
});

it('the subnets are those that Docker assigned to the network', async () => {
  const docker = new FakeDocker();
  docker.objects.network.set('signalbox', {
    ID: 'signalbox',
    IPAM: { Config: [{ Subnet: '10.0.1.0/24', Gateway: '10.0.1.1' }, { Subnet: 'fd00:1::/64' }] },
  });
  docker.objects.network.set('none', { ID: 'none', IPAM: { Config: null } });

  expect(await networkSubnets(docker.client, 'signalbox')).toEqual(['10.0.1.0/24', 'fd00:1::/64']);
  expect(await networkSubnets(docker.client, 'none')).toEqual([]);
  expect(await networkSubnets(docker.client, 'missing')).toEqual([]);
});
