/** Names that other tools and later releases depend on. Those with `com.docker` come from Interlock. */
export const roleLabel = 'com.signalbox.role';
export const clusterLabel = 'com.signalbox.cluster';
/** On the config object of a main file: the digest of the whole configuration. */
export const versionLabel = 'com.signalbox.version';
/** Next to it: digests of the other files, which versions share and which name their config objects; separated by spaces. */
export const partsLabel = 'com.signalbox.parts';
/** On config objects: the path of the file, relative to the folder of the main one. */
export const fileLabel = 'com.signalbox.file';
/** On owned services: digest of the last specification that the controller applied. */
export const specLabel = 'com.signalbox.spec';
/** On owned services: digests of single fields and names of labels as last applied, so that manual changes to others are kept. */
export const appliedLabel = 'com.signalbox.applied';
/** On owned services: digest of a specification that was rolled back, why, how often, and when it is retried (RFC 3339). */
export const rejectedLabel = 'com.signalbox.refused';
export const rejectedReasonLabel = 'com.signalbox.refused-reason';
export const rejectedTimesLabel = 'com.signalbox.refused-times';
export const rejectedUntilLabel = 'com.signalbox.refused-until';
export const rejectionLabels = [rejectedLabel, rejectedReasonLabel, rejectedTimesLabel, rejectedUntilLabel] as const;
/** On proxy services: IDs of secrets without TLS material, as found by proxies, separated by spaces. They are not attached again. */
export const foreignLabel = 'com.signalbox.not-tls';
/** On proxy services: state of the last attempts to spread replicas over the nodes (JSON). */
export const spreadLabel = 'com.signalbox.spread';
/** On configs with an encrypted secret: the ID of the secret. */
export const encryptedSecretLabel = 'com.signalbox.secret';
/** Next to it, and on the secret with the private key: the public key of the cluster's proxies. */
export const publicKeyLabel = 'com.signalbox.public-key';
/** On secrets of the control channel: fingerprint of the CA, and expiry (RFC 3339). */
/** Name of the secret with which the service's images are pulled. */
export const registryLabel = 'com.signalbox.registry-secret';
export const caLabel = 'com.signalbox.ca';
export const expiresLabel = 'com.signalbox.expires';

export const proxyTypeLabel = 'type';
export const proxyTypeValue = 'com.docker.interlock.core.proxy';
export const configPrefix = 'com.docker.interlock.proxy.';

export const controlNetwork = 'signalbox';
/** Between the controllers and the relays that publish the admin page; nothing else joins it. */
export const adminNetwork = 'signalbox-admin';
export const adminPort = 9443;
/** Port on which extensions listen, on the control network only. */
export const extensionPort = 7443;
/** Port of the service that orders certificates, on the control network only. */
export const acmePort = 7444;
/** Its name, and the mount target of its identity. */
export const acmeService = 'signalbox-acme';
export const acmeSecretTarget = 'signalbox-acme';
/** Mount target of an extension's identity. */
export const extensionSecretTarget = 'signalbox-extension';
/** Port on which the job that reads secrets listens, on the control network only. */
export const readerPort = 7444;
/** Mount target of its identity. */
export const readerSecretTarget = 'signalbox-reader';
/** Mount target of the identity of a proxy's agent. */
export const proxySecretTarget = 'signalbox-proxy';
/** Mount target of the volume that keeps a proxy's last version across restarts. */
export const versionsFolder = '/var/lib/signalbox';
/** The agent writes the version that nginx has loaded to this file, for the health check. */
export const servingFile = '/tmp/signalbox/serving';
/** The agent writes it regularly: its age shows the health check whether the agent hangs. */
export const aliveFile = '/tmp/signalbox/alive';
/** The same for controller and extension, while they make progress. Every container has this folder, even if its stack file mounts no /tmp. */
export const progressFile = '/dev/shm/signalbox-progress';
/** Path of the token for the agent's metrics. Outside the secrets of services, so that no label can name it. */
export const metricsTokenPath = '/run/signalbox-metrics-token';
/** Port on which proxies and controllers serve metrics, on the control network; proxies also on others if there is a token. Never published. */
export const metricsPort = 9146;
export const controllerSecretTarget = 'signalbox-controller';
/** Mount targets of the passwords of the administrator and the viewer. */
export const adminPasswordTarget = 'signalbox-admin-password';
export const viewerPasswordTarget = 'signalbox-viewer-password';
/** Prefix of the mount targets of secrets named in the settings. */
export const namedSecretPrefix = 'signalbox-named-';

/** Names of an extension, the safest first: a network alias can take over any of them, but not its identity. */
export function extensionNames(service: string): readonly string[] {
  const qualified = `${service}.${controlNetwork}`;
  return [`tasks.${qualified}`, qualified, `tasks.${service}`, service].map((name) => name.toLowerCase());
}
