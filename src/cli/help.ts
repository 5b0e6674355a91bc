import { columns } from './columns.ts';
import type { Command, Options } from './command.ts';
import { exitCodeMeanings, type Io, paint } from './io.ts';

export function generalHelp(commands: readonly Command[], io: Pick<Io, 'colour'>): string {
  return [
    'Layer 7 routing for Docker Swarm: checks compose files, and queries and changes a running Signalbox.\n',
    section('Usage', ['signalbox <command> [options]', 'signalbox help <command>'], io),
    section('Commands', columns(commands.map(({ name, summary }) => [name, summary])), io),
    section('Exit codes', columns(Object.entries(exitCodeMeanings)), io),
  ].join('\n');
}

export function commandHelp({ name, usage, summary, details, options }: Command, io: Pick<Io, 'colour'>): string {
  return [
    `${summary}\n${details === '' ? '' : `\n${details}\n`}`,
    section('Usage', [`signalbox ${name} ${usage}`.trim()], io),
    section('Options', columns(optionRows(options)), io),
  ].join('\n');
}

export function optionRows(options: Options): [option: string, description: string][] {
  return Object.entries(options).map(([name, { value, description }]) => [
    value === undefined ? `--${name}` : `--${name} <${value}>`,
    description,
  ]);
}

function section(title: string, lines: readonly string[], io: Pick<Io, 'colour'>): string {
  return [paint(io, 'bold', title), ...lines.map((line) => `  ${line}`), ''].join('\n');
}
