import { getSystemErrorMap } from 'node:util';

/** Names of the codes, such as `ENOENT`, with the text of the operating system. */
const texts = new Map(getSystemErrorMap().values());

/** `no such file or directory` instead of `ENOENT: no such file or directory, open 'x'`. */
export function systemMessage({ code = '', message }: NodeJS.ErrnoException): string {
  if (code === 'ENOTFOUND') return 'unknown host name';
  if (code === 'EISDIR') return 'is a directory';
  return texts.get(code) ?? (message || code);
}
