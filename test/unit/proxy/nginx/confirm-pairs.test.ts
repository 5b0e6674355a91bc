import { expect, it } from 'vitest';
import type { CertificateFacts, SecretFacts } from '../../../../src/model/secrets/secret-facts.ts';
import { ciphersOf, confirmPairs } from '../../../../src/proxy/nginx/confirm-pairs.ts';
import { certificateFacts, secretFacts } from '../../../support/facts.ts';

function aCertificate(publicKey: string, more: Partial<CertificateFacts> = {}): CertificateFacts {
  return certificateFacts({ responder: 'http://ocsp', publicKey, ...more });
}

function aSecret(name: string, certificates: readonly CertificateFacts[], publicKey?: string): SecretFacts {
  return secretFacts(name, { certificates, ...(publicKey === undefined ? {} : { key: { kind: 'plain', publicKey } }) });
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

/** Rejects configurations that name one of these. */
function anNginx(...bad: readonly string[]) {
  const asked: string[] = [];
  const check = async ([file]: readonly { text: string }[]) => {
    asked.push(file!.text);
    return complaintAbout(bad.find((name) => file!.text.includes(`/run/secrets/${name};`)));
  };
  return { asked, check };
}

function complaintAbout(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const kind = name.endsWith('.key') ? 'certificate key' : 'certificate';
  return `cannot load ${kind} "/run/secrets/${name}": PEM_read_bio_X509_AUX() failed (SSL: error:04800066:PEM routines::bad end line)`;
}

const stapledOf = (found: readonly SecretFacts[]) =>
  Object.fromEntries(found.flatMap(({ name, stapledWith }) => (stapledWith.length > 0 ? [[name, stapledWith]] : [])));

it('a certificate is stapled with its keys if it names a responder and its issuer follows', async () => {
  const { asked, check } = anNginx();

  expect(stapledOf(await confirmPairs(secrets, check))).toEqual({ 'a.crt': ['a.key', 'a-again.key'], b: ['b'] });
  expect(asked).toHaveLength(1);
});

it('what nginx has accepted is not tested again, and a rejected pair is', async () => {
  const { asked, check } = anNginx('b');
  const accepted = new Set<string>();
  const first = await confirmPairs(secrets, check, { accepted });
  asked.length = 0;

  const added = aSecret('new', [aCertificate('new'), issuer], 'new');
  const second = await confirmPairs([...secrets, added], check, { accepted });

  expect(second.slice(0, -1)).toEqual(first);
  expect(stapledOf(second)).toMatchObject({ new: ['new'] });
  const tested = new Set(
    asked
      .join()
      .matchAll(/ssl_certificate \/run\/secrets\/([^;]+);/g)
      .map(([, name]) => name),
  );
  expect(tested).toEqual(new Set(['b', 'new']));
});

it.each([
  ['b', { 'a.crt': ['a.key', 'a-again.key'] }],
  ['a-again.key', { 'a.crt': ['a.key'], b: ['b'] }],
  ['a.crt', { b: ['b'] }],
])('what nginx rejects is not stapled, and others still are: %s', async (bad, stapled) => {
  expect(stapledOf(await confirmPairs(secrets, anNginx(bad).check))).toEqual(stapled);
});

it('what nginx rejects has its reason', async () => {
  const found = await confirmPairs(secrets, anNginx('b', 'a-again.key').check);

  const rejected = found.filter((each) => each.rejected !== '' || each.key.kind === 'unreadable');
  expect(rejected).toMatchObject([
    { name: 'a-again.key', rejected: '', key: { kind: 'unreadable', reason: 'bad end line' } },
    { name: 'b', rejected: 'bad end line', isBroken: true, key: { kind: 'plain' } },
  ]);
});

it('what nginx accepts is accepted, whatever Node reported', async () => {
  const weak = { ...aSecret('weak', [aCertificate('weak')], 'weak'), rejected: 'ee key too small', isBroken: true };
  const { asked, check } = anNginx();
  const found = await confirmPairs([...secrets, weak], check, { ciphers: 'DEFAULT:@SECLEVEL=0' });

  expect(found.at(-1)).toMatchObject({ rejected: '', isBroken: false });
  expect(asked).toHaveLength(2);
  expect(asked.every((text) => text.includes('SECLEVEL=0'))).toBe(true);
});

it('a certificate without its key keeps the reason that Node reported', async () => {
  const alone = { ...aSecret('alone', [aCertificate('x')]), rejected: 'bad end line' };

  expect(await confirmPairs([alone], anNginx().check)).toEqual([alone]);
});

it('nginx does not run if no certificate has a key', async () => {
  const { asked, check } = anNginx();
  await confirmPairs(secrets.slice(-1), check);
  expect(asked).toEqual([]);
});

it('another failure of nginx rejects no certificate', async () => {
  const found = await confirmPairs(secrets, async () => 'open() "/tmp/x" failed (28: No space left on device)');

  expect(found).toEqual(secrets);
});

it.each([
  ['    ssl_ciphers "A:B@SECLEVEL=0";\n', 'A:B@SECLEVEL=0'],
  ['http {}\n', ''],
])('the ciphers are those of the configuration: %j', (text, ciphers) => {
  expect(ciphersOf(text)).toBe(ciphers);
});
