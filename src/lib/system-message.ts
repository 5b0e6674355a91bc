import { getSystemErrorMap } from 'node:util';

/** Error codes, such as `ENOENT`, with the operating system's message. */
const texts = new Map(getSystemErrorMap().values());

/** `no such file or directory` instead of `ENOENT: no such file or directory, open 'x'`. */
export function systemMessage({ code = '', message }: NodeJS.ErrnoException): string {
  if (code === 'ENOTFOUND') return 'unknown host name';
  if (code === 'EISDIR') return 'is a directory';
  return texts.get(code) ?? (message || code);
}
