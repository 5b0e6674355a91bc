import type { KeyDefinition } from '../settings/keys.ts';
import type { Issuer, Issuers } from './issuers.ts';
import { type AcmeSettings, acmeKeys } from './keys.ts';

const defaults = Object.fromEntries(
  Object.entries<KeyDefinition>(acmeKeys).map(([name, definition]) => [name, definition.default]),
) as AcmeSettings;

/** The CA of the installation. It needs no settings and no account, and it issues certificates at once. */
export const internalIssuer: Issuer = { ...defaults, name: 'internal' };

export function isInternal({ name }: Pick<Issuer, 'name'>): boolean {
  return name === internalIssuer.name;
}

/** Of the settings, or `internal`. */
export function issuerNamed(name: string, issuers: Issuers): Issuer | undefined {
  return isInternal({ name }) ? internalIssuer : issuers.get(name);
}
