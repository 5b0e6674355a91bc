import { memoizeLast } from '../../lib/memo.ts';
import { networksOf } from '../joined-networks.ts';
import { extensionNames } from '../names.ts';
import type { RoutedService } from '../parse-service.ts';
import { type Problem, shownValue } from '../problem.ts';
import { compareOwners, compareText, type RouteOwner } from '../route.ts';
import type { Cluster } from '../settings/clusters.ts';
import type { NameClaim, OwnedService, SwarmNetwork, SwarmService } from '../snapshot.ts';
import { nameLost, nameTakenOver } from './alias-problems.ts';

/**
 * Network aliases and host names that take over DNS names which the proxies query. For a name `a.b.c` Docker's DNS looks up `a.b.c` in all
 * networks of the proxy, then `a.b` in network `c`, then `a` in network `b.c`, and stops at the first that exists. In one network, all
 * services with that name are mixed. An alias `x` creates two names: `x` and `tasks.x`. See docs/security.md.
 */

/** The alias that `docker stack deploy` gives a service: its name in the compose file. */
export function stackAlias({ name, labels }: Pick<SwarmService, 'name' | 'labels'>): string | undefined {
  const prefix = `${labels['com.docker.stack.namespace']}_`;
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
}

interface Claim extends NameClaim {
  readonly service: RouteOwner;
  /** Set by `docker stack deploy`, not by the service's owner. */
  readonly isUsual: boolean;
}

/** Host names with templates, which Docker expands for each task. */
interface Pattern {
  readonly claim: Claim;
  readonly matches: (name: string) => boolean;
  /** The template can become any name. */
  readonly isUnclear: boolean;
}

export interface Claims {
  readonly byName: ReadonlyMap<string, readonly Claim[]>;
  readonly patterns: readonly Pattern[];
}

/** A claim to a name that the proxies query for another service, or for the extension. */
interface Takeover {
  readonly claim: Claim;
  readonly networkId: string;
  /** Undefined for the extension. */
  readonly victim: RoutedService | undefined;
  readonly isUnclear: boolean;
}

export interface JudgedNames {
  /** Their routes are closed, so that the proxies do not join a network because of them. */
  readonly closed: ReadonlySet<RoutedService>;
  /** Their names are taken over nevertheless; they must be reached at another address. */
  readonly victims: ReadonlySet<RoutedService>;
  readonly problems: readonly Problem[];
}

const NOTHING: JudgedNames = { closed: new Set(), victims: new Set(), problems: [] };

/** Caches the last index: most changes in the swarm affect no service. */
export function createClaimIndex() {
  return memoizeLast((services: readonly SwarmService[], owned: readonly OwnedService[]): Claims => {
    // Anyone can set the labels of our own services.
    const all = [...services, ...owned.map((service) => ({ createdAt: '', ...service }))];
    const chosen = all.flatMap((service) =>
      (service.claims ?? []).map((claim) => ({ ...claim, service, isUsual: false })),
    );
    const byName = new Map<string, Claim[]>();
    for (const claim of [...services.flatMap(usualClaim), ...chosen.filter((claim) => !isTemplate(claim))]) {
      const name = claim.name.toLowerCase();
      const known = byName.get(name);
      if (known) known.push(claim);
      else byName.set(name, [claim]);
    }
    return { byName, patterns: chosen.filter(isTemplate).map((claim) => toPattern(claim, claim.service.labels)) };
  });
}

function usualClaim(service: SwarmService): Claim[] {
  const name = stackAlias(service);
  return name === undefined ? [] : [{ kind: 'alias', name, networkIds: service.networkIds, service, isUsual: true }];
}

function isTemplate({ kind, name }: NameClaim): boolean {
  return kind === 'hostname' && name.includes('{{');
}

const KNOWN_PLACEHOLDERS = /^\.(Node\.(ID|Hostname|Platform\.(Architecture|OS))|Task\.(ID|Slot))$/;

