/** The environment variables that the controller sets on the services of proxies and of the jobs that read secrets. */
export const variables = {
  cluster: 'SIGNALBOX_CLUSTER',
  /** Name of the extension's service. */
  extension: 'SIGNALBOX_EXTENSION',
  extensionAddress: 'SIGNALBOX_EXTENSION_ADDRESS',
  allowedText: 'SIGNALBOX_ALLOWED_TEXT',
  /** Subnets of the control network, separated by spaces, on which an agent serves metrics without a token. */
  metricsSubnets: 'SIGNALBOX_METRICS_SUBNETS',
  boot: 'SIGNALBOX_BOOT',
  configPath: 'SIGNALBOX_CONFIG_PATH',
  reloadIntervalMs: 'SIGNALBOX_RELOAD_INTERVAL_MS',
  task: 'SIGNALBOX_TASK',
  /** Public key of the cluster's proxies. */
  recipient: 'SIGNALBOX_RECIPIENT',
  secrets: 'SIGNALBOX_SECRETS',
} as const;
