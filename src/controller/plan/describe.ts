import { fileLabel, versionLabel } from '../../model/names.ts';
import type { Action } from './actions.ts';

const WHY = {
  renamed: 'it has another name in the settings',
  'other-mode': 'Swarm cannot change the mode of a service',
  unused: 'its cluster is disabled or removed',
  finished: 'it has read the secrets, or nothing is left to read',
} as const;

/** An action in plain words. */
export function describe(action: Action): string {
  switch (action.kind) {
    case 'create-identity':
      return `Issue a certificate for the ${action.role} and store it in the secret ${action.name}.`;
    case 'create-config':
      return `Store ${action.config.labels[fileLabel] ?? 'a file'} of version ${action.version} in the config ${action.config.name}.`;
    case 'remove-config':
      return `Remove the config ${action.config.name}: ${action.why === 'old' ? 'no kept version uses it' : 'its cluster is disabled or removed'}.`;
    case 'remove-secret':
      return `Remove the secret ${action.secret.name}: its cluster is disabled or removed.`;
    case 'store-secret':
      return `Store the secret ${action.read.facts.name}, encrypted for the proxies, in a config.`;
    case 'create-service':
      return `Create the service ${action.desired.name}${forVersion(action.desired.labels)}.`;
    case 'update-service':
      return `Update the service ${action.desired.name}${forVersion(action.desired.labels)}: Swarm replaces its tasks if that is necessary.`;
    case 'remove-service':
      return `Remove the service ${action.service.name}: ${WHY[action.why]}.`;
    case 'record-rejection':
      return `Record on the service ${action.service.name} that it was rolled back, and retry later.`;
    case 'record-foreign':
      return `Record on the service ${action.service.name} that these secrets contain no TLS material: ${action.found.join(', ')}.`;
    case 'record-spread':
      return `Record on the service ${action.service.name} that spreading its replicas has ended.`;
    case 'scale-service':
      return `Scale the service ${action.service.name} to ${action.replicas} replicas, to spread them over the nodes.`;
    case 'offer-version':
      return `Offer version ${action.offer.version} to the proxies through the extension ${action.service}.`;
    case 'introduce-tasks':
      return `Send the ${action.tasks.length} tasks of the proxies to the extension ${action.service}.`;
    case 'render':
      return `Request a configuration from the extension ${action.service}.`;
  }
}

function forVersion(labels: Readonly<Record<string, string>>): string {
  const version = labels[versionLabel];
  return version === undefined ? '' : ` for version ${version}`;
}
