import type { Bed } from './bed.ts';
import { findEngine } from './engine.ts';
import { findBed } from './open-bed.ts';

/**
 * The bed of this vitest worker, one of those that test/support/open-beds.ts opened. For test files of the projects
 * `swarm` and `managers`.
 */
export async function storyBed(names: readonly string[]): Promise<Bed> {
  const name = names[Number(process.env.VITEST_POOL_ID) - 1];
  const engine = await findEngine();
  const bed = engine && name !== undefined ? await findBed(engine, name) : undefined;
  if (!bed) throw new Error(`Bed "${name}" not found: run its project of test/vitest.config.ts, which opens it.`);
  return bed;
}
