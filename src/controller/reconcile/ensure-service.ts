import { specLabel } from '../../model/names.ts';
import type { DesiredService } from '../../model/owned-service.ts';
import type { OwnedService } from '../../model/snapshot.ts';
import { specDigest } from '../../model/spec-digest.ts';
import type { ClusterOptions } from './cluster-options.ts';

/** Creates the service, or updates it if the desired specification differs from the last applied one. */
export async function ensureService(
  desired: DesiredService,
  current: OwnedService | undefined,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<void> {
  const { swarm, logger } = options;
  const fields = { service: desired.name, cluster: desired.cluster, image: desired.image };
  if (current && current.name !== desired.name) {
    // Swarm cannot rename a service, and two services cannot publish the same ports.
    await swarm.removeService(current.id, signal);
    logger.info({ service: current.name, cluster: current.cluster }, 'Removed renamed service');
    return ensureService(desired, undefined, options, signal);
  }
  if (!current) {
    await swarm.createService(desired, signal);
    logger.info(fields, 'Created service');
  } else if (differs(current, desired)) {
    await swarm.updateService(current, desired, signal);
    logger.info(fields, 'Updated service');
  }
}

/**
 * Attachments are compared with the service's current ones, because nothing works without them. Everything else is compared with the last applied
 * specification.
 */
export function differs(current: OwnedService, desired: DesiredService): boolean {
  return (
    current.name !== desired.name ||
    current.labels[specLabel] !== specDigest(desired) ||
    !sameIds(
      current.configIds,
      desired.configs.map(({ id }) => id),
    ) ||
    !sameIds(
      current.secretIds,
      desired.secrets.map(({ id }) => id),
    ) ||
    desired.networkIds.some((id) => !current.networkIds.includes(id))
  );
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join();
}
