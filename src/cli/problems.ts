import type { State } from '../controller/admin/state.ts';
import { nearest } from '../model/labels/nearest.ts';
import { concerns } from '../model/problem.ts';
import { Api, apiOptions } from './api.ts';
import { defineCommand } from './command.ts';
import { countProblems, describeProblem, hasErrors, paintSeverity } from './findings.ts';
import { exitCodes, UsageError, writeJson } from './io.ts';

export const problems = defineCommand({
  name: 'problems',
  usage: '[service]',
  summary: 'List the problems of a running Signalbox: service, label, reason and remedy.',
  details: 'With a service: only its own problems, by its full name. Exits with 1 if there is an error.',
  examples: ['signalbox problems', 'signalbox problems shop_app'],
  options: apiOptions,
  async run(values, [service], io) {
    const state = await (await Api.connect(values, io)).state();
    if (service !== undefined) checkKnown(service, state);
    const shown = state.problems.filter((problem) => service === undefined || concerns(problem, service));
    if (values.json) writeJson(io, shown);
    else {
      for (const problem of shown) io.out(`${paintSeverity(problem, io)} ${describeProblem(problem, io)}\n`);
      io.out(`${countProblems(shown) ?? 'No problems'}\n`);
    }
    return hasErrors(shown) ? exitCodes.found : exitCodes.done;
  },
});

/** A mistyped name has no problems, which would read as good news. */
function checkKnown(service: string, { services, problems }: State): void {
  const affected = problems.flatMap(({ service, affects = [] }) => [service, ...affects.map((each) => each.service)]);
  const known = new Set([...services.map(({ name }) => name), ...affected.filter((name) => name !== undefined)]);
  if (known.has(service)) return;
  const similar = nearest(service, [...known]) ?? [...known].find((name) => name.endsWith(`_${service}`));
  const hint = similar === undefined ? '' : ` Did you mean ${similar}?`;
  throw new UsageError(`Service ${service} has neither routes nor problems.${hint}`);
}
