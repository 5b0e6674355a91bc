import { describe, expect, it } from 'vitest';
import { createStateBuilder } from '../../../src/model/desired-state.ts';
import { explainUrl } from '../../../src/model/explain.ts';
import type { ReadSecret } from '../../../src/model/secrets/encrypted-secrets.ts';
import type { CertificateFacts } from '../../../src/model/secrets/secret-facts.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aService } from '../../support/builders.ts';
import { certificateFacts, secretFacts } from '../../support/facts.ts';

const now = Date.parse('2026-06-01T00:00:00Z');

function aSecret(name: string, more: Partial<CertificateFacts>) {
  const certificates = [certificateFacts({ publicKey: name, ...more })];
  return secretFacts(name, { certificates, key: { kind: 'plain', publicKey: name } });
}

const wildcard = aSecret('wildcard', { names: ['*.example.org'] });

interface Given {
  readonly listed: readonly string[];
  readonly facts: readonly ReturnType<typeof aSecret>[];
  readonly services?: readonly SwarmService[];
  /** Secrets that jobs have read; undefined if Swarm mounts secrets. */
  readonly read?: readonly string[];
  readonly more?: Readonly<Record<string, unknown>>;
}

const build = createStateBuilder();

function stateOf({ listed, facts, services = [aService('app')], read, more = {} }: Given, builder = build) {
  const { settings } = parseSettings({ Extensions: { default: { Certificates: listed, ...more } } }, '1');
  const names = [...new Set([...facts.map(({ name }) => name), 'ca', 'unread'])];
  const secrets = names.map((name) => ({ id: name, name, createdAt: '', labels: {} }));
  const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
  const snapshot = { services, networks: [aNetwork('app')], secrets, ...nothing };
  const known = facts.filter(({ name }) => read === undefined || read.includes(name));
  const byName = new Map(known.map((own) => [own.name, own]));
  const toRead = (own: (typeof known)[number]): [string, ReadSecret] => [
    own.name,
    { id: own.name, facts: own, ciphertext: 'x' },
  ];
  const material = {
    facts: byName,
    now,
    ...(read && { read: new Map([['', new Map(known.map(toRead))]]) }),
  };
  const { clusters, problems } = builder(snapshot, settings, [], material);
  const [state] = clusters;
  const used = state!.table.servers.map(({ host, tls }) => [
    host.name,
    tls.kind === 'terminated' ? tls.certificate : tls.kind,
  ]);
  return { state: state!, problems: problems.map(({ reason }) => reason), used: Object.fromEntries(used) };
}

describe('the closest certificate', () => {
  it.each([
    [
      'an exact name precedes a wildcard, whatever the expiry',
      ['app.example.org'],
      '2026-08-01T00:00:00.000Z',
      'other',
    ],
    ['the later expiry decides between equal names', ['*.example.org'], '2028-01-01T00:00:00.000Z', 'other'],
    ['an earlier expiry does not', ['*.example.org'], '2026-08-01T00:00:00.000Z', 'wildcard'],
    ['one that is not valid any more is not used', ['app.example.org'], '2026-05-01T00:00:00.000Z', 'wildcard'],
  ])('%s', (_, names, until, expected) => {
    const other = aSecret('other', { names, until });

    expect(stateOf({ listed: ['other', 'wildcard'], facts: [wildcard, other] }).used).toEqual({
      'app.example.org': expected,
    });
  });

  it('must contain an address as an address', () => {
    const services = [aService('app', { host: '10.20.30.40' })];
    const named = aSecret('named', { names: ['10.20.30.40', '*.20.30.40'] });
    const address = aSecret('address', { names: [], addresses: ['10.20.30.40'] });

    expect(stateOf({ listed: ['named'], facts: [named], services }).used).toEqual({ '10.20.30.40': 'none' });
    expect(stateOf({ listed: ['named', 'address'], facts: [named, address], services }).used).toEqual({
      '10.20.30.40': 'address',
    });
  });

  it('covers one level, and no expression', () => {
    const expression = String.raw`r\d\.example\.org`;
    const services = [
      aService('deep', { host: 'a.b.example.org' }),
      aService('all', { host: '*.example.org' }),
      aService('expression', { host: `~^${expression}$` }),
    ];

    expect(stateOf({ listed: ['wildcard'], facts: [wildcard], services }).used).toMatchObject({
      'a.b.example.org': 'none',
      '*.example.org': 'wildcard',
      [expression]: 'none',
    });
  });
});

describe('labels precede the setting', () => {
  const own = aSecret('own', { names: ['app.example.org'] });

  it.each([
    ['a certificate', { ssl_cert: 'own' }, 'own'],
    ['an invalid certificate', { ssl_cert: 'gone' }, 'closed'],
    ['TLS passthrough', { ssl_passthrough: 'true' }, 'passthrough'],
  ])('%s, also of a newer service', (_, lb, expected) => {
    const services = [
      aService('app', { createdAt: '1' }),
      aService('newer', { createdAt: '2', host: 'app.example.org', lb: { context_root: '/newer', ...lb } }),
    ];
    const { used, problems } = stateOf({ listed: ['wildcard'], facts: [wildcard, own], services });

    expect(used).toEqual({ 'app.example.org': expected });
    expect(problems.filter((reason) => reason.includes('differs'))).toEqual([]);
  });
});

