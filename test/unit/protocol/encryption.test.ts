import { describe, expect, it } from 'vitest';
import { decrypt, encrypt, generateKeyPair } from '../../../src/protocol/encryption.ts';

const purpose = { cluster: 'default', file: 'site.pem.0123456789ab' };
const content = Buffer.from('-----BEGIN PRIVATE KEY-----');

describe('an encrypted secret', () => {
  it('is decrypted with the key of its cluster', async () => {
    const { publicKey, privateKey } = await generateKeyPair();

    const text = await encrypt(publicKey, purpose, content);

    expect(Buffer.from(text, 'base64').includes(content)).toBe(false);
    expect(await decrypt(privateKey, purpose, text)).toEqual(content);
  });

  it('has another ciphertext each time', async () => {
    const { publicKey } = await generateKeyPair();

    expect(await encrypt(publicKey, purpose, content)).not.toBe(await encrypt(publicKey, purpose, content));
  });

  it.each([
    ['another file', { ...purpose, file: 'other.pem.0123456789ab' }],
    ['another cluster', { ...purpose, cluster: 'other' }],
  ])('is useless for %s', async (_, other) => {
    const { publicKey, privateKey } = await generateKeyPair();

    await expect(decrypt(privateKey, other, await encrypt(publicKey, purpose, content))).rejects.toThrow();
  });

  it('is useless with another key', async () => {
    const [mine, theirs] = [await generateKeyPair(), await generateKeyPair()];

    await expect(
      decrypt(theirs.privateKey, purpose, await encrypt(mine.publicKey, purpose, content)),
    ).rejects.toThrow();
  });

  it('must be complete and unchanged', async () => {
    const { publicKey, privateKey } = await generateKeyPair();
    const bytes = Buffer.from(await encrypt(publicKey, purpose, content), 'base64');
    const changed = Buffer.from(bytes);
    changed[bytes.length - 1]! ^= 1;

    await expect(decrypt(privateKey, purpose, changed.toString('base64'))).rejects.toThrow();
    await expect(decrypt(privateKey, purpose, bytes.subarray(0, -1).toString('base64'))).rejects.toThrow();
    await expect(decrypt(privateKey, purpose, '')).rejects.toThrow();
  });
});
