import { structuredPatch } from 'diff/lib/patch/create.js';
import { Api, apiOptions } from './api.ts';
import { defineCommand } from './command.ts';
import { exitCodes, type Io, paint, UsageError, writeJson } from './io.ts';
import { versionsPath } from './versions.ts';

export const diff = defineCommand({
  name: 'diff',
  usage: '<version> <version>',
  summary: 'Compare two stored versions of the configuration, line by line.',
  details: 'Exits with 1 if they differ. Run "versions" to list them.',
  examples: ['signalbox diff 71c2a0f1d1c0a4be 0f6d9d3b7f5e2c11'],
  options: {
    cluster: { type: 'string', value: 'name', description: 'Service cluster of the versions. Default: default.' },
    ...apiOptions,
  },
  async run(values, [before, after], io) {
    if (before === undefined || after === undefined) throw new UsageError('Missing arguments: two versions.');
    const api = await Api.connect(values, io);
    const read = (version: string) =>
      api.text(`${versionsPath(values.cluster ?? 'default')}/${encodeURIComponent(version)}`);
    const hunks = compare(await read(before), await read(after));
    if (values.json) writeJson(io, hunks);
    else if (hunks.length > 0)
      io.out(`${[`--- ${before}`, `+++ ${after}`, ...hunks.flatMap((hunk) => write(hunk, io))].join('\n')}\n`);
    return hunks.length === 0 ? exitCodes.done : exitCodes.found;
  },
});

interface Hunk {
  /** Number of the first line. */
  readonly before: number;
  readonly after: number;
  /** Lines with a prefix, as in a unified diff: a space, a minus or a plus. */
  readonly lines: readonly string[];
}

/** Number of unchanged lines shown around each change. */
const AROUND = 3;

function compare(before: string, after: string): Hunk[] {
  const { hunks } = structuredPatch('', '', withLastBreak(before), withLastBreak(after), '', '', { context: AROUND });
  return hunks.map(({ oldStart, newStart, lines }) => ({ before: oldStart, after: newStart, lines }));
}

/** Adds a missing newline at the end. Without it, the diff would contain a marker line. */
function withLastBreak(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}

const STYLES = { '-': 'red', '+': 'green' } as const;

function write({ before, after, lines }: Hunk, io: Io): string[] {
  const count = (other: string) => lines.filter((line) => !line.startsWith(other)).length;
  const head = `@@ -${before},${count('+')} +${after},${count('-')} @@`;
  const colored = lines.map((line) => {
    const style = STYLES[line[0] as keyof typeof STYLES];
    return style === undefined ? line : paint(io, style, line);
  });
  return [paint(io, 'cyan', head), ...colored];
}
