import type { PlanView } from '../controller/admin/plan.ts';
import { Api, apiOptions } from './api.ts';
import { columns } from './columns.ts';
import { defineCommand } from './command.ts';
import { exitCodes, type Io, paint, writeJson } from './io.ts';

export const plan = defineCommand({
  name: 'plan',
  usage: '',
  summary: 'Show what the controller would do now. Changes nothing.',
  details: 'The plan follows from the last observation of the swarm. An idle controller has nothing to do.',
  examples: ['signalbox plan', 'signalbox plan --json'],
  options: apiOptions,
  async run(values, _, io) {
    const api = await Api.connect(values, io);
    const view = (await api.call('GET', '/api/plan')) as PlanView;
    if (values.json) writeJson(io, view);
    else io.out(describePlan(view, io));
    return exitCodes.done;
  },
});

function describePlan({ observedAt, error, actions, waiting, unobserved }: PlanView, io: Io): string {
  const rows = actions.map(({ cluster, sentence }) => [cluster ?? '-', sentence]);
  const isIdle = actions.length === 0 && waiting.length === 0 && unobserved.length === 0;
  return [
    ...(error === null ? [] : [paint(io, 'red', `The controller fails: ${error}`)]),
    ...(rows.length === 0 ? [] : columns([['CLUSTER', 'ACTION'], ...rows])),
    ...waiting.map((name) => `Cluster ${name} waits for a change in progress and is checked again.`),
    ...unobserved.map((name) => `Cluster ${name} has not been observed yet.`),
    ...(isIdle && observedAt !== null ? ['Nothing to do.'] : []),
    observedAt === null ? 'The swarm has not been observed yet.' : paint(io, 'dim', `Last observed ${observedAt}`),
    '',
  ].join('\n');
}
