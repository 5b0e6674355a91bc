import type { ConfigurationFile } from '../model/version.ts';

/** Omits the content of files that the other end has. */
export function withoutKnown(files: readonly ConfigurationFile[], known: readonly string[]): object[] {
  const there = new Set(known);
  return files.map(({ text, ...file }) => (there.has(file.digest) ? file : { ...file, text }));
}
