import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { RetryableError } from '../../lib/retryable.ts';
import {
  type Administration,
  administrationName,
  administrationSchema,
  type Change,
} from '../../model/access/administration.ts';
import { type ApiToken, MAX_TOKENS, validTokens } from '../../model/access/api-tokens.ts';
import { isTarget, type MaintenanceDecision, type MaintenanceTarget } from '../../model/maintenance.ts';
import type { SavedText } from '../ports.ts';
import { Refusal } from './problem-details.ts';

export function isSame(a: Change, b: Change): boolean {
  return a.at === b.at && a.who === b.who && a.what === b.what;
}

/** Compares as stored: without undefined properties. */
export function isSameState(a: Administration, b: Administration): boolean {
  const plain = (state: Administration) => JSON.parse(JSON.stringify(state));
  return isDeepStrictEqual(plain(a), plain(b));
}

/** The content may have been edited by hand, so reading is retried. */
export function parseSaved({ revision, text }: SavedText): Administration {
  try {
    return administrationSchema.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new RetryableError(`The Docker config ${administrationName(revision)} is invalid: ${reason}`, {
      cause: error,
    });
  }
}

export function withToken(tokens: readonly ApiToken[], token: ApiToken, now: string): ApiToken[] {
  const valid = validTokens(tokens, now);
  if (valid.some(({ name }) => name === token.name))
    throw new Refusal(409, 'Token exists', `A token named ${token.name} exists. Revoke it or choose another name.`);
  if (valid.length >= MAX_TOKENS)
    throw new Refusal(409, 'Too many tokens', `There are already ${MAX_TOKENS} tokens. Revoke an unused one.`);
  return [token, ...valid];
}

export function without(all: readonly MaintenanceDecision[], target: MaintenanceTarget): MaintenanceDecision[] {
  return all.filter((other) => !isTarget(other, target));
}
