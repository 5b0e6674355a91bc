import { isUnset } from './label.ts';

/**
 * Labels of the HTTP Routing Mesh of UCP 2, interpreted as UCP's own migration did: each becomes a group of current labels.
 * `com.docker.ucp.mesh.http[.<n>]` = `external_route=http://host,internal_port=80,…`, or in short `80=http://host`.
 */
const HRM_LABEL = /^com\.docker\.ucp\.mesh\.http(?:\.(.+))?$/;

/** On networks: the mesh reached services over networks with this label. */
const HRM_NETWORK_LABEL = 'com.docker.ucp.mesh.http';

/** The network that the mesh created and labeled. */
export const HRM_NETWORK = 'ucp-hrm';

export function isMeshNetwork(labels: Readonly<Record<string, string>>): boolean {
  return labels[HRM_NETWORK_LABEL]?.trim().toLowerCase() === 'true';
}

export function isHrmLabel(label: string): boolean {
  return HRM_LABEL.test(label);
}

export function hasHrmLabels(labels: Readonly<Record<string, string>>): boolean {
  return hrmLabelsOf(labels).length > 0;
}

export function hrmLabelsOf(labels: Readonly<Record<string, string>>): string[] {
  return Object.keys(labels).filter((label) => isHrmLabel(label) && !isUnset(labels[label] ?? ''));
}