describe('a service that requests client certificates', () => {
  const clients = (host: string) =>
    aService('clients', { host, lb: { ssl_client_ca: 'ca', context_root: '/clients' } });

  it('needs no ssl_cert, and decides for the older services of its host', () => {
    const services = [aService('app', { createdAt: '1' }), { ...clients('app.example.org'), createdAt: '2' }];
    const { state, problems } = stateOf({ listed: ['wildcard'], facts: [wildcard], services });

    expect(state.table.servers[0]!.tls).toMatchObject({ certificate: 'wildcard', clientCa: 'ca' });
    expect(state.table.problems).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('is closed on hosts that no certificate covers', () => {
    const services = [clients('other.test')];
    const { used, problems, state } = stateOf({ listed: ['wildcard'], facts: [wildcard], services });

    expect(used).toEqual({ 'other.test': 'closed' });
    // A closed route does not replace the proxies.
    expect(state.networkIds).toEqual([]);
    expect(problems.join()).toContain('requires a certificate, and none of the setting Certificates is for its hosts');
  });

  it('is closed without a problem until the certificates are read', () => {
    const services = [clients('app.example.org')];
    const { used, problems } = stateOf({ listed: ['wildcard'], facts: [wildcard], services, read: [] });

    expect(used).toEqual({ 'app.example.org': 'closed' });
    expect(problems).toEqual([]);
  });
});

describe('a service that restricts TLS versions', () => {
  const modern = (host: string) => aService('modern', { host, lb: { ssl_protocols: 'TLSv1.3', hsts: 'true' } });

  it('needs no ssl_cert, and decides for its host', () => {
    const services = [
      aService('app', { host: 'app.example.org', createdAt: '1', lb: { context_root: '/app' } }),
      { ...modern('app.example.org'), createdAt: '2' },
    ];
    const { state, problems } = stateOf({ listed: ['wildcard'], facts: [wildcard], services });

    expect(state.table.servers[0]!.tls).toMatchObject({ certificate: 'wildcard', protocols: 'TLSv1.3' });
    expect([...state.table.problems, ...problems]).toEqual([]);
  });

  it('keeps answering over HTTP on hosts that no certificate covers', () => {
    const { state, problems } = stateOf({
      listed: ['wildcard'],
      facts: [wildcard],
      services: [modern('app.example.org,other.test')],
    });

    expect(state.table.servers.map(({ host, tls, locations }) => [host.name, tls.kind, locations.length])).toEqual([
      ['app.example.org', 'terminated', 1],
      ['other.test', 'none', 1],
    ]);
    expect(problems).toEqual([]);
  });
});

describe('a certificate that was listed before', () => {
  const former = aSecret('former', { names: ['*.example.org'] });

  it('serves until its successor is read', () => {
    const facts = [former, wildcard];

    expect(stateOf({ listed: ['wildcard'], facts, read: ['former'] }).used).toEqual({ 'app.example.org': 'former' });
    expect(stateOf({ listed: ['wildcard'], facts, read: ['former', 'wildcard'] }).used).toEqual({
      'app.example.org': 'wildcard',
    });
  });

  it('does not serve if a service names it in a label: it is for that one', () => {
    const services = [aService('app'), aService('other', { lb: { ssl_cert: 'former' } })];

    expect(stateOf({ listed: ['wildcard'], facts: [former, wildcard], services, read: ['former'] }).used).toEqual({
      'app.example.org': 'none',
      'other.example.org': 'former',
    });
  });
});

it('does not change what unknown names receive', () => {
  const services = [aService('app', { lb: { default_backend: 'true' } })];
  const { state } = stateOf({ listed: ['wildcard'], facts: [wildcard], services });

  expect(state.table.fallbackTls).toEqual({ kind: 'none' });
  expect(state.table.fallback).toHaveLength(1);
});

it('is sent to the proxies before its names are known', () => {
  const { state } = stateOf({ listed: ['wildcard'], facts: [wildcard], read: [] });

  expect(state.secrets.map(({ name }) => name)).toEqual(['wildcard']);
  expect(state.unreadSecrets.map(({ name }) => name)).toEqual(['wildcard']);
});

it('is explained with the setting', () => {
  const { state } = stateOf({ listed: ['wildcard'], facts: [wildcard] });

  expect(explainUrl(state.table, 'https://app.example.org/', { httpsPort: 8443 })).toMatchObject({
    answer: { kind: 'service' },
    fromSettings: [{ service: 'app', label: 'ssl_cert', value: 'wildcard', from: 'Extensions.default' }],
  });
});

it('reports that it needs agents', () => {
  const { problems } = stateOf({ listed: ['wildcard'], facts: [], more: { HitlessServiceUpdate: false } });

  expect(problems.join()).toContain('has no effect: without HitlessServiceUpdate');
});

it('keeps the routes of other services the same objects', () => {
  const own = createStateBuilder();
  const [app, other] = [aService('app'), aService('other')];
  const before = stateOf({ listed: ['wildcard'], facts: [wildcard], services: [app, other] }, own).state.routes;
  const changed = aService('other', { lb: { ssl_only: 'true' } });
  const after = stateOf({ listed: ['wildcard'], facts: [wildcard], services: [app, changed] }, own).state.routes;

  expect(after.find(({ service }) => service.name === 'app')).toBe(
    before.find(({ service }) => service.name === 'app'),
  );
});
