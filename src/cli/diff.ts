import { diff as compare } from 'node:util';
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
    const read = async (version: string) =>
      (await api.text(`${versionsPath(values.cluster ?? 'default')}/${encodeURIComponent(version)}`)).split('\n');
    const hunks = toHunks(compareLines(await read(before), await read(after)));
    if (values.json) writeJson(io, hunks);
    else if (hunks.length > 0)
      io.out(`${[`--- ${before}`, `+++ ${after}`, ...hunks.flatMap((hunk) => write(hunk, io))].join('\n')}\n`);
    return hunks.length === 0 ? exitCodes.done : exitCodes.found;
  },
});

interface Line {
  readonly kind: ' ' | '-' | '+';
  readonly text: string;
  /** Numbers of the line in the two texts, or of the next one there. */
  readonly before: number;
  readonly after: number;
}

interface Hunk {
  /** Number of the first line. */
  readonly before: number;
  readonly after: number;
  /** As in a unified diff: a blank, a minus or a plus before each. */
  readonly lines: readonly string[];
}

/** Unchanged lines that are shown around changed ones. */
const AROUND = 3;

function compareLines(old: readonly string[], young: readonly string[]): Line[] {
  let before = 1;
  let after = 1;
  return compare(old, young).map(([operation, text]) => {
    const kind = operation === 0 ? ' ' : operation > 0 ? '-' : '+';
    const line: Line = { kind, text, before, after };
    if (kind !== '+') before += 1;
    if (kind !== '-') after += 1;
    return line;
  });
}

function toHunks(lines: readonly Line[]): Hunk[] {
  const shown = new Set(
    lines.flatMap(({ kind }, position) =>
      kind === ' ' ? [] : Array.from({ length: 2 * AROUND + 1 }, (_, offset) => position - AROUND + offset),
    ),
  );
  const hunks: { before: number; after: number; lines: string[] }[] = [];
  for (const [position, { kind, text, before, after }] of lines.entries()) {
    if (!shown.has(position)) continue;
    if (position === 0 || !shown.has(position - 1)) hunks.push({ before, after, lines: [] });
    hunks.at(-1)!.lines.push(kind + text);
  }
  return hunks;
}

const STYLES = { '-': 'red', '+': 'green' } as const;

function write({ before, after, lines }: Hunk, io: Io): string[] {
  const count = (other: string) => lines.filter((line) => !line.startsWith(other)).length;
  const head = `@@ -${before},${count('+')} +${after},${count('-')} @@`;
  const coloured = lines.map((line) => {
    const style = STYLES[line[0] as keyof typeof STYLES];
    return style === undefined ? line : paint(io, style, line);
  });
  return [paint(io, 'cyan', head), ...coloured];
}
