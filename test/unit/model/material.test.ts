import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import type { CertificateFacts, SecretFacts } from '../../../src/model/material.ts';
import { parseSettings } from '../../../src/model/settings.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const { settings } = parseSettings({}, '1');
const now = Date.parse('2026-06-01T00:00:00Z');

function aCertificate(more: Partial<CertificateFacts> = {}): CertificateFacts {
  const dates = { from: '2026-01-01T00:00:00.000Z', until: '2027-01-01T00:00:00.000Z' };
  const good = { publicKey: 'own', rsaBits: 0, isFollowedByIssuer: true, wantsStapling: false, responder: '' };
  return { names: ['app.example.org'], ...dates, ...good, ...more };
}

const aSecret = (name: string, more: Partial<SecretFacts> = {}): SecretFacts => ({
  name,
  certificates: [aCertificate()],
  isBroken: false,
  key: { kind: 'none' },
  stapledWith: [],
  ...more,
});
const ownKey = { kind: 'plain', publicKey: 'own' } as const;
const aKey = (key: SecretFacts['key'] = ownKey) => aSecret('key', { certificates: [], key });
const labels = { ssl_cert: 'cert', ssl_key: 'key' };

/** What becomes of a service with these labels when this is in its secrets. */
function judge(facts: readonly SecretFacts[], lb: Readonly<Record<string, string>> = labels, host = 'app.example.org') {
  const secrets = ['cert', 'key', 'ca'].map((name) => ({ id: name, name, createdAt: '', labels: {} }));
  const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
  const snapshot = { services: [aService('app', { host, lb })], networks: [aNetwork('app')], secrets, ...nothing };
  const material = { facts: new Map(facts.map((each) => [each.name, each])), now };
  const { clusters, problems } = buildDesiredState(snapshot, settings, [], material);
  const [state] = clusters;
  return {
    problems,
    attached: state!.secrets.map(({ name }) => name),
    tls: state!.routes.map(({ tls }) => tls),
    hosts: state!.routes.map(({ hosts, tls, backend }) => [
      hosts.map(({ name }) => name).join(),
      tls.kind,
      backend.kind,
    ]),
  };
}

const open = [['app.example.org', 'terminated', 'peers']];
const shut = [['app.example.org', 'closed', 'unavailable']];

describe('material that is good, or not known yet', () => {
  it.each([
    ['nothing is known', []],
    ['the certificate alone is known', [aSecret('cert')]],
    ['the key alone is known', [aKey()]],
    ['all is well', [aSecret('cert'), aKey()]],
  ])('is used without a word: %s', (_, facts) => {
    expect(judge(facts)).toMatchObject({ problems: [], attached: ['cert', 'key'], hosts: open });
  });

  it('may be in one secret', () => {
    expect(judge([aSecret('cert', { key: ownKey })], { ssl_cert: 'cert' }).problems).toEqual([]);
  });
});

describe('material that is bad', () => {
  const past = { from: '2025-01-01T00:00:00.000Z', until: '2026-05-31T00:00:00.000Z' };
  const future = { from: '2026-06-02T00:00:00.000Z' };
  const certificates = (...more: Partial<CertificateFacts>[]) =>
    aSecret('cert', { certificates: more.map(aCertificate) });
  it.each([
    ['holds no certificate', 'ssl_cert', [aSecret('cert', { certificates: [] }), aKey()]],
    ['holds a certificate that cannot be read', 'ssl_cert', [aSecret('cert', { isBroken: true }), aKey()]],
    ['holds no key', 'ssl_key', [aSecret('cert'), aKey({ kind: 'none' })]],
    ['holds a key that is encrypted', 'ssl_key', [aSecret('cert'), aKey({ kind: 'encrypted' })]],
    ['holds a key that cannot be read', 'ssl_key', [aSecret('cert'), aKey({ kind: 'unreadable' })]],
    ['does not fit the certificate', 'ssl_key', [aSecret('cert'), aKey({ kind: 'plain', publicKey: 'other' })]],
    ['has another certificate before the own one', 'ssl_cert', [certificates({ publicKey: 'ca' }, {}), aKey()]],
    ['has a key of 1024 bits, which is too short', 'ssl_cert', [certificates({ rsaBits: 1024 }), aKey()]],
    ['is out of date since 2026-05-31T00:00:00.000Z', 'ssl_cert', [certificates(past), aKey()]],
    ['is not valid before 2026-06-02T00:00:00.000Z', 'ssl_cert', [certificates(future), aKey()]],
  ])('closes its host with one problem, and stays attached: %s', (reason, label, facts) => {
    const { problems, attached, hosts } = judge(facts);

    const value = labels[label as keyof typeof labels];
    expect(problems).toMatchObject([
      { severity: 'error', service: 'app', label: `com.docker.lb.${label}`, value, reason },
    ]);
    expect(hosts).toEqual(shut);
    expect(attached).toEqual(['cert', 'key']);
  });

  it('names the one secret where certificate and key are in it', () => {
    expect(judge([aSecret('cert')], { ssl_cert: 'cert' }).problems).toMatchObject([
      { label: 'com.docker.lb.ssl_cert', value: 'cert', reason: 'holds no key' },
    ]);
  });

  it.each([
    ['app.example.org', ['app.example.org'], []],
    ['app.example.org', ['*.example.org'], []],
    ['*.example.org', ['*.example.org'], []],
    ['~^a.*$', ['app.example.org'], []],
    ['app.example.org', ['example.org', '*.org', '*.app.example.org'], ['app.example.org']],
    ['*.example.org', ['app.example.org'], ['*.example.org']],
    ['a.example.org,b.example.org', ['a.example.org'], ['b.example.org']],
  ])('closes the hosts that it does not cover, and no others: %s by %s', (host, names, uncovered) => {
    const { problems, hosts } = judge(
      [aSecret('cert', { certificates: [aCertificate({ names })] }), aKey()],
      labels,
      host,
    );

    expect(problems.map(({ reason }) => reason)).toEqual(uncovered.map((name) => `does not cover ${name}`));
    const closed = hosts.filter(([, kind]) => kind === 'closed').map(([name]) => name);
    expect(closed).toEqual(uncovered.length > 0 ? [uncovered.join()] : []);
  });

  it('does not take the default backend from unknown hosts', () => {
    const { hosts } = judge([aSecret('cert'), aKey()], { ...labels, default_backend: 'true' }, 'other.example.org');

    expect(hosts.toSorted()).toEqual([
      ['', 'terminated', 'peers'],
      ['other.example.org', 'closed', 'unavailable'],
    ]);
  });
});

