import { digest } from '../../lib/digest.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { desiredProxy } from '../../model/own-services/owned-service.ts';
import type { Problem } from '../../model/problem.ts';
import { toRenderInput } from '../../model/render-input.ts';
import type { OwnedTask } from '../../model/snapshot.ts';
import type { RenderAnswer, Rendering, Reports } from '../../model/version.ts';
import { permissionsOf } from '../../nginx-text/permissions.ts';
import type { Action, IntroduceTasks, Render } from './actions.ts';
import { planExtension } from './extension-service.ts';
import { recordForeign } from './foreign-secrets.ts';
import { createIdentity } from './identities.ts';
import { offerToNew, planInPlace } from './in-place.ts';
import type { Attempt, Observed } from './observed.ts';
import { type Attached, attachedTo, bootOf, planConfigs, removeOldConfigs } from './proxy-service.ts';
import { settingsRejected, textRejected } from './rejected.ts';
import { isUp, reportsAbout, toReplicas } from './replicas.ts';
import { planRollOut } from './roll-out-service.ts';
import { noReplicaProblem } from './rollout.ts';
import { planReader, type ReaderPlan } from './secret-reader.ts';
import { planSpread } from './spread.ts';

/** What to do for one cluster before its configuration is rendered. */
export interface Preparation {
  readonly actions: readonly Action[];
  readonly problems: readonly Problem[];
  /** Specifications that the services already have. */
  readonly attempts: readonly Attempt[];
  /** Secrets are being read for the proxies: check again soon. */
  readonly isReading: boolean;
  readonly next: NextStep;
}

export type NextStep =
  /** The proxy service changes: it must be observed again. */
  | { readonly kind: 'observe' }
  /** The extension is not asked: the settings are rejected, or an administrator holds the cluster at a version. */
  | { readonly kind: 'answered'; readonly answer: RenderAnswer; readonly basis: ProxyBasis }
  | { readonly kind: 'render'; readonly render: Render; readonly basis: ProxyBasis };

/** What the proxies need beside a version. */
export interface ProxyBasis {
  readonly attached: Attached;
  /** See `bootOf`. */
  readonly boot: string | undefined;
}

/** What to do once the configuration is rendered. */
export interface Plan {
  readonly actions: readonly Action[];
  readonly problems: readonly Problem[];
  readonly attempts: readonly Attempt[];
  /** The proxies are switching to the version, or wait for a roll-out in progress. */
  readonly rolling: boolean;
  /** Replicas are, or are about to be, spread over the nodes again. */
  readonly isSpreading: boolean;
}

/** The first plan of a pass: the extension, identities, and what the extension must know to render. */
export function prepare(desired: ClusterState, observed: Observed, reports: Reports | undefined): Preparation {
  const { name, settings } = desired.cluster;
  const extension = planExtension(desired, observed);
  const reader = planReader(desired, observed);
  const foreign = recordForeign(desired.foreignSecretIds, observed);
  const introduction = introduceTasks(desired, observed, reports);
  const identity = settings.HitlessServiceUpdate ? createIdentity('proxy', name, observed) : [];
  const before = [...extension.actions, ...identity, ...reader.actions, ...foreign, ...introduction];
  const problemsBefore = [...extension.problems, ...reader.problems];
  const prepared = { problems: problemsBefore, attempts: listed(extension.attempt), isReading: reader.isReading };
  if (foreign.length > 0 || awaitsSecrets(desired, observed, reader))
    return { ...prepared, actions: before, next: { kind: 'observe' } };
  const { texts, held } = observed;
  if (texts.kind === 'rejected') {
    const answer = { kind: 'settings-rejected', message: texts.message } as const;
    return { ...prepared, actions: before, next: { kind: 'answered', answer, basis: NOTHING_ATTACHED } };
  }
  const input = toRenderInput(desired, texts.texts);
  const permissions = permissionsOf(input);
  const attached = attachedTo(desired, observed, permissions);
  const boot = bootOf(desired, observed, attached);
  const basis = { attached, boot };
  return {
    ...prepared,
    actions: before,
    problems: [...problemsBefore, ...texts.problems],
    next: held
      ? { kind: 'answered', answer: { kind: 'rendered', rendering: held }, basis }
      : { kind: 'render', render: { kind: 'render', service: settings.ServiceName, input, permissions, boot }, basis },
  };
}

/**
 * Proxies of an earlier release have their secrets mounted, and those with another key cannot decrypt: they stay until
 * their successors can have all secrets from their first response.
 */