function toPattern(claim: Claim, labels: Readonly<Record<string, string>>): Pattern {
  const { id, name } = claim.service;
  let isUnclear = false;
  const source = claim.name.split(/(\{\{.*?\}\})/s).map((part) => {
    const action = /^\{\{(.*)\}\}$/s.exec(part)?.[1]?.trim();
    if (action === undefined) return quoted(part);
    if (action === '.Service.Name') return quoted(name);
    if (action === '.Service.ID') return quoted(id);
    if (action === '.Task.Name') return `${quoted(name)}\\.[a-z0-9.]+`;
    if (KNOWN_PLACEHOLDERS.test(action)) return '[a-z0-9_-]+';
    const label = /^index \.Service\.Labels "([^"\\]*)"$/.exec(action)?.[1];
    if (label !== undefined) return quoted(labels[label] ?? '');
    isUnclear = true;
    return '.*';
  });
  const expression = new RegExp(`^${source.join('')}$`, 'is');
  return { claim, matches: (wanted) => isUnclear || expression.test(wanted), isUnclear };
}

function quoted(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9]/g, String.raw`\$&`);
}

interface Surroundings {
  readonly networks: ReadonlyMap<string, SwarmNetwork>;
  /** Networks that the proxies join regardless of the routes. */
  readonly alwaysJoined: readonly string[];
  /** Networks that the proxies are attached to at present. */
  readonly attached: ReadonlySet<string>;
  readonly claims: Claims;
}

/**
 * Closes services that claim a name without any other purpose, or that are newer than the service whose name they claim. Services whose names are
 * taken over in the remaining networks must be reached without their names.
 */
export function judgeNames(
  cluster: Cluster,
  routed: readonly RoutedService[],
  surroundings: Surroundings,
): JudgedNames {
  const { networks, alwaysJoined, attached, claims } = surroundings;
  const joinedBy = (services: readonly RoutedService[]) =>
    new Set([...alwaysJoined, ...networksOf(services, attached)]);
  const possible = joinedBy(routed);
  const find = (query: Query, victim?: RoutedService) => takeoversOf(query, victim, claims, possible);
  const takeovers = [
    ...(cluster.settings.HitlessServiceUpdate
      ? extensionNames(cluster.settings.ServiceName).flatMap((name) => find({ name, networkId: undefined }))
      : []),
    ...routed.flatMap((victim) => queriesFor(victim, networks).flatMap((query) => find(query, victim))),
  ];
  if (takeovers.length === 0) return NOTHING;
  const claimants = new Set(takeovers.filter(closesClaimant).map(({ claim }) => claim.service.id));
  const closed = new Set(routed.filter(({ route }) => claimants.has(route.service.id)));
  const joined = joinedBy(routed.filter((service) => !closed.has(service)));
  const remaining = takeovers.filter(
    ({ networkId, victim }) => joined.has(networkId) && (victim === undefined || !closed.has(victim)),
  );
  const victims = new Set(
    remaining.flatMap(({ victim, isUnclear }) => (isUnclear && !victim?.virtualAddress ? [] : (victim ?? []))),
  );
  const closedIds = new Set([...closed].map(({ route }) => route.service.id));
  const isClosed = (id: string) => closedIds.has(id);
  const describe = { cluster: cluster.name, networks, isClosed, remaining: new Set(remaining) };
  return {
    closed,
    victims,
    problems: [...claimantProblems(takeovers, describe), ...victimProblems(remaining, describe)],
  };
}

interface Query {
  /** In lower case. */
  readonly name: string;
  /** Looked up in this network only; undefined is all of the proxy's networks. */
  readonly networkId: string | undefined;
}

function queriesFor({ route, networkId }: RoutedService, networks: ReadonlyMap<string, SwarmNetwork>): Query[] {
  const peers = route.backend.kind === 'peers' ? route.backend.peers : [];
  const suffix = `.${networks.get(networkId ?? '')?.name}`.toLowerCase();
  return peers
    .filter(({ resolve }) => resolve)
    .flatMap(({ address }) => {
      const name = address.toLowerCase();
      const inNetwork = name.endsWith(suffix) ? [{ name: name.slice(0, -suffix.length), networkId }] : [];
      return [{ name, networkId: undefined }, ...inNetwork];
    });
}

const TASKS = 'tasks.';

