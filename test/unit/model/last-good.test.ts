import { expect, it } from 'vitest';
import type { ReadSecret } from '../../../src/model/secrets/encrypted-secrets.ts';
import { judgeServer } from '../../../src/model/secrets/judge-secrets.ts';
import { createLastGood } from '../../../src/model/secrets/last-good.ts';
import { certificateFacts, secretFacts } from '../../support/facts.ts';

const now = Date.parse('2026-06-01T00:00:00Z');
const hosts = [{ kind: 'exact' as const, name: 'app.example.org' }];

function aPair(name: string, from: string): ReadSecret {
  const publicKey = name.padEnd(32, '0');
  const certificates = [certificateFacts({ publicKey, from })];
  return { id: name, facts: secretFacts(name, { certificates, key: { kind: 'plain', publicKey } }), ciphertext: 'x' };
}

const secrets = [aPair('older', '2026-01-01T00:00:00.000Z'), aPair('newer', '2026-02-01T00:00:00.000Z')];
const read = new Map(secrets.map((secret) => [secret.id, secret]));
const material = { facts: new Map(secrets.map(({ facts }) => [facts.name, facts])), now };

it('judges each secret once for all waiting routes', () => {
  const judged: string[] = [];
  const lastGood = createLastGood((certificate, key, known) => {
    judged.push(certificate);
    return judgeServer(certificate, key, known);
  });

  for (let route = 0; route < 100; route++)
    expect(lastGood(hosts, read, { ...material }, () => true)).toEqual({ certificate: 'newer', key: 'newer' });

  expect(judged.toSorted()).toEqual(['newer', 'older']);
});

it('judges again when the time or the facts have changed', () => {
  const lastGood = createLastGood();
  const find = (known: typeof material) => lastGood(hosts, read, known, () => true)?.certificate;
  const broken = secretFacts('newer', { isBroken: true, rejected: 'bad end line' });

  expect(find(material)).toBe('newer');
  expect(find({ ...material, now: Date.parse('2028-01-01T00:00:00Z') })).toBeUndefined();
  expect(find({ ...material, facts: new Map([...material.facts, ['newer', broken]]) })).toBe('older');
});

it('does not use excluded secrets, or certificates for other hosts', () => {
  const lastGood = createLastGood();
  const other = [{ kind: 'exact' as const, name: 'other.example.org' }];

  expect(lastGood(hosts, read, material, (name) => name !== 'newer')?.certificate).toBe('older');
  expect(lastGood(other, read, material, () => true)).toBeUndefined();
});
