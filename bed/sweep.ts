import type Docker from 'dockerode';
import type { Engine } from './engine.ts';
import { currentOwner, hasEnded, ownerLabel } from './owner.ts';
import { bedLabel } from './places.ts';
import { StepFailed, step } from './step.ts';

/** Throws if an active run uses the bed, since it would lose it. */
export async function refuseIfUsed(docker: Docker, bed: string): Promise<void> {
  const nodes = await docker.listContainers({ all: true, filters: { label: [`${bedLabel}=${bed}`, ownerLabel] } });
  const used = nodes.some(({ Labels }) => !hasEnded(Labels[ownerLabel]!) && Labels[ownerLabel] !== currentOwner());
  if (!used) return;
  throw new StepFailed(
    `Another run uses the bed ${bed}.`,
    'Wait until it ends, or use another name for this run: BED_NAME=mine.',
  );
}

/** Removes containers and networks of interrupted runs. Resolves with the number of containers. */
export async function sweep(docker: Docker): Promise<number> {
  const filters = { label: [ownerLabel] };
  const isLeft = ({ Labels }: { Labels?: Readonly<Record<string, string>> | undefined }) =>
    hasEnded(Labels?.[ownerLabel] ?? '');
  const containers = (await docker.listContainers({ all: true, filters })).filter(isLeft);
  // Another run may be sweeping at the same time.
  const remove = ({ Id }: { Id: string }) =>
    docker
      .getContainer(Id)
      .remove({ force: true, v: true })
      .catch(() => {});
  await Promise.all(containers.map(remove));
  for (const { Id } of (await docker.listNetworks({ filters })).filter(isLeft))
    await docker
      .getNetwork(Id)
      .remove()
      .catch(() => {});
  return containers.length;
}

export async function sweepAndReport({ docker }: Engine): Promise<void> {
  await step('sweep', async (progress) => {
    const removed = await sweep(docker);
    progress.done(removed > 0 ? `removed ${removed} containers of interrupted runs` : 'nothing to remove');
  });
}
