import type { Bed } from './bed.ts';

/**
 * Docker never returns a secret's content. The password is read where the secret is mounted: in the controller's
 * container.
 */
export async function adminPassword(bed: Bed): Promise<string> {
  return (await bed.exec('signalbox_controller', 'cat', '/run/secrets/signalbox-admin-password')).trim();
}
