import { lintStack } from '../compose/lint.ts';
import { buildDesiredState } from '../model/desired-state.ts';
import { defineCommand } from './command.ts';
import { composeOptions, type Loaded, loadCompose } from './compose-files.ts';
import { countProblems, type Format, formats, hasErrors, writeFindings } from './findings.ts';
import { exitCodes, paint, UsageError } from './io.ts';

export const lint = defineCommand({
  name: 'lint',
  usage: '<compose.yml…>',
  summary: 'Check the labels of compose files, without Docker or network.',
  details: `Several files are merged as "docker stack deploy" merges them; variables, anchors and merge keys are understood.
Exits with 1 when there is an error: something that was asked for would not be done.`,
  options: {
    format: { type: 'string', value: formats.join('|'), description: 'How findings are written. Default: text.' },
    strict: { type: 'boolean', description: 'Exit with 1 for a warning too.' },
    ...composeOptions,
  },
  async run(values, files, io) {
    const format = values.json ? 'json' : readFormat(values.format);
    const loaded = await loadCompose(files, values, io);
    const findings = lintStack(loaded, files);
    writeFindings(findings, format, io);
    if (format === 'text') io.out(`${paint(io, 'bold', summary(loaded, countProblems(findings)))}\n`);
    const strictly = values.strict && findings.some(({ severity }) => severity === 'warning');
    return hasErrors(findings) || strictly ? exitCodes.found : exitCodes.done;
  },
});

function readFormat(text = 'text'): Format {
  const format = formats.find((candidate) => candidate === text);
  if (format === undefined) throw new UsageError(`The format is one of: ${formats.join(', ')}.`);
  return format;
}

function summary({ name, snapshot, settings }: Loaded, found: string | undefined): string {
  const routes = buildDesiredState(snapshot, settings).clusters.flatMap((cluster) => cluster.routes);
  const services = new Set(routes.map(({ service }) => service.name));
  const routed =
    routes.length === 0 ? 'no route' : `${plural(routes.length, 'route')} of ${plural(services.size, 'service')}`;
  return `Stack ${name}: ${routed}, ${found ?? 'nothing wrong'}`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
