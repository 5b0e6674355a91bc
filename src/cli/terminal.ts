import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Ask } from './io.ts';

/** Exit code after Ctrl-C: 128 plus the number of SIGINT. */
const INTERRUPTED = 130;

/** Prompts on standard error, so that standard output can be redirected. Ctrl-D is an empty answer. */
export const askTerminal: Ask = (question, { hidden = false } = {}) => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const output = hidden ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stderr;
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  if (hidden) process.stderr.write(question);
  lines.on('SIGINT', () => {
    lines.close();
    process.exit(INTERRUPTED);
  });
  lines.on('close', () => {
    if (hidden) process.stderr.write('\n');
    resolve('');
  });
  lines.question(hidden ? '' : question, (answer) => {
    resolve(answer);
    lines.close();
  });
  return promise;
};
