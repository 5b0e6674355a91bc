import type { Bed } from './bed.ts';

/** Swarm shows no secret's content, so it is read where the secret is mounted: in the controller's container. */
export async function adminPassword(bed: Bed): Promise<string> {
  return (await bed.exec('signalbox_controller', 'cat', '/run/secrets/signalbox-admin-password')).trim();
}
