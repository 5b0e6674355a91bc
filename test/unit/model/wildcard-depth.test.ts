import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { explainUrl } from '../../../src/model/explain.ts';
import { type Host, parseHost } from '../../../src/model/hosts/host.ts';
import { uncoveredHosts } from '../../../src/model/secrets/material.ts';
import type { SecretFacts } from '../../../src/model/secrets/secret-facts.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };

describe('the wildcard *.foo.com', () => {
  const services = [aService('wild', { host: '*.foo.com' })];
  const { settings } = parseSettings({}, '1');
  const [state] = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings).clusters;
  const matches = (host: string) => explainUrl(state!.table, host, { httpsPort: 8443 })?.answer.kind === 'service';

  it.each(['a.foo.com', 'A.Foo.Com.', 'a.b.foo.com', 'a.b.c.foo.com', 'x-1.foo.com'])('matches %s', (host) => {
    expect(matches(host)).toBe(true);
  });

  it.each(['foo.com', 'xfoo.com', 'a.foo.com.example', 'foo.com.a', 'a.foo.org'])('does not match %s', (host) => {
    expect(matches(host)).toBe(false);
  });
});

describe('a certificate for *.foo.com', () => {
  const certificate = {
    names: ['*.foo.com'],
    addresses: [],
    hasAllNames: true,
    keyType: 'prime256v1',
    from: '2026-01-01T00:00:00Z',
    until: '2027-01-01T00:00:00Z',
    publicKey: 'k',
    rsaBits: 0,
    isFollowedByIssuer: true,
    wantsStapling: false,
    responder: '',
  };
  const key = { kind: 'plain', publicKey: 'k' } as const;
  const facts: SecretFacts = {
    name: 'cert',
    certificates: [certificate],
    isBroken: false,
    rejected: '',
    rejectedAuthority: '',
    isMaterial: true,
    hidesBlocks: false,
    key,
    stapledWith: [],
  };
  const covers = (host: string) =>
    uncoveredHosts('cert', [parseHost(host) as Host], { facts: new Map([['cert', facts]]), now: 0 }).length === 0;

  it.each([
    ['a.foo.com', true],
    ['*.foo.com', true],
    ['a.b.foo.com', false],
    ['*.b.foo.com', false],
    ['foo.com', false],
  ])('covers one level: %s %j', (host, expected) => {
    expect(covers(host)).toBe(expected);
  });
});
