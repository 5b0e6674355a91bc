import type { DesiredService } from '../../model/own-services/owned-service.ts';
import type { RenderInput } from '../../model/render-input.ts';
import type { ReadSecret } from '../../model/secrets/encrypted-secrets.ts';
import type { NewObject, OwnedRole, OwnedService, StoredObject } from '../../model/snapshot.ts';
import type { ClusterOffer, TaskAddresses } from '../../model/version.ts';
import type { Permissions } from '../../nginx-text/permissions.ts';

/** One change of the world. Each is safe to repeat. */
export type Action =
  | CreateIdentity
  | CreateConfig
  | { readonly kind: 'remove-config'; readonly config: StoredObject; readonly why: 'old' | 'unused' }
  | { readonly kind: 'remove-secret'; readonly secret: StoredObject }
  | StoreSecret
  | { readonly kind: 'create-service'; readonly desired: DesiredService }
  | { readonly kind: 'update-service'; readonly current: OwnedService; readonly desired: DesiredService }
  | { readonly kind: 'remove-service'; readonly service: OwnedService; readonly why: RemovalReason }
  | RecordRejection
  | RecordForeign
  | RecordSpread
  | ScaleService
  | OfferVersion
  | IntroduceTasks
  | Render;

export type RemovalReason = 'renamed' | 'other-mode' | 'unused' | 'finished';

/** A secret with the identity of a role's tasks. Its content is made when it is created. */
export interface CreateIdentity {
  readonly kind: 'create-identity';
  readonly role: OwnedRole;
  readonly cluster: string;
  readonly name: string;
}

export interface CreateConfig {
  readonly kind: 'create-config';
  readonly cluster: string;
  readonly version: string;
  readonly config: NewObject;
}

/** Stores an encrypted secret as a Docker config. */
export interface StoreSecret {
  readonly kind: 'store-secret';
  readonly cluster: string;
  readonly publicKey: string;
  readonly read: ReadSecret;
}

/** Records on a service that it was rolled back. The reason is read from its failed task. */
export interface RecordRejection {
  readonly kind: 'record-rejection';
  readonly service: OwnedService;
  /** Digest of the rejected specification. */
  readonly spec: string;
}

/** Records on a proxy service which secrets contain no TLS material. */
export interface RecordForeign {
  readonly kind: 'record-foreign';
  readonly service: OwnedService;
  readonly labels: Readonly<Record<string, string>>;
  /** Names of the secrets that were found now. */
  readonly found: readonly string[];
}

/** Records on a proxy service how far spreading is. */
export interface RecordSpread {
  readonly kind: 'record-spread';
  readonly service: OwnedService;
  readonly labels: Readonly<Record<string, string>>;
}

/** Starts or removes a replica to spread the others. */
export interface ScaleService {
  readonly kind: 'scale-service';
  readonly service: OwnedService;
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly tries: number;
}

export interface OfferVersion {
  readonly kind: 'offer-version';
  /** Name of the extension service. */
  readonly service: string;
  readonly offer: ClusterOffer;
  /** New replicas start with the version in any case, so a failure does not matter. */
  readonly isOptional: boolean;
}

/** Sends an extension the tasks of its proxies. If it does not accept them, the next pass sends them again. */
export interface IntroduceTasks {
  readonly kind: 'introduce-tasks';
  readonly service: string;
  readonly cluster: string;
  readonly tasks: readonly TaskAddresses[];
}

export interface Render {
  readonly kind: 'render';
  readonly service: string;
  readonly input: RenderInput;
  readonly permissions: Permissions;
  /** The version that the replicas were started for, if they can load the new one in place. */
  readonly boot: string | undefined;
}

/** The ID of a secret or config that an earlier action of the same pass creates. */
export const PENDING_ID = '';
