import { type Check, inWords } from './check.ts';
import type { DoctorFacts } from './facts.ts';

/** Younger ones may be used in a moment. */
const DAY_MS = 86_400_000;

export const unusedObjects: Check<DoctorFacts> = {
  id: 'unused-objects',
  title: 'All secrets and configs are used',
  run({ objects, now }) {
    return (['secret', 'config'] as const).flatMap((kind) => {
      const unused = objects.filter(
        (object) => object.kind === kind && !object.isUsed && now - Date.parse(object.createdAt) > DAY_MS,
      );
      if (unused.length === 0) return [];
      return [
        {
          severity: 'notice' as const,
          what: `No service mounts ${unused.length} ${kind}s, and no label or setting names them: ${inWords(unused.map(({ name }) => name).toSorted())}`,
          why: `Old ${kind}s are easily used again by mistake, and every manager stores them.`,
          fix: `Remove those that nobody needs: docker ${kind} rm <name>`,
        },
      ];
    });
  },
};
