import type { State } from '../controller/admin/state.ts';
import { nearest } from '../model/labels/nearest.ts';
import { concerns } from '../model/problem.ts';
import { filterProblems, groupProblems, type ProblemGroup, severityOrder } from '../model/problem-groups.ts';
import { Api, apiOptions } from './api.ts';
import { defineCommand } from './command.ts';
import { countProblems, describeProblem, hasErrors, paintSeverity } from './findings.ts';
import { exitCodes, type Io, paint, UsageError, writeJson } from './io.ts';

type Shown = State['problems'][number];

/** Causes of one kind, and services of one cause, that are listed without --all. */
const SHOWN_CAUSES = 10;
const SHOWN_SERVICES = 10;

export const problems = defineCommand({
  name: 'problems',
  usage: '[service]',
  summary: 'List the problems of a running Signalbox: service, label, reason and remedy.',
  details:
    'Grouped by kind, the worst first. Problems with the same text are listed once, with their services. The id of a kind is its section in docs/problems.md. With a service: only its own problems, by its full name. Exits with 1 if there is an error.',
  examples: [
    'signalbox problems',
    'signalbox problems shop_app',
    'signalbox problems --severity error --filter certificate',
  ],
  options: {
    severity: {
      type: 'string',
      value: 'severity',
      description: 'Only problems that are at least this severe: error, warning or notice.',
    },
    filter: { type: 'string', value: 'text', description: 'Only problems with all of these words.' },
    all: { type: 'boolean', description: 'List every cause and service, however many.' },
    ...apiOptions,
  },
  async run(values, [service], io) {
    const filter = { severity: readSeverity(values.severity), text: values.filter };
    const state = await (await Api.connect(values, io)).state();
    if (service !== undefined) checkKnown(service, state);
    const own = state.problems.filter((problem) => service === undefined || concerns(problem, service));
    const shown = filterProblems(own, filter);
    if (values.json) writeJson(io, shown);
    else {
      const limit = values.all ? Number.POSITIVE_INFINITY : SHOWN_CAUSES;
      io.out(
        groupProblems(shown)
          .map((group) => describeGroup(group, limit, io))
          .join(''),
      );
      const hidden = own.length - shown.length;
      io.out(`${countProblems(shown) ?? 'No problems'}${hidden > 0 ? `, ${hidden} more do not match` : ''}\n`);
    }
    return hasErrors(shown) ? exitCodes.found : exitCodes.done;
  },
});

function readSeverity(text: string | undefined): Shown['severity'] | undefined {
  const severity = severityOrder.find((one) => one === text);
  if (text !== undefined && severity === undefined)
    throw new UsageError(`${text} is not a severity. Use error, warning or notice.`);
  return severity;
}

function describeGroup({ id, causes, count }: ProblemGroup<Shown>, limit: number, io: Io): string {
  const title = id === undefined ? [] : [paint(io, 'dim', `${id} (${count}), docs/problems.md#${id}`)];
  const listed = causes.slice(0, limit).map((cause) => describeCause(cause, limit, io));
  const left = causes.length - listed.length;
  const more = left > 0 ? [`and ${left} more. List them with --all, or choose with --filter.`] : [];
  return `${[...title, ...listed, ...more].join('\n')}\n\n`;
}

function describeCause({ problem, same }: ProblemGroup<Shown>['causes'][number], limit: number, io: Io): string {
  const { service: _, ...shared } = problem;
  const text = `${paintSeverity(problem, io)} ${describeProblem(same.length === 1 ? problem : shared, io)}`;
  const since = same.flatMap(({ since }) => since ?? []).toSorted()[0];
  return [
    text,
    ...(same.length === 1 ? [] : [`    ${same.length} services: ${listServices(same, limit)}`]),
    ...(since === undefined ? [] : [paint(io, 'dim', `    since ${since}`)]),
  ].join('\n');
}

function listServices(same: readonly Shown[], limit: number): string {
  const names = [...new Set(same.flatMap(({ service }) => service ?? []))];
  const shown = names.slice(0, Math.max(limit, SHOWN_SERVICES));
  return [...shown, ...(names.length > shown.length ? [`and ${names.length - shown.length} more`] : [])].join(', ');
}

/** A mistyped name has no problems, which would read as good news. */
function checkKnown(service: string, { services, problems }: State): void {
  const affected = problems.flatMap(({ service, affects = [] }) => [service, ...affects.map((each) => each.service)]);
  const known = new Set([...services.map(({ name }) => name), ...affected.filter((name) => name !== undefined)]);
  if (known.has(service)) return;
  const similar = nearest(service, [...known]) ?? [...known].find((name) => name.endsWith(`_${service}`));
  const hint = similar === undefined ? '' : ` Did you mean ${similar}?`;
  throw new UsageError(`Service ${service} has neither routes nor problems.${hint}`);
}
