import type { Answer } from '../explain/explanation.ts';
import { type Backends, isDown } from './backends.ts';

/** Whether the tasks of a route answer: all, some or none of them. */
export type TaskAnswer = 'all' | 'some' | 'none';

export interface ExplainedTasks {
  readonly tasks: TaskAnswer;
  /** A sentence for each service. */
  readonly because: readonly string[];
}

/** What is known about the tasks that would receive a request; undefined if no service receives it. */
export function explainTasks(answer: Answer, backends: Backends): ExplainedTasks | undefined {
  if (answer.kind !== 'service') return undefined;
  const known = answer.route.services.flatMap((service) => {
    const state = backends.get(service);
    return state === undefined ? [] : [{ service, ...state }];
  });
  if (known.length === 0) return undefined;
  const because = known.map(({ service, running, desired, problem }) =>
    problem === undefined
      ? `${running} of ${desired} ${desired === 1 ? 'task' : 'tasks'} of ${service} ${desired === 1 ? 'runs' : 'run'}.`
      : `${endSentence(problem.reason)} ${problem.remedy}`,
  );
  const dead = known.filter(isDown);
  if (dead.length === answer.route.services.length) return { tasks: 'none', because };
  const isWhole = known.every(({ running, desired, problem }) => running === desired && problem === undefined);
  return { tasks: isWhole ? 'all' : 'some', because };
}

function endSentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
