import { isTraefikLabel } from '../../compose/other-routers.ts';
import type { ForeignLabel, ForeignService } from '../foreign-label.ts';

/** The fields of a router, service or middleware, by path below its name, in lower case. */
export type Fields = ReadonlyMap<string, ForeignLabel>;

export interface TraefikService {
  readonly name: string;
  readonly isEnabled: boolean;
  readonly network: ForeignLabel | undefined;
  readonly usesVirtualAddress: boolean;
  readonly routers: ReadonlyMap<string, Fields>;
  readonly tcpRouters: ReadonlyMap<string, Fields>;
  readonly services: ReadonlyMap<string, Fields>;
  readonly tcpServices: ReadonlyMap<string, Fields>;
  readonly middlewares: ReadonlyMap<string, Fields>;
  /** Labels with the prefix of Traefik that are none of these. */
  readonly unknown: readonly ForeignLabel[];
}

const GROUPS: readonly (readonly [prefix: string, group: Group])[] = [
  ['traefik.http.routers.', 'routers'],
  ['traefik.http.services.', 'services'],
  ['traefik.http.middlewares.', 'middlewares'],
  ['traefik.tcp.routers.', 'tcpRouters'],
  ['traefik.tcp.services.', 'tcpServices'],
];

type Group = 'routers' | 'services' | 'middlewares' | 'tcpRouters' | 'tcpServices';

/** Sorts the labels of a service. Traefik reads their names without regard to case. */
export function readTraefikLabels({ name, labels }: ForeignService): TraefikService {
  const groups = {
    routers: new Map(),
    services: new Map(),
    middlewares: new Map(),
    tcpRouters: new Map(),
    tcpServices: new Map(),
  };
  const settings = new Map<string, ForeignLabel>();
  const unknown: ForeignLabel[] = [];
  for (const label of labels.filter(({ name }) => isTraefikLabel(name))) {
    const written = label.name.toLowerCase();
    const [prefix, group] = GROUPS.find(([start]) => written.startsWith(start)) ?? [];
    if (prefix !== undefined && group !== undefined) addField(groups[group], written.slice(prefix.length), label);
    else if (SETTINGS.includes(written)) settings.set(written, label);
    else unknown.push(label);
  }
  const setting = (...names: readonly string[]) => names.flatMap((each) => settings.get(each) ?? [])[0];
  return {
    name,
    isEnabled: !isFalse(setting('traefik.enable')?.value),
    network: setting('traefik.swarm.network', 'traefik.docker.network'),
    usesVirtualAddress: isTrue(setting('traefik.swarm.lbswarm', 'traefik.docker.lbswarm')?.value),
    ...groups,
    unknown,
  };
}

const SETTINGS = [
  'traefik.enable',
  'traefik.swarm.network',
  'traefik.docker.network',
  'traefik.swarm.lbswarm',
  'traefik.docker.lbswarm',
];

function addField(group: Map<string, Map<string, ForeignLabel>>, path: string, label: ForeignLabel): void {
  const dot = path.indexOf('.');
  const owner = dot < 0 ? path : path.slice(0, dot);
  const fields = group.get(owner) ?? new Map<string, ForeignLabel>();
  group.set(owner, fields.set(dot < 0 ? '' : path.slice(dot + 1), label));
}

export function isTrue(value: string | undefined): boolean {
  return ['true', '1', 't'].includes(value?.toLowerCase() ?? '');
}

export function isFalse(value: string | undefined): boolean {
  return ['false', '0', 'f'].includes(value?.toLowerCase() ?? '');
}

export function listOf(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
