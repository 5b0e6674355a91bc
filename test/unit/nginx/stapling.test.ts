import { expect, it } from 'vitest';
import type { CertificateFacts, SecretFacts } from '../../../src/model/material.ts';
import { findStapled } from '../../../src/nginx/stapling.ts';

function aCertificate(publicKey: string, more: Partial<CertificateFacts> = {}): CertificateFacts {
  const dates = { from: '2026-01-01T00:00:00.000Z', until: '2027-01-01T00:00:00.000Z' };
  const rest = { names: [], rsaBits: 0, isFollowedByIssuer: true, wantsStapling: false, responder: 'http://ocsp' };
  return { ...dates, ...rest, publicKey, ...more };
}

function aSecret(name: string, certificates: readonly CertificateFacts[], publicKey?: string): SecretFacts {
  const key = publicKey === undefined ? ({ kind: 'none' } as const) : ({ kind: 'plain', publicKey } as const);
  return { name, certificates, isBroken: false, key, stapledWith: [] };
}

const issuer = aCertificate('ca', { responder: '' });
const secrets = [
  aSecret('a.crt', [aCertificate('a'), issuer]),
  aSecret('a.key', [], 'a'),
  aSecret('a-again.key', [], 'a'),
  aSecret('b', [aCertificate('b'), issuer], 'b'),
  aSecret('silent', [aCertificate('c', { responder: '' }), issuer], 'c'),
  aSecret('alone', [aCertificate('d')], 'd'),
  aSecret('mixed-up', [aCertificate('e', { isFollowedByIssuer: false }), issuer], 'e'),
  aSecret('keyless', [aCertificate('f'), issuer]),
];

/** Refuses whatever names one of these. */
function anNginx(...bad: readonly string[]) {
  const asked: string[] = [];
  const check = async ([file]: readonly { text: string }[]) => {
    asked.push(file!.text);
    return bad.some((name) => file!.text.includes(`/run/secrets/${name};`)) ? 'cannot load certificate' : undefined;
  };
  return { asked, check };
}

const stapledOf = (found: readonly SecretFacts[]) =>
  Object.fromEntries(found.flatMap(({ name, stapledWith }) => (stapledWith.length > 0 ? [[name, stapledWith]] : [])));

it('a certificate is stapled with its keys, where it names a responder and its issuer is behind it', async () => {
  const { asked, check } = anNginx();

  expect(stapledOf(await findStapled(secrets, check))).toEqual({ 'a.crt': ['a.key', 'a-again.key'], b: ['b'] });
  expect(asked).toHaveLength(1);
});

it.each([
  ['b', { 'a.crt': ['a.key', 'a-again.key'] }],
  ['a-again.key', { 'a.crt': ['a.key'], b: ['b'] }],
  ['a.crt', { b: ['b'] }],
])('what nginx refuses is not stapled, and keeps no other from it: %s', async (bad, stapled) => {
  expect(stapledOf(await findStapled(secrets, anNginx(bad).check))).toEqual(stapled);
});

it('nginx is not asked where no certificate names a responder', async () => {
  const { asked, check } = anNginx();
  await findStapled(secrets.slice(4), check);
  expect(asked).toEqual([]);
});
