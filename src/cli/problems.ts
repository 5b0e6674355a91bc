import { concerns } from '../model/problem.ts';
import { Api, apiOptions } from './api.ts';
import { defineCommand } from './command.ts';
import { countProblems, describeProblem, hasErrors, paintSeverity } from './findings.ts';
import { exitCodes, writeJson } from './io.ts';

export const problems = defineCommand({
  name: 'problems',
  usage: '[service]',
  summary: 'List the problems of a running Signalbox: service, label, reason and remedy.',
  details: 'Exits with 1 if there is an error.',
  examples: ['signalbox problems', 'signalbox problems shop_app'],
  options: apiOptions,
  async run(values, [service], io) {
    const state = await (await Api.connect(values, io)).state();
    const shown = state.problems.filter((problem) => service === undefined || concerns(problem, service));
    if (values.json) writeJson(io, shown);
    else {
      for (const problem of shown) io.out(`${paintSeverity(problem, io)} ${describeProblem(problem, io)}\n`);
      io.out(`${countProblems(shown) ?? 'No problems'}\n`);
    }
    return hasErrors(shown) ? exitCodes.found : exitCodes.done;
  },
});
