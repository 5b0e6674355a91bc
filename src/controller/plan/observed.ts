import type { ProxySpread } from '../../model/own-services/proxy-spread.ts';
import type { Problem } from '../../model/problem.ts';
import type { AdministratorTexts } from '../../model/render-input.ts';
import type { ReadSecret } from '../../model/secrets/encrypted-secrets.ts';
import type { OwnedRole, OwnedService, OwnedTask, Snapshot } from '../../model/snapshot.ts';
import type { Rendering } from '../../model/version.ts';

/** Everything that was observed for one cluster. */
export interface Observed {
  readonly snapshot: Snapshot;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly controlNetworkId: string;
  readonly extension: OwnedService | undefined;
  readonly proxy: CurrentProxy | undefined;
  readonly reader: CurrentReader | undefined;
  readonly identities: Readonly<Record<OwnedRole, IdentitySecret>>;
  readonly texts: ObservedTexts;
  /** The version at which an administrator holds the cluster. */
  readonly held: Rendering | undefined;
  readonly attempts: Attempts;
}

/** The current proxy service of a cluster and its tasks, the newest first. */
export interface CurrentProxy {
  readonly service: OwnedService;
  readonly tasks: readonly OwnedTask[];
  readonly spread: ProxySpread;
  readonly steadiness: Steadiness;
}

/** The identity of a role's tasks. */
export interface IdentitySecret {
  /** Undefined if the secret must be created, because none is valid for long enough. */
  readonly id: string | undefined;
  readonly name: string;
  /** Of the cluster's proxies; undefined for other roles, and until the secret exists. */
  readonly publicKey: string | undefined;
}

/** The job that reads secrets. */
export interface CurrentReader {
  readonly service: OwnedService;
  /** Since when it exists, in milliseconds since the epoch. */
  readonly since: number;
  /** Undefined until the job has read the secrets. */
  readonly answer: readonly ReadSecret[] | undefined;
}

/** The administrator's template and pages. */
export type ObservedTexts =
  | { readonly kind: 'read'; readonly texts: AdministratorTexts; readonly problems: readonly Problem[] }
  | { readonly kind: 'rejected'; readonly message: string };

/** Since when nodes and replicas are unchanged. */
export interface Steadiness {
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** How often one node has returned recently. */
  readonly returns: number;
}

/** Specifications seen during roll-outs, by service: identifies after a roll-back which one failed. */
export type Attempts = ReadonlyMap<string, string>;

export interface Attempt {
  readonly serviceId: string;
  /** Digest of the specification. */
  readonly spec: string;
}
