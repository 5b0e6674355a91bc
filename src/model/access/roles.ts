import { z } from 'zod';

/** Each role includes the permissions of those before it. */
export const roles = ['viewer', 'operator', 'administrator'] as const;
export const roleSchema = z.enum(roles);
export type Role = z.infer<typeof roleSchema>;

export const roleMeanings: Readonly<Record<Role, string>> = {
  viewer: 'view everything, change nothing',
  operator: 'also enable and disable routing, set maintenance, roll back and release',
  administrator: 'also view users and manage API tokens',
};

export function includesRole(role: Role, required: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(required);
}

/** The most powerful role; undefined if there is none. */
export function highestRole(held: readonly Role[]): Role | undefined {
  return roles.findLast((role) => held.includes(role));
}

/** The sign-in method: a password, an API token, or OpenID Connect. */
export const signInMethodSchema = z.enum(['password', 'token', 'oidc']);
export type SignInMethod = z.infer<typeof signInMethodSchema>;
