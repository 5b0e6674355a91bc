import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toSecretFiles } from '../../../src/model/secrets/pack-secrets.ts';
import {
  type EncryptedSecret,
  isSecretsFile,
  parseSecretsFile,
  secretFile,
} from '../../../src/model/secrets/secret-files.ts';

const aSecret = (n: number, length = 4000): EncryptedSecret => ({
  file: secretFile({ name: `host-${n}.pem`, id: `id${n}0123456789abcdef` }),
  ciphertext: 'A'.repeat(length),
});

it('are in the files, each once, whatever their number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), (count) => {
      const secrets = Array.from({ length: count }, (_, n) => aSecret(n));
      const files = toSecretFiles('default', secrets);

      expect(files.every(({ path, text }) => isSecretsFile(path) && text.length < 900 * 1024)).toBe(true);
      const found = files.flatMap(({ text }) => parseSecretsFile(text) ?? []);
      expect(found.toSorted((a, b) => (a.file < b.file ? -1 : 1))).toEqual(
        secrets.toSorted((a, b) => (a.file < b.file ? -1 : 1)),
      );
    }),
    { numRuns: 20 },
  );
});

it('are in the same files, whatever their order', () => {
  const secrets = Array.from({ length: 100 }, (_, n) => aSecret(n));

  expect(toSecretFiles('default', secrets.toReversed())).toEqual(toSecretFiles('default', secrets));
});

it('change at most two files if one is renewed', () => {
  const secrets = Array.from({ length: 200 }, (_, n) => aSecret(n));
  const before = toSecretFiles('default', secrets).map(({ digest }) => digest);
  const renewed = { ...aSecret(7), file: secretFile({ name: 'host-7.pem', id: 'another0123456789' }) };
  const after = toSecretFiles('default', secrets.with(7, renewed));

  expect(before.length).toBeGreaterThan(4);
  expect(after.filter(({ digest }) => !before.includes(digest)).length).toBeLessThanOrEqual(2);
});
