import { describe, expect, it } from 'vitest';
import { allowedIssuers } from '../../../../src/model/acme/caa.ts';
import type { Issuer } from '../../../../src/model/acme/issuers.ts';
import { type OutlookInput, outlook } from '../../../../src/model/acme/outlook.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';

const good = { Email: 'ops@example.org', AcceptTerms: true };
const issuerWith = (more: object = {}): Issuer =>
  parseSettings({ Acme: { public: { ...good, ...more } } }, '1').settings.issuers.get('public')!;
const overDns = issuerWith({ Challenge: 'dns-01', DnsProvider: 'rfc2136' });

const nothing = { addresses: ['8.8.8.8'], caa: null, identities: ['letsencrypt.org'] };
const reasons = (more: Partial<OutlookInput>) =>
  outlook({
    ...{ name: 'app.example.org', issuer: issuerWith(), dns: nothing, nodes: ['8.8.8.8', '10.0.0.1'], httpPorts: [80] },
    ...more,
  }).map(({ severity, reason }) => `${severity}: ${reason}`);
const withCaa = (records: readonly object[], more: Partial<OutlookInput> = {}) =>
  reasons({ dns: { ...nothing, caa: { owner: 'example.org', records } }, ...more });

describe('addresses', () => {
  it('are good if one is that of a node, or if none can be compared', () => {
    expect(reasons({})).toEqual([]);
    expect(reasons({ dns: { ...nothing, addresses: ['9.9.9.9', '8.8.8.8'] } })).toEqual([]);
    // Behind NAT, nodes know each other by private addresses.
    expect(reasons({ nodes: ['10.0.0.1', '192.168.1.2', 'fd00::1'] })).toEqual([]);
    expect(reasons({ dns: { ...nothing, addresses: ['2001:db8::1'] } })).toEqual([]);
    expect(reasons({ dns: { ...nothing, addresses: null } })).toEqual([]);
  });

  it('are noted if they lead elsewhere or are missing, but only if the CA connects', () => {
    const elsewhere = { ...nothing, addresses: ['9.9.9.9'] };
    expect(reasons({ dns: elsewhere })).toEqual([
      'notice: app.example.org leads to 9.9.9.9, which is no node of this swarm',
    ]);
    const missing = { ...nothing, addresses: [] };
    expect(reasons({ dns: missing })).toEqual([
      'warning: app.example.org has neither an A nor an AAAA record, so the CA cannot reach it',
    ]);
    expect([reasons({ dns: elsewhere, issuer: overDns }), reasons({ dns: missing, issuer: overDns })]).toEqual([
      [],
      [],
    ]);
  });
});

describe('the HTTP port', () => {
  it('is noted if no cluster of the host publishes 80', () => {
    expect(reasons({ httpPorts: [8080] })).toEqual([
      'notice: the CA connects to app.example.org on port 80, and the proxies publish port 8080',
    ]);
    expect([reasons({ httpPorts: [8080, 80] }), reasons({ httpPorts: [8080], issuer: overDns })]).toEqual([[], []]);
  });
});

describe('CAA records', () => {
  it.each([
    ['none restricts', [{ iodef: 'mailto:x@example.org' }]],
    ['they name the CA', [{ issue: 'other.test' }, { issue: 'LetsEncrypt.org; accounturi=https://ca.test/1' }]],
    ['they name its challenge', [{ issue: 'letsencrypt.org; validationmethods=dns-01,http-01' }]],
  ])('allow it: %s', (_, records) => {
    expect(withCaa(records)).toEqual([]);
  });

  it.each([
    ['forbid certificates for app.example.org', [{ issue: ';' }]],
    ['allow only other.test to issue for app.example.org', [{ issue: 'other.test' }]],
    ['allow letsencrypt.org only with dns-01', [{ issue: 'letsencrypt.org; validationmethods=dns-01' }]],
  ])('%s', (text, records) => {
    expect(withCaa(records)).toEqual([`warning: the CAA records of example.org ${text}`]);
  });

  it('have an entry of their own for wildcards', () => {
    const records = [{ issue: 'letsencrypt.org' }, { issuewild: 'other.test' }];
    expect(withCaa(records)).toEqual([]);
    expect(withCaa(records, { name: '*.example.org', issuer: overDns })).toEqual([
      'warning: the CAA records of example.org allow only other.test to issue for *.example.org',
    ]);
  });

  it('mean nothing if the CA does not say its name, except that they forbid all', () => {
    const unnamed = (records: readonly object[]) =>
      reasons({ dns: { ...nothing, identities: [], caa: { owner: 'example.org', records } } });
    expect(unnamed([{ issue: 'other.test' }])).toEqual([]);
    expect(unnamed([{ issue: ';' }])).toHaveLength(1);
  });

  it('are hostile text, too', () => {
    expect(allowedIssuers([{ issue: '\u202e\nevil.test ; x=1' }], false)).toEqual([
      { domain: 'evil.test', methods: undefined },
    ]);
  });
});
