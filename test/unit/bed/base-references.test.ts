import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { baseArguments, pinReference, referenceIn } from '../../../bed/base-references.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

it('All Dockerfiles use the same base images, with one tag and digest', () => {
  for (const [name, { argument, files }] of Object.entries(baseArguments)) {
    const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
    const references = files.map((file) => referenceIn(read(file), argument));

    expect(new Set(references).size, argument).toBe(1);
    // Without a registry its digest is unknown: `npm run pin` adds it.
    const digest = name === 'lego' ? /^goacme\/lego:v[\d.]+(@sha256:[0-9a-f]{64})?$/ : undefined;
    expect(references[0]).toMatch(digest ?? /^[a-z]+:\d*[a-z0-9.-]+@sha256:[0-9a-f]{64}$/);
  }
});

it('A base image is pinned to its digest, and pinned again to a new one', () => {
  const text = '# Ours.\nARG NGINX_IMAGE=nginx:1.30\nFROM base\n';
  const pinned = pinReference(text, 'NGINX_IMAGE', digest);

  expect(pinned).toBe(text.replace('nginx:1.30', `nginx:1.30@${digest}`));
  const other = digest.replaceAll('f', '0');
  expect(referenceIn(pinReference(pinned, 'NGINX_IMAGE', other), 'NGINX_IMAGE')).toBe(`nginx:1.30@${other}`);
  expect(() => pinReference(text, 'NGINX_IMAGE', 'latest')).toThrow('no digest');
});