describe('a CA that is bad', () => {
  const clients = { ...labels, ssl_client_ca: 'ca' };
  const backend = { ssl_backend: 'true', ssl_backend_ca: 'ca' };
  const bad = [
    ['holds no certificate', aSecret('ca', { certificates: [] })],
    ['holds a certificate that cannot be read', aSecret('ca', { isBroken: true })],
    [
      'is out of date since 2026-05-31T00:00:00.000Z',
      aSecret('ca', { certificates: [aCertificate({ until: '2026-05-31T00:00:00.000Z' })] }),
    ],
  ] as const;

  it.each(bad)('closes hosts that ask clients for certificates: %s', (reason, ca) => {
    const { problems, hosts, attached } = judge([aSecret('cert'), aKey(), ca], clients);

    expect(problems).toMatchObject([{ severity: 'error', label: 'com.docker.lb.ssl_client_ca', value: 'ca', reason }]);
    expect(hosts).toEqual(shut);
    expect(attached).toEqual(['ca', 'cert', 'key']);
  });

  it.each(bad)('closes routes to services that are verified: %s', (reason, ca) => {
    const { problems, hosts, attached } = judge([ca], backend);

    expect(problems).toMatchObject([{ severity: 'error', label: 'com.docker.lb.ssl_backend_ca', value: 'ca', reason }]);
    expect(hosts).toEqual([['app.example.org', 'none', 'unavailable']]);
    expect(attached).toEqual(['ca']);
  });

  it('is none as long as one of its certificates is in date', () => {
    const certificates = [aCertificate({ until: '2026-05-31T00:00:00.000Z' }), aCertificate()];

    expect(judge([aSecret('ca', { certificates })], backend).problems).toEqual([]);
  });
});

describe('a certificate that proxies can staple for', () => {
  it.each([
    ['with its key', ['key'], true],
    ['with another key', ['other'], false],
    ['with none', [], false],
  ])('is stapled %s', (_, stapledWith, isStapled) => {
    const { tls } = judge([aSecret('cert', { stapledWith }), aKey()]);

    expect(tls).toMatchObject([{ kind: 'terminated', isStapled }]);
  });

  it('has a warning where clients insist: the first handshakes go without', () => {
    const certificates = [aCertificate({ wantsStapling: true })];
    const { problems } = judge([aSecret('cert', { certificates, stapledWith: ['key'] }), aKey()]);

    expect(problems).toMatchObject([{ severity: 'warning', reason: expect.stringContaining('the first handshakes') }]);
  });
});

describe('material that is good for now', () => {
  it.each([
    ['expires on 2026-06-30T00:00:00.000Z', [aCertificate({ until: '2026-06-30T00:00:00.000Z' })]],
    [
      'insists on OCSP stapling, which is not done: it names no responder, or is not followed by its issuer',
      [aCertificate({ wantsStapling: true })],
    ],
    [
      'has a chain in which a certificate is not followed by the one that signed it',
      [aCertificate({ isFollowedByIssuer: false }), aCertificate()],
    ],
  ])('is used with a warning: %s', (reason, certificates) => {
    const { problems, hosts } = judge([aSecret('cert', { certificates }), aKey()]);

    expect(problems).toMatchObject([{ severity: 'warning', label: 'com.docker.lb.ssl_cert', value: 'cert', reason }]);
    expect(hosts).toEqual(open);
  });

  it('is not warned of long before it expires', () => {
    expect(
      judge([aSecret('cert', { certificates: [aCertificate({ until: '2026-07-02T00:00:00Z' })] }), aKey()]),
    ).toMatchObject({
      problems: [],
    });
  });
});
