import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { RetryableError } from '../../lib/retryable.ts';
import {
  type Actor,
  type Administration,
  administrationName,
  administrationSchema,
  applyPorts,
  type Change,
} from '../../model/access/administration.ts';
import { type ApiToken, MAX_TOKENS, validTokens } from '../../model/access/api-tokens.ts';
import type { DesiredState } from '../../model/desired-state.ts';
import { isPartOf, isTarget, type MaintenanceDecision, type MaintenanceTarget } from '../../model/maintenance.ts';
import { clusterLabel, versionLabel } from '../../model/names.ts';
import { shownValue } from '../../model/problem.ts';
import type { Settings } from '../../model/settings/settings.ts';
import type { SavedText } from '../ports.ts';
import type { Status } from '../reconcile/status.ts';
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

const DAY_MS = 24 * 3_600_000;

/** A token's properties chosen by the administrator, its identifier and its hash. */
export interface WantedToken extends Pick<ApiToken, 'id' | 'name' | 'role' | 'cluster' | 'hash'> {
  readonly days: number;
}

/** A token, and how its creation is recorded. */
export function newToken({ days, ...wanted }: WantedToken, createdBy: string, now: number) {
  const createdAt = new Date(now).toISOString();
  const expiresAt = new Date(now + days * DAY_MS).toISOString();
  const token: ApiToken = { ...wanted, createdAt, createdBy, expiresAt };
  const scope = token.cluster === undefined ? '' : `, cluster ${token.cluster}`;
  return { token, what: `Created the token ${token.name}, ${token.role}${scope}, until ${expiresAt}` };
}

/** Why maintenance takes place, and how long. */
export type MaintenanceTerms = Pick<MaintenanceDecision, 'reason' | 'until'>;

export function describeMaintenance(
  { kind, name }: MaintenanceTarget,
  allow: readonly string[],
  { reason, until }: MaintenanceTerms,
): string {
  const details = [
    ...(allow.length === 0 ? [] : [`allowed: ${shownValue(allow.join(', '))}`]),
    ...(until === undefined ? [] : [`until ${until}`]),
    ...(reason === undefined ? [] : [`reason: ${shownValue(reason)}`]),
  ];
  return [`Started maintenance of ${kind} ${name}`, ...details].join(', ');
}

/** Unless the end was moved in the meantime. */
export function withoutEnded(current: Administration, { kind, name, until }: MaintenanceDecision): Administration {
  const isOther = (one: MaintenanceDecision) => !isTarget(one, { kind, name }) || one.until !== until;
  return { ...current, maintenance: current.maintenance.filter(isOther) };
}

/** Unchanged if the same is decided again. */
export function withMaintenance(
  current: readonly MaintenanceDecision[],
  decision: MaintenanceDecision,
): readonly MaintenanceDecision[] {
  const { who: _, since: __, ...terms } = decision;
  const isKnown = current.some(({ who: _, since: __, ...known }) => isDeepStrictEqual(known, terms));
  return isKnown ? current : [...without(current, decision), decision];
}

export function isRouted({ clusters }: DesiredState, target: MaintenanceTarget): boolean {
  return clusters.some(
    ({ routes, streams }) =>
      routes.some((route) => isPartOf(route, target)) ||
      streams.some((stream) => isPartOf({ ...stream, isDefault: false }, target)),
  );
}

/** Clusters of the settings, and removed ones whose versions are kept. */
export function isKnownCluster(name: string, { clusters }: Settings, status: Status | undefined): boolean {
  const { desired, snapshot } = status ?? {};
  return (
    clusters.some((cluster) => cluster.name === name) ||
    (desired?.clusters.some(({ cluster }) => cluster.name === name) ?? false) ||
    (snapshot?.configs.some(({ labels }) => labels[clusterLabel] === name && labels[versionLabel] !== undefined) ??
      false)
  );
}

/** Ports that clients reach. */
export interface Ports {
  readonly httpPort: number;
  readonly httpsPort: number;
}

/** Ports of the cluster `default`, or of the first one. */
export function portsOf(settings: Settings, administration: Administration): Ports {
  const { clusters } = applyPorts(settings, administration);
  const { PublishedPort, PublishedSSLPort } = (clusters.find(({ name }) => name === 'default') ?? clusters[0]!)
    .settings;
  return { httpPort: PublishedPort, httpsPort: PublishedSSLPort };
}

/** The entry in the log of changes. */
export function toChange({ name, via, address }: Actor, what: string, at: string): Change {
  const how = { ...(via === undefined ? {} : { via }), ...(address === undefined ? {} : { address }) };
  return { at, who: name, ...how, what };
}
