/** Names that other tools and later releases rely on. Those with `com.docker` are Interlock's. */
export const roleLabel = 'com.signalbox.role';
export const clusterLabel = 'com.signalbox.cluster';
/** On the config object of a main file: the digest of the whole configuration. */
export const versionLabel = 'com.signalbox.version';
/** Beside it: digests of the other files, which versions share, by which their config objects are named; separated by spaces. */
export const partsLabel = 'com.signalbox.parts';
/** On config objects: the path of the file, relative to the folder of the main one. */
export const fileLabel = 'com.signalbox.file';
/** On owned services: digest of what the controller last asked for as a whole. */
export const specLabel = 'com.signalbox.spec';
/** On owned services: digests of single fields, and names of labels, as last asked for, so that manual changes to others survive. */
export const appliedLabel = 'com.signalbox.applied';
/** On owned services: digest of a specification that was rolled back, why, how often, and when it is tried again (RFC 3339). */
export const refusedLabel = 'com.signalbox.refused';
export const refusedReasonLabel = 'com.signalbox.refused-reason';
export const refusedTimesLabel = 'com.signalbox.refused-times';
export const refusedUntilLabel = 'com.signalbox.refused-until';
export const refusalLabels = [refusedLabel, refusedReasonLabel, refusedTimesLabel, refusedUntilLabel] as const;
/** On proxy services: ids of secrets in which proxies have found no TLS material, separated by spaces. They are not attached again. */
export const foreignLabel = 'com.signalbox.not-tls';
/** On proxy services: what is known of the last attempts to spread replicas over the nodes (JSON). */
export const spreadLabel = 'com.signalbox.spread';
/** On secrets of the control channel: fingerprint of the CA, and end of validity (RFC 3339). */
export const caLabel = 'com.signalbox.ca';
export const expiresLabel = 'com.signalbox.expires';

export const proxyTypeLabel = 'type';
export const proxyTypeValue = 'com.docker.interlock.core.proxy';
export const configPrefix = 'com.docker.interlock.proxy.';

export const controlNetwork = 'signalbox';
/** Between the controllers and the relays that publish the administrator's page; nothing else joins it. */
export const adminNetwork = 'signalbox-admin';
export const adminPort = 9443;
/** Port on which extensions take calls, on the control network alone. */
export const extensionPort = 7443;
/** Where an extension finds its identity. */
export const extensionSecretTarget = 'signalbox-extension';
/** Where the agent in a proxy finds its identity. */
export const proxySecretTarget = 'signalbox-proxy';
/** Where a proxy keeps its last version over restarts: a volume. */
export const versionsFolder = '/var/lib/signalbox';
/** Where the agent writes the version that it has brought to nginx, for the health check. */
export const servingFile = '/tmp/signalbox/serving';
/** The agent writes it now and then: its age tells the health check that the agent hangs. */
export const aliveFile = '/tmp/signalbox/alive';
/** The same of controller and extension, while they make progress. Every container has this folder, even if its stack file mounts no /tmp. */
export const progressFile = '/dev/shm/signalbox-progress';
/** Where the agent finds the token of those who may ask it for metrics: beside the secrets of services, so that it cannot be named as one of them. */
export const metricsTokenPath = '/run/signalbox-metrics-token';
/** Port on which proxies tell their metrics, in all of their networks; never published. */
export const metricsPort = 9146;
export const controllerSecretTarget = 'signalbox-controller';
/** Where the controller finds the passwords of the administrator and of who may only look. */
export const adminPasswordTarget = 'signalbox-admin-password';
export const viewerPasswordTarget = 'signalbox-viewer-password';
/** Where it finds secrets that the settings name; their names follow. */
export const namedSecretPrefix = 'signalbox-named-';

/** Names under which an extension may be found, the safest first: a network alias can take over any of them, but not its identity. */
export function extensionNames(service: string): readonly string[] {
  const qualified = `${service}.${controlNetwork}`;
  return [`tasks.${qualified}`, qualified, `tasks.${service}`, service].map((name) => name.toLowerCase());
}
