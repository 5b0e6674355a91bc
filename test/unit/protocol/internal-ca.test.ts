import { X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { createAuthority } from '../../../src/protocol/certificates.ts';
import { InternalCa } from '../../../src/protocol/internal-ca.ts';

const now = Date.parse('2026-03-01T00:00:00Z');
const authority = await createAuthority(now);

it('all controllers derive the same name and key', async () => {
  const [one, other] = await Promise.all([InternalCa.derive(authority), InternalCa.derive(authority)]);
  const [a, b] = [one.root, other.root].map((pem) => new X509Certificate(pem));

  expect(a!.subject).toBe(b!.subject);
  expect(a!.publicKey.equals(b!.publicKey)).toBe(true);
  const leaf = new X509Certificate((await one.issue('a.test', now)).chain);
  expect(leaf.verify(b!.publicKey)).toBe(true);
});

it('another installation has another CA, which is not the CA of the control channel', async () => {
  const other = await InternalCa.derive(await createAuthority(now));
  const { root } = await InternalCa.derive(authority);
  const certificate = new X509Certificate(root);

  expect(new X509Certificate(other.root).subject).not.toBe(certificate.subject);
  expect(certificate.publicKey.equals(new X509Certificate(authority.ca).publicKey)).toBe(false);
  expect(certificate.ca).toBe(true);
});

it.each(['a.test', '*.apps.test', 'printer', `${'x'.repeat(63)}.${'y'.repeat(63)}.test`])(
  'issues a certificate for %s that only servers may use',
  async (name) => {
    const ca = await InternalCa.derive(authority);
    const { chain, key, serial, notBefore, notAfter } = await ca.issue(name, now);
    const leaf = new X509Certificate(chain);

    expect(leaf.subjectAltName).toBe(`DNS:${name}`);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.checkIssued(new X509Certificate(ca.root))).toBe(true);
    expect(key).toContain('PRIVATE KEY');
    expect(leaf.serialNumber.toLowerCase()).toMatch(new RegExp(`^0*${serial}$`));
    expect(notAfter - notBefore).toBeGreaterThan(90 * 86_400_000);
  },
);
