import { z } from 'zod';
import { describe } from '../plan/describe.ts';
import type { PlannedActions } from '../reconcile/preview.ts';
import type { User } from './access.ts';

/** The answer of `GET /api/plan`. */
export const planSchema = z
  .object({
    observedAt: z
      .string()
      .nullable()
      .describe('When the swarm was last observed, RFC 3339. The plan follows from that. Null before the first time.'),
    error: z.string().nullable().describe('Error that stops the controller; null if there is none.'),
    actions: z
      .array(
        z
          .object({
            cluster: z.string().nullable().describe('Null for objects of disabled or removed clusters.'),
            kind: z.string().describe('Such as `update-service`.'),
            sentence: z.string().describe('The action in plain words.'),
          })
          .readonly(),
      )
      .readonly()
      .describe('What the controller would do now, in order. Empty if there is nothing to do.'),
    waiting: z.array(z.string()).readonly().describe('Clusters that wait for a change in progress.'),
    unobserved: z.array(z.string()).readonly().describe('Clusters that could not be observed yet.'),
  })
  .readonly();
export type PlanView = z.infer<typeof planSchema>;

export function toPlanView(planned: PlannedActions, error: string | undefined): PlanView {
  const { observedAt, actions, waiting, unobserved } = planned;
  return {
    observedAt: observedAt === undefined ? null : new Date(observedAt).toISOString(),
    error: error ?? null,
    actions: actions.map(({ cluster = null, action }) => ({ cluster, kind: action.kind, sentence: describe(action) })),
    waiting,
    unobserved,
  };
}

/** The part of the plan that a user may see: an API token for one cluster sees only that cluster. */
export function scopePlan(plan: PlanView, { cluster }: Pick<User, 'cluster'>): PlanView {
  if (cluster === undefined) return plan;
  return {
    ...plan,
    actions: plan.actions.filter((action) => action.cluster === cluster),
    waiting: plan.waiting.filter((name) => name === cluster),
    unobserved: plan.unobserved.filter((name) => name === cluster),
  };
}
