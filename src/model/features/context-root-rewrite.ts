import { z } from 'zod';
import { boolean, label } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import { featureWithDefault } from './feature.ts';

export const contextRootRewriteLabels = {
  context_root_rewrite: label({
    name: 'context_root_rewrite',
    policy: 'optional',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description: 'Strips the context root from the path before the request is forwarded.',
    schema: boolean,
  }),
};

/** The path is stripped before the request reaches the service. */
export const contextRootRewrite = featureWithDefault({
  labels: contextRootRewriteLabels,
  read(reader, { isGrpc }): boolean {
    const { context_root_rewrite } = contextRootRewriteLabels;
    const rewrites = reader.read(context_root_rewrite) ?? false;
    if (rewrites && isGrpc) {
      const reason = 'is not supported for gRPC, whose methods are in the path';
      reader.note(context_root_rewrite, ineffectiveLabel(reason, 'Remove it.'));
    }
    const isUnused = rewrites && reader.has('paths');
    if (isUnused)
      reader.note(
        context_root_rewrite,
        ineffectiveLabel('has no effect with paths', 'Use context_root, or remove the label.'),
      );
    return rewrites && !isUnused;
  },
  message: z.boolean(),
  conflict: 'context_root_rewrite',
  stage: 'request',
  explain: (rewrites) => ({
    context_root_rewrite: rewrites ? 'The context root is stripped from the path.' : undefined,
  }),
  // Depends on the path, see usage.ts.
  bytes: () => 0,
});