function awaitsSecrets(
  { cluster, secrets }: ClusterState,
  { proxy, identities }: Observed,
  { isReading }: ReaderPlan,
): boolean {
  if (!isReading || !cluster.deliversInPlace || proxy === undefined) return false;
  const { secretIds } = proxy.service;
  const isMounted = (id: string | undefined) => id !== undefined && secretIds.includes(id);
  return !isMounted(identities.proxy.id) || secrets.some(({ id }) => isMounted(id));
}

const NOTHING_ATTACHED: ProxyBasis = { attached: { networkIds: [], secrets: [] }, boot: undefined };

/** The second plan of a pass. `renderedAt` is in milliseconds since the epoch. */
export function planAnswer(
  desired: ClusterState,
  observed: Observed,
  reports: Reports | undefined,
  basis: ProxyBasis,
  answer: RenderAnswer,
  renderedAt: number,
): Plan {
  const { name } = desired.cluster;
  switch (answer.kind) {
    case 'rendered':
      return planVersion(desired, observed, reports, basis, answer.rendering, renderedAt);
    case 'text-rejected':
      return planWithoutVersion(observed, textRejected(name, answer.message));
    case 'settings-rejected':
      return planWithoutVersion(observed, settingsRejected(name, answer.message));
  }
}

/** Brings a version to the proxies: in place if the replicas have everything that it requires, otherwise by a roll-out. */
function planVersion(
  desired: ClusterState,
  observed: Observed,
  reports: Reports | undefined,
  { attached, boot }: ProxyBasis,
  rendering: Rendering,
  renderedAt: number,
): Plan {
  const { cluster } = desired;
  const { proxy, snapshot, now } = observed;
  const { version } = rendering;
  const tasks = proxy?.tasks ?? [];
  const trusted = reportsAbout(tasks, reports);
  const inPlace =
    proxy && boot ? planInPlace(desired, proxy, boot, rendering, { reports: trusted, now, renderedAt }) : undefined;
  const configs = planConfigs(desired, observed, rendering);
  const attachments = { version, configs: configs.mounted, ...attached };
  const rollOut = inPlace
    ? undefined
    : planRollOut(desiredProxy(cluster, snapshot.nodes, attachments), proxy?.service, observed);
  // New replicas then need not wait for an offer.
  const isOffered = rollOut !== undefined && proxy !== undefined && cluster.settings.HitlessServiceUpdate;
  const offers = isOffered ? offerToNew(desired, rendering, reports) : [];
  const inUse = toReplicas(tasks, trusted, snapshot.configs).flatMap((one) => (isUp(one) ? (one.version ?? []) : []));
  const { rolling, problems } = inPlace ?? rollOut!;
  const isWritten = rollOut !== undefined && rollOut.actions.length > 0;
  const spread = spreadOf(observed, rolling, isWritten);
  return {
    actions: [
      ...(inPlace?.actions ?? []),
      ...configs.actions,
      ...offers,
      ...(rollOut?.actions ?? []),
      ...removeOldConfigs(desired, observed, rendering, inUse),
      ...spread.actions,
    ],
    problems: [
      ...rendering.problems,
      ...problems,
      ...(proxy ? noReplicaProblem(tasks, proxy.service, now) : []),
      ...spread.problems,
    ],
    attempts: listed(rollOut?.attempt),
    rolling,
    isSpreading: spread.isPending,
  };
}

/** The proxies keep their version. */
function planWithoutVersion(observed: Observed, problem: Problem): Plan {
  const { actions, problems, isPending } = spreadOf(observed, false, false);
  return { actions, problems: [problem, ...problems], attempts: [], rolling: false, isSpreading: isPending };
}

/** A service that is written in this pass is observed again before its replicas are counted. */
function spreadOf({ proxy, now }: Observed, isRolling: boolean, isWritten: boolean) {
  if (!proxy) return { actions: [], problems: [], isPending: false };
  const plan = planSpread(proxy, isRolling, now);
  return isWritten ? { ...plan, actions: [] } : plan;
}

function listed<T>(item: T | undefined): T[] {
  return item === undefined ? [] : [item];
}

/** An extension that is unavailable or just starting is informed once its state is known. */
function introduceTasks(
  { cluster: { name, settings } }: ClusterState,
  { proxy, controlNetworkId }: Observed,
  reports: Reports | undefined,
): IntroduceTasks[] {
  const toAddresses = ({ id, addresses }: OwnedTask) => ({ task: id, addresses: addresses[controlNetworkId] ?? [] });
  const tasks = (proxy?.tasks ?? []).map(toAddresses);
  if (reports === undefined || reports.tasks === digest(JSON.stringify(tasks))) return [];
  return [{ kind: 'introduce-tasks', service: settings.ServiceName, cluster: name, tasks }];
}
