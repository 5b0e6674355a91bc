/** What is known of a swarm for a diagnosis. Undefined facts could not be observed. */
export interface DoctorFacts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly nodes: readonly NodeFacts[];
  readonly clusters: readonly ClusterFacts[];
  /** Secrets and configs, except those of Signalbox. */
  readonly objects: readonly ObjectFacts[];
  readonly certificates: readonly CertificateFact[];
  /** The manager on which the controller that answers runs. */
  readonly manager: ManagerFacts;
}

export interface NodeFacts {
  readonly name: string;
  readonly address: string | undefined;
  readonly role: 'manager' | 'worker';
  readonly isReady: boolean;
  /** Version of Docker Engine. */
  readonly engine: string | undefined;
  /** Of managers: whether the others reach it. */
  readonly isReachable: boolean | undefined;
  /** The ports that other nodes use, tried from the controller's manager. */
  readonly ports: readonly PortFact[];
  /** By how much its clock is at least ahead of that of the leading manager; negative if behind. */
  readonly clockAheadMs: number | undefined;
}

export interface PortFact {
  readonly port: number;
  readonly answer: 'open' | 'refused' | 'silent';
}

export interface ClusterFacts {
  readonly name: string;
  readonly publishMode: 'ingress' | 'host';
  readonly hidesAddresses: boolean;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Names of the nodes on which its proxies run, once for each. */
  readonly replicas: readonly string[];
  /** Number of nodes that could run a proxy. */
  readonly eligibleNodes: number;
  /** Services other than its proxies that publish one of its ports. */
  readonly conflicts: readonly { readonly port: number; readonly service: string }[];
}

export interface ObjectFacts {
  readonly kind: 'secret' | 'config';
  readonly name: string;
  readonly createdAt: string;
  /** Whether a service mounts it, or a label or the settings name it. */
  readonly isUsed: boolean;
}

export interface CertificateFact {
  readonly name: string;
  readonly notAfter: number;
  /** Whether Signalbox renews it. */
  readonly isRenewed: boolean;
}

export interface ManagerFacts {
  /** Of the disk with Docker's files. */
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | undefined;
  readonly hasIpvs: boolean | undefined;
  /** `net.core.rmem_default` in bytes. */
  readonly rmemDefault: number | undefined;
}