function takeoversOf(
  { name, networkId }: Query,
  victim: RoutedService | undefined,
  { byName, patterns }: Claims,
  joined: ReadonlySet<string>,
): Takeover[] {
  const found = [
    ...(byName.get(name) ?? []),
    ...(name.startsWith(TASKS) ? (byName.get(name.slice(TASKS.length)) ?? []).filter(isAlias) : []),
  ];
  const expanded = patterns.filter(({ matches }) => name.includes('.') && matches(name));
  if (found.length === 0 && expanded.length === 0) return [];
  return [...found.map((claim) => ({ claim, isUnclear: false })), ...expanded]
    .filter(({ claim }) => claim.service.id !== victim?.route.service.id)
    .flatMap(({ claim, isUnclear }) =>
      claim.networkIds
        .filter((id) => (networkId === undefined ? joined.has(id) : id === networkId))
        .map((id) => ({ claim, networkId: id, victim, isUnclear })),
    );
}

function isAlias({ kind }: NameClaim): boolean {
  return kind === 'alias';
}

/**
 * A service must not be able to close an older one by taking a name that is an alias of the older one. Names that begin with `tasks.` are reserved by
 * Docker.
 */
function closesClaimant({ claim, victim }: Takeover): boolean {
  if (claim.isUsual) return false;
  if (victim === undefined || claim.name.toLowerCase().startsWith(TASKS)) return true;
  return claim.name.includes('.') && compareOwners(claim.service, victim.route.service) > 0;
}

interface Described {
  readonly cluster: string;
  readonly networks: ReadonlyMap<string, SwarmNetwork>;
  readonly isClosed: (serviceId: string) => boolean;
  /** Takeovers in networks that the proxies join. */
  readonly remaining: ReadonlySet<Takeover>;
}

/** One for each claim and network. */
function claimantProblems(takeovers: readonly Takeover[], described: Described): Problem[] {
  const { cluster, networks, isClosed, remaining } = described;
  const byClaim = Map.groupBy(
    takeovers.filter(({ claim }) => !claim.isUsual),
    ({ claim, networkId }) => JSON.stringify([claim.service.id, claim.kind, claim.name, networkId]),
  );
  return [...byClaim.values()].map((same) => {
    const [{ claim, networkId, isUnclear }] = same as [Takeover];
    const network = networks.get(networkId)?.name ?? networkId;
    const owners = [...new Set(same.map(({ victim }) => ownerOf(victim)))].toSorted(compareText);
    const others = owners.length > 1 ? ` and ${owners.length - 1} more` : '';
    const subject = `${claim.kind === 'alias' ? 'network alias' : 'host name'} on network ${network}`;
    const verb = isUnclear ? 'is a template that can become' : 'takes over';
    const consequences = [
      ...(isClosed(claim.service.id) ? ['the routes of this service are closed'] : []),
      ...(same.some((takeover) => remaining.has(takeover) && takeover.victim)
        ? ['those services are reached without their DNS name']
        : []),
    ];
    return {
      ...nameTakenOver(
        [`${subject} ${verb} a DNS name of ${owners[0]}${others}`, ...consequences].join('; '),
        claim.kind === 'alias'
          ? `Remove the alias from network ${network}, or use one without dots that is not a service name.`
          : 'Remove the host name, or use one without dots and templates.',
      ),
      service: claim.service.name,
      cluster,
      value: shownValue(claim.name),
    };
  });
}

function ownerOf(victim: RoutedService | undefined): string {
  return victim === undefined ? 'the extension' : `service ${victim.route.service.name}`;
}

/** A template that can become any name is reported for its own service only. */
function victimProblems(remaining: readonly Takeover[], { cluster, networks }: Described): Problem[] {
  return remaining.flatMap(({ claim, networkId, victim, isUnclear }) => {
    if (victim === undefined || isUnclear) return [];
    const { service } = victim.route;
    const network = networks.get(networkId)?.name ?? networkId;
    const isReached = victim.virtualAddress !== undefined;
    const name = `${claim.kind === 'alias' ? 'an alias' : 'the host name'} of service ${claim.service.name}`;
    const consequence = isReached
      ? 'so requests are sent to the virtual address of the service, and sticky sessions have no effect'
      : 'and the service has no virtual address (endpoint mode dnsrr), so its routes are closed';
    return {
      ...nameLost(
        `is ${name} on network ${network}, where it takes over a DNS name of this service, ${consequence}`,
        `Remove it from service ${claim.service.name}, or give one of the services another name or network.`,
      ),
      severity: isReached ? 'warning' : 'error',
      service: service.name,
      cluster,
      value: shownValue(claim.name),
    } as const;
  });
}
