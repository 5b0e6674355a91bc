import { z } from 'zod';
import { controlNetwork } from './names.ts';

/** Where another program decides about each request. */
export interface Authenticator {
  readonly scheme: 'http' | 'https';
  /** Name of a service, or an outside host, which has a dot. */
  readonly name: string;
  readonly port: number;
  /** Path and query. */
  readonly target: string;
}

const ADDRESS =
  /^(https?):\/\/([A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?)(?::(\d{1,5}))?((?:\/[A-Za-z0-9._~-]+)*\/?(?:\?[A-Za-z0-9._~=&/-]{0,200})?)$/;
export const TARGET = /^(?=.{1,512}$)\/(?:[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*\/?)?(?:\?[A-Za-z0-9._~=&/-]*)?$/;

export const segmentsAreSafe = (target: string) => !/(?:^|\/)\.{1,2}(?:\/|$)/.test(target.split('?')[0]!);

export const authenticatorAddress = z
  .string()
  .trim()
  .transform((text, context): Authenticator => {
    const [, scheme, name = '', port, target = ''] = ADDRESS.exec(text) ?? [];
    const authenticator = {
      scheme: scheme as 'http' | 'https',
      name: name.includes('.') ? name.toLowerCase() : name,
      port: Number(port ?? (scheme === 'https' ? 443 : 80)),
      target: target.startsWith('/') ? target : `/${target}`,
    };
    const fault = scheme === undefined ? 'is not a URL such as http://auth:9091/verify' : faultOf(authenticator);
    if (fault !== undefined) context.addIssue(fault);
    return authenticator;
  });

function faultOf({ scheme, name, port, target }: Authenticator): string | undefined {
  if (port < 1 || port > 65_535) return 'has a port above 65535';
  if (!TARGET.test(target) || !segmentsAreSafe(target)) return 'has a path with . or .. segments, or is too long';
  if (!isOutside(name)) return name.length > 63 ? 'names a service with more than 63 characters' : undefined;
  // Otherwise names of Docker's DNS would let it reach services that are not meant for it.
  if (scheme !== 'https') return 'is an outside URL without HTTPS';
  if (!isOutsideName(name)) return 'does not name a public host';
  return undefined;
}

/** Names of services have no dots. */
export function isOutside(name: string): boolean {
  return name.includes('.');
}

function isOutsideName(name: string): boolean {
  const isPublic = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/.test(name);
  return isPublic && !name.endsWith(`.${controlNetwork}`) && !name.startsWith('tasks.');
}
