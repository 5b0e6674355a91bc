import { describe, expect, it } from 'vitest';
import { lookUp } from '../../../src/acme/lookup.ts';
import type { Dns } from '../../../src/lib/dns-records.ts';
import { LookupResponse } from '../../../src/protocol/acme-messages.ts';

const absent = (code = 'ENODATA') => Promise.reject(Object.assign(new Error(code), { code }));
/** Nothing listens there. */
const request = { directory: 'https://127.0.0.1:1/dir', ca: '' };

const dns = {
  resolve4: async () => ['192.0.2.1'],
  resolve6: async () => ['2001:db8::1'],
  resolveCaa: async (name: string) =>
    name === 'example.org' ? [{ critical: 0, issue: `ca.test; ${'x'.repeat(5000)}` }] : absent('ENOTFOUND'),
} as unknown as Dns;

describe('a lookup', () => {
  it('finds the addresses of a host and the closest CAA records', async () => {
    const found = LookupResponse.parse(await lookUp({ ...request, name: 'a.b.example.org' }, '/nowhere', dns));
    expect(found).toMatchObject({ addresses: ['192.0.2.1', '2001:db8::1'], caa: { owner: 'example.org' } });
    expect(found.caa!.records[0]!.issue).toHaveLength(1000);
  });

  it('asks for the domain of a wildcard, without addresses', async () => {
    const found = await lookUp({ ...request, name: '*.example.org' }, '/nowhere', dns);
    expect(found).toMatchObject({ addresses: null, caa: { owner: 'example.org' }, identities: [] });
  });

  it('leaves out what cannot be found', async () => {
    const failing = Object.fromEntries(
      ['resolve4', 'resolve6', 'resolveCaa'].map((name) => [name, () => absent('ETIMEOUT')]),
    ) as unknown as Dns;
    const found = await lookUp({ ...request, name: 'a.example.org' }, '/nowhere', failing);
    expect(found).toEqual({ addresses: null, caa: null, identities: [] });
    const without = { ...failing, resolve4: () => absent(), resolve6: () => absent(), resolveCaa: () => absent() };
    expect(await lookUp({ ...request, name: 'a.example.org' }, '/nowhere', without as unknown as Dns)).toMatchObject({
      addresses: [],
      caa: { owner: 'a.example.org', records: [] },
    });
  });
});
