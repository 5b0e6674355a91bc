import { describe, expect, it } from 'vitest';
import { certificateLabels } from '../../../../src/model/acme/certificates.ts';
import { buildDesiredState, createStateBuilder } from '../../../../src/model/desired-state.ts';
import type { ReadSecret } from '../../../../src/model/secrets/encrypted-secrets.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';
import type { Snapshot, StoredObject } from '../../../../src/model/snapshot.ts';
import { aNetwork, aService } from '../../../support/builders.ts';
import { certificateFacts, secretFacts } from '../../../support/facts.ts';

const now = Date.parse('2026-06-01T00:00:00Z');
const host = 'app.example.org';

function aCertificate(month: number, issuer = 'ca'): StoredObject {
  const notBefore = Date.parse(`2026-0${month}-01T00:00:00Z`);
  const dates = { notBefore, notAfter: notBefore + 90 * 86_400_000 };
  const name = `signalbox.acme.${host}.${month}`;
  const labels = certificateLabels({ issuer, names: [host], serial: `${month}`, ari: '', profile: '', ...dates });
  return { id: `id-${month}`, name, createdAt: '', labels };
}

function toRead({ id, name }: StoredObject): ReadSecret {
  const publicKey = name.padEnd(64, '0');
  const certificates = [certificateFacts({ publicKey, names: [host] })];
  return { id, facts: secretFacts(name, { certificates, key: { kind: 'plain', publicKey } }), ciphertext: 'x' };
}

const old = aCertificate(4);
const renewed = aCertificate(5);

/** `read`: the secrets that a job has read for the proxies; undefined if Swarm mounts secrets. */
function stateWith(
  secrets: readonly StoredObject[],
  read: readonly StoredObject[] | undefined,
  build = buildDesiredState,
) {
  const { settings } = acme;
  const services = [app];
  const snapshot: Snapshot = {
    ...{ services, secrets, networks: [aNetwork('app')], nodes: [], hostTasks: [], configs: [], owned: [] },
  };
  const known = read?.map(toRead);
  const material = {
    facts: new Map(known?.map(({ facts }) => [facts.name, facts])),
    now,
    ...(known === undefined ? {} : { read: new Map([['', new Map(known.map((each) => [each.id, each]))]]) }),
  };
  return build(snapshot, settings, [], material).clusters[0]!;
}

const table = { Directory: 'https://ca.test/dir', Email: 'ops@example.org', AcceptTerms: true };
const acme = parseSettings({ Acme: { ca: table } }, '1');
const app = aService('app', { lb: { acme: 'true', hosts: host } });

const serving = ({ routes }: ReturnType<typeof stateWith>) =>
  routes.map(({ tls }) => (tls.kind === 'terminated' ? tls.certificate : tls.kind));

describe('a renewed certificate', () => {
  it('serves when a job has read it: until then its predecessor does, and no handshake fails', () => {
    const before = stateWith([old, renewed], [old]);
    expect(serving(before)).toEqual([old.name]);
    expect(before.unreadSecrets.map(({ name }) => name)).toEqual([renewed.name]);
    const after = stateWith([old, renewed], [old, renewed]);
    expect(serving(after)).toEqual([renewed.name]);
    expect(after.unreadSecrets).toEqual([]);
  });

  it('of another issuer serves until the one of the issuer is read', () => {
    const other = aCertificate(6, 'other');
    expect(serving(stateWith([other, renewed], [other]))).toEqual([other.name]);
    expect(serving(stateWith([other, renewed], [other, renewed]))).toEqual([renewed.name]);
  });

  it('serves at once if Swarm mounts secrets', () => {
    expect(serving(stateWith([old, renewed], undefined))).toEqual([renewed.name]);
  });
});

it('A state that is built step by step is the same', () => {
  const build = createStateBuilder();
  const first = [old];
  const both = [old, renewed];
  for (const [secrets, read] of [
    [[], []],
    [first, []],
    [first, first],
    [both, first],
    [both, both],
  ] as const)
    expect(serving(stateWith(secrets, read, build))).toEqual(serving(stateWith(secrets, read)));
});

describe('a first certificate that no job has read', () => {
  it('keeps its host closed, and the proxies join the network meanwhile', () => {
    const state = stateWith([old], []);
    expect(serving(state)).toEqual(['closed']);
    expect(state.routes).toMatchObject([{ acme: { isPending: true }, backend: { kind: 'unavailable' } }]);
    expect(state.unreadSecrets.map(({ name }) => name)).toEqual([old.name]);
    expect(state.networkIds).toEqual(['app']);
  });
});
