import { afterEach, beforeEach, expect, it } from 'vitest';
import { DnsClient } from '../../../../src/proxy/nginx/dns-client.ts';
import { FakeDns } from '../../../support/dns.ts';

let dns: FakeDns;
let client: DnsClient;
beforeEach(async () => {
  dns = await FakeDns.start();
  dns.names.set('web', { addresses: ['10.0.1.5'] });
  dns.names.set('silent', 'silence');
  client = new DnsClient({ server: dns.address, timeoutMs: 200 });
});
afterEach(async () => {
  client.close();
  await dns[Symbol.asyncDispose]();
});

it('uses another port if nothing was answered: the kernel may route the old one to a server that is gone', async () => {
  expect(await client.query('silent')).toBeUndefined();
  expect((await client.query('web'))?.records).toHaveLength(1);
  expect(dns.ports.size).toBe(2);
});

it('uses the same port while other names are answered', async () => {
  const silent = client.query('silent');
  expect((await client.query('web'))?.records).toHaveLength(1);
  expect(await silent).toBeUndefined();
  expect((await client.query('web'))?.records).toHaveLength(1);
  expect(dns.ports.size).toBe(1);
});

it('queries a server that was not there before', async () => {
  const late = await FakeDns.start();
  const { address } = late;
  await late[Symbol.asyncDispose]();
  const patient = new DnsClient({ server: address, timeoutMs: 200 });
  expect(await patient.query('web')).toBeUndefined();
  await using back = await FakeDns.start(address.port);
  back.names.set('web', { addresses: ['10.0.1.5'] });
  expect((await patient.query('web'))?.records).toHaveLength(1);
  patient.close();
});
