import { z } from 'zod';
import type { ClusterFacts } from '../features/feature.ts';
import { label, splitList } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { nearest } from '../labels/nearest.ts';
import { shownValue } from '../problem.ts';
import type { GivenLabels } from '../settings/policies.ts';
import { isPolicyName } from '../settings/policy-name.ts';

const MOST_POLICIES = 16;

export const policyLabels = {
  policy: label({
    name: 'policy',
    policy: 'protective',
    type: 'list of policies, separated by commas',
    default: '',
    example: 'office',
    description:
      'Applies labels that the settings define under this name: `[Policies.<name>]`. Labels of the service take precedence, then the first policy. If a policy does not exist, the route answers 503. See [policies](guides/policies.md).',
    schema: z
      .string()
      .transform(splitList)
      .superRefine((names, context) => {
        const wrong = names.find((name) => !isPolicyName(name));
        if (wrong !== undefined) context.addIssue(`contains ${shownValue(wrong)}, which is not the name of a policy`);
        if (names.length === 0) context.addIssue('is empty');
        if (names.length > MOST_POLICIES) context.addIssue(`names more than ${MOST_POLICIES} policies`);
      })
      .transform((names) => [...new Set(names)]),
  }),
} as const;

/** The labels of the policies that the label names, the first takes precedence. */
export function readPolicies(reader: LabelReader, cluster: ClusterFacts | undefined): GivenLabels[] {
  const names = reader.read(policyLabels.policy) ?? [];
  return cluster === undefined ? [] : findPolicies(reader, names, cluster);
}

function findPolicies(reader: LabelReader, names: readonly string[], { policies }: ClusterFacts): GivenLabels[] {
  return names.flatMap((name) => {
    const policy = policies.get(name);
    if (policy !== undefined) return [policy];
    const guess = nearest(name, [...policies.keys()]);
    const remedy = guess === undefined ? `Add [Policies.${name}] to the settings.` : `Did you mean ${guess}?`;
    reader.refuse(policyLabels.policy, `names the policy ${name}, which is not in the settings`, remedy);
    return [];
  });
}
