import { type Finding, sortFindings } from '../compose/finding.ts';
import { lintStack } from '../compose/lint.ts';
import { counted } from '../lib/words.ts';
import { buildDesiredState } from '../model/desired-state.ts';
import { sortProblems } from '../model/problem.ts';
import { defineCommand, type Values } from './command.ts';
import { composeOptions, type Loaded, loadCompose, loadSettings } from './compose-files.ts';
import { countProblems, type Format, formats, hasErrors, writeFindings } from './findings.ts';
import { exitCodes, type Io, paint, UsageError } from './io.ts';

export const lint = defineCommand({
  name: 'lint',
  usage: '<compose.yml…>',
  summary: 'Check the labels of compose files. Needs neither Docker nor a network.',
  details: `Several files are merged in the same way as by "docker stack deploy". Variables, anchors and merge keys are supported.
With --settings alone, only the settings file is checked.
Exits with 1 if there is an error: a label or setting would not take effect.`,
  examples: [
    'signalbox lint stack.yml',
    'signalbox lint stack.yml production.yml --settings config.toml --format github',
    'signalbox lint --format sarif stack.yml > signalbox.sarif',
  ],
  options: {
    format: { type: 'string', value: formats.join('|'), description: 'Output format of the findings. Default: text.' },
    strict: { type: 'boolean', description: 'Also exit with 1 for warnings.' },
    ...composeOptions,
  },
  async run(values, files, io) {
    const format = values.json ? 'json' : readFormat(values.format);
    const { findings, subject } =
      files.length === 0 && values.settings !== undefined
        ? await lintSettings(values.settings, io)
        : await lintFiles(files, values, io);
    writeFindings(findings, format, io);
    if (format === 'text') io.out(`${paint(io, 'bold', `${subject}, ${countProblems(findings) ?? 'no problems'}`)}\n`);
    const strictly = values.strict && findings.some(({ severity }) => severity === 'warning');
    return hasErrors(findings) || strictly ? exitCodes.found : exitCodes.done;
  },
});

function readFormat(text = 'text'): Format {
  const format = formats.find((candidate) => candidate === text);
  if (format === undefined) throw new UsageError(`Invalid format. Choose one of: ${formats.join(', ')}.`);
  return format;
}

interface Linted {
  readonly findings: readonly Finding[];
  /** Summary of the checked files. */
  readonly subject: string;
}

async function lintFiles(files: readonly string[], values: Values<typeof composeOptions>, io: Io): Promise<Linted> {
  const loaded = await loadCompose(files, values, io);
  return { findings: lintStack(loaded, files), subject: summary(loaded) };
}

async function lintSettings(file: string, io: Io): Promise<Linted> {
  const { settings, problems, placeOf } = await loadSettings(file, io);
  const findings = sortProblems(problems).map((problem) => ({ ...problem, place: placeOf(problem.label) }));
  const clusters = counted(settings.clusters.length, 'service cluster');
  return { findings: sortFindings(findings, [file]), subject: `Settings: ${clusters}` };
}

function summary({ name, snapshot, settings }: Loaded): string {
  const { clusters } = buildDesiredState(snapshot, settings);
  const routes = clusters.flatMap((cluster) => [...cluster.routes, ...cluster.streams]);
  const services = new Set(routes.map(({ service }) => service.name));
  const routed =
    routes.length === 0 ? 'no route' : `${counted(routes.length, 'route')} of ${counted(services.size, 'service')}`;
  return `Stack ${name}: ${routed}`;
}
