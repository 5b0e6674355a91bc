import { memoize, memoizeLast, sameItems } from '../lib/memo.ts';
import { changesBetween, createSorter } from '../lib/sorter.ts';
import { type Host, parseHost } from './host.ts';
import { covers, fixedEnd, overlap, parentsOf } from './host-overlap.ts';
import type { RoutedService } from './parse-service.ts';
import type { Problem } from './problem.ts';
import { compareRoutes, compareText, labelName, type Route, routeName, withHosts } from './route.ts';
import type { CoreSettings } from './settings-keys.ts';
import type { SwarmNode } from './snapshot.ts';

/** The settings that decide who may claim which hosts. */
export interface HostRules {
  readonly mode: CoreSettings['HostsMode'];
  readonly patterns: readonly HostPattern[];
}

export interface HostPattern {
  /** Undefined for the default backend. */
  readonly host: Host | undefined;
  /** As written in the settings. */
  readonly key: string;
  /** Names of stacks and services. */
  readonly owners: readonly string[];
}

/** A rejected host of a route; the rest of the route is kept. */
export interface RejectedClaim {
  readonly service: string;
  readonly serviceCluster: string;
  /** Undefined for the default backend. */
  readonly host: Host | undefined;
  readonly path: string;
  readonly problem: Problem;
}

export interface Ownership {
  /** Without the rejected hosts; routes without any host are left out. The same objects if nothing is rejected. */
  readonly routed: readonly RoutedService[];
  readonly refused: readonly RejectedClaim[];
  /** For owners, about claims of other owners. */
  readonly notices: readonly Problem[];
}

export type DecideOwnership = (
  routed: readonly RoutedService[],
  rules: HostRules,
  nodes: readonly SwarmNode[],
) => Ownership;

/** Caches the decisions about unchanged services. */
export function createOwnership(): DecideOwnership {
  const sortByAge = createSorter((a: RoutedService, b: RoutedService) => compareRoutes(a.route, b.route));
  const takenByOthers = createTakenByOthers();
  const claimsUnder = memoizeLast((rules: HostRules, managers: string) => new Claims(rules, JSON.parse(managers)));
  return (routed, rules, nodes) => {
    const claims = claimsUnder(rules, namesOfManagers(nodes));
    claims.update(routed);
    const taken = rules.mode === 'first' ? takenByOthers(sortByAge(routed).flatMap(claims.free)) : [];
    const refusals = [
      ...claims.refusals,
      ...taken.map(({ claim, holder }) => ({ claim, ...belongsTo(holder, claim) })),
    ].toSorted(byAge);
    const byService = Map.groupBy(refusals, ({ claim }) => claim.service);
    return {
      routed: refusals.length === 0 ? routed : routed.flatMap((service) => without(service, byService.get(service))),
      refused: refusals.map(toRejectedClaim),
      notices: [...taken.map(noticeOf), ...claims.shared.flatMap(noticesOf)],
    };
  };
}

function byAge({ claim: a }: Refusal, { claim: b }: Refusal): number {
  return compareRoutes(a.service.route, b.service.route);
}

/** One host of a service, or the default backend. */
interface Claim {
  readonly service: RoutedService;
  readonly host: Host | undefined;
  /** `stack shop`, or `service web` outside stacks: the owner of the host. */
  readonly owner: string;
}

interface Refusal extends Pick<Problem, 'reason' | 'remedy'> {
  readonly claim: Claim;
}

/** `free` is decided by the mode. */
type Verdict = 'free' | 'listed' | Omit<Refusal, 'claim'>;

const claimsOf = memoize((service: RoutedService): Claim[] => {
  const { hosts, isDefault } = service.route;
  const owner = ownerOf(service);
  return [...hosts, ...(isDefault ? [undefined] : [])].map((host) => ({ service, host, owner }));
});

function ownerOf({ stack, route }: RoutedService): string {
  return stack === '' ? `service ${route.service.name}` : `stack ${stack}`;
}

/** The verdicts of the settings on each claim, updated incrementally from one list of services to the next. */
class Claims {
  readonly free: (service: RoutedService) => Claim[];
  readonly #isShared: boolean;
  readonly #refused: (service: RoutedService) => Refusal[];
  #services: readonly RoutedService[] = [];
  readonly #closed = new Set<RoutedService>();
  /** Claims of mode open, by cluster and host. */
  readonly #byHost = new Map<string, Set<Claim>>();
  readonly #shared = new Set<ReadonlySet<Claim>>();

  constructor(rules: HostRules, managers: readonly (readonly [string, Host])[]) {
    const judge = createJudge(rules, managers);
    const judged = memoize((service: RoutedService) =>
      claimsOf(service).map((claim) => ({ claim, verdict: judge(claim) })),
    );
    this.#isShared = rules.mode === 'open';
    this.free = memoize((service) =>
      judged(service).flatMap(({ claim, verdict }) => (verdict === 'free' ? [claim] : [])),
    );
    this.#refused = memoize((service) =>
      judged(service).flatMap(({ claim, verdict }) => (typeof verdict === 'string' ? [] : [{ claim, ...verdict }])),
    );
  }

  update(services: readonly RoutedService[]): void {
    const { removed, added } = changesBetween(this.#services, services);
    this.#services = services;
    for (const service of removed) this.#forget(service);
    for (const service of added) this.#add(service);
  }

  get refusals(): Refusal[] {
    return [...this.#closed].flatMap(this.#refused);
  }

  /** Claims of the same host. */
  get shared(): ReadonlySet<Claim>[] {
    return [...this.#shared];
  }

  #add(service: RoutedService): void {
    if (this.#refused(service).length > 0) this.#closed.add(service);
    if (!this.#isShared) return;
    for (const claim of this.free(service)) {
      const key = placeOf(claim);
      const same = this.#byHost.get(key) ?? new Set();
      this.#byHost.set(key, same.add(claim));
      if (same.size > 1) this.#shared.add(same);
    }
  }

  #forget(service: RoutedService): void {
    this.#closed.delete(service);
    if (!this.#isShared) return;
    for (const claim of this.free(service)) {
      const key = placeOf(claim);
      const same = this.#byHost.get(key);
      same?.delete(claim);
      if (same && same.size < 2) this.#shared.delete(same);
      if (same?.size === 0) this.#byHost.delete(key);
    }
  }
}

function placeOf({ service, host }: Claim): string {
  return `${service.serviceCluster} ${host?.kind} ${host?.name}`;
}

// What the settings say.

/** The settings' rule about claims of one host. */
interface Rule {
  readonly host: Host;
  readonly owners: readonly string[];
  /** As shown in messages. */
  readonly key: string;
  /** The manager with this name or address. */
  readonly manager?: string;
}

type Judge = (claim: Claim) => Verdict;

function createJudge({ mode, patterns }: HostRules, managers: readonly (readonly [string, Host])[]): Judge {
  const listed = patterns.flatMap(({ host, key, owners }): Rule[] => (host ? [{ host, key, owners }] : []));
  const ofManagers = managers.map(([manager, host]): Rule => ({ host, key: host.name, owners: [], manager }));
  // Settings take precedence over built-in rules.
  const rules = new Map([...ofManagers, ...listed].map((rule) => [identityOf(rule.host), rule]));
  const fallback = patterns.find(({ host }) => host === undefined);
  const judgeDefault = (claim: Claim): Verdict => {
    if (fallback) return isListed(fallback, claim) ? 'listed' : notListed('*', claim.owner);
    return mode === 'open' ? 'free' : defaultUnlisted(mode, claim.owner);
  };
  return (claim) => {
    const { host, owner } = claim;
    if (host === undefined) return judgeDefault(claim);
    const rule = mostSpecific(rules, host);
    if (rule) return isListed(rule, claim) ? 'listed' : refusalBy(rule, owner);
    const touched = othersWithin(rules, host).find((other) => !isListed(other, claim));
    if (touched) return touches(touched, host, owner);
    return mode === 'listed' ? unlisted(owner) : 'free';
  };
}

function isListed({ owners }: Pick<Rule, 'owners'>, { service: { route, stack } }: Claim): boolean {
  return owners.includes(route.service.name) || owners.includes(stack);
}

type Rules = ReadonlyMap<string, Rule>;

function identityOf({ kind, name }: Host): string {
  return `${kind} ${name}`;
}

/** The most specific of the rules that cover all names of the host. */
function mostSpecific(rules: Rules, host: Host): Rule | undefined {
  const same = rules.get(identityOf(host));
  if (same) return same;
  const [nearest] = parentsOf(fixedEnd(host)).flatMap((parent) => rules.get(`wildcard *.${parent}`) ?? []);
  if (nearest) return nearest;
  return [...rules.values()].find((rule) => rule.host.kind === 'regex' && covers(rule.host, host));
}

/** Rules about some of the host's names. An exact host has only one name. */
function othersWithin(rules: Rules, host: Host): Rule[] {
  return host.kind === 'exact' ? [] : [...rules.values()].filter((rule) => overlap(rule.host, host));
}

function refusalBy(rule: Rule, owner: string): Omit<Refusal, 'claim'> {
  return rule.manager === undefined ? notListed(rule.key, owner) : ofManager(rule, owner);
}

function notListed(key: string, owner: string) {
  return {
    reason: `[Hosts] in the settings does not list ${owner} for "${key}", so its claim is ignored`,
    remedy: `Add ${nameOf(owner)} to Hosts."${key}", or choose another host.`,
  };
}

function ofManager({ key, manager }: Rule, owner: string) {
  return {
    reason: `${key} is a name or address of the manager ${manager}, so the claim of ${owner} is ignored`,
    remedy: `Choose another host, or add ${nameOf(owner)} to Hosts."${key}" in the settings.`,
  };
}

function touches({ key, manager }: Rule, { kind, name }: Host, owner: string) {
  const pattern = kind === 'regex' ? `~${name}` : name;
  const what = manager === undefined ? `hosts of "${key}", which [Hosts] lists for others` : `the manager ${manager}`;
  return {
    reason: `${pattern} of ${owner} can match ${what}, so the claim is ignored`,
    remedy: `Choose a narrower host, or add ${nameOf(owner)} to Hosts."${pattern}" in the settings.`,
  };
}

function unlisted(owner: string) {
  return {
    reason: `[Hosts] in the settings does not list these hosts of ${owner}, and HostsMode is listed, so the claims are ignored`,
    remedy: `List the hosts in [Hosts] for ${nameOf(owner)}.`,
  };
}

function defaultUnlisted(mode: string, owner: string) {
  return {
    reason: `[Hosts] in the settings does not list the default backend, and HostsMode is ${mode}, so the claim of ${owner} is ignored`,
    remedy: `Add "*" = ["${nameOf(owner)}"] to [Hosts].`,
  };
}

function nameOf(owner: string): string {
  return owner.slice(owner.indexOf(' ') + 1);
}

/** Cookies ignore ports: an application on a manager's name would receive those of the admin page. */
const namesOfManagers = memoize((nodes: readonly SwarmNode[]): string => {
  const names = nodes
    .filter(({ role }) => role === 'manager')
    .toSorted((a, b) => compareText(a.id, b.id))
    .flatMap(({ name, address = '' }) => {
      const addresses = address.includes(':') ? [`[${address}]`] : [address, `[::ffff:${address}]`];
      const hosts = [name, ...addresses].map(parseHost).filter((host) => typeof host !== 'string');
      return hosts.filter(({ kind }) => kind === 'exact').map((host) => [name, host]);
    });
  return JSON.stringify(names);
});

// HostsMode first.

interface Taken {
  readonly claim: Claim;
  readonly holder: Claim;
}

/** Claims of names that an older claim of another owner can match too. The oldest come first. Compared again if hosts or owners have changed. */
function createTakenByOthers(): (claims: readonly Claim[]) => Taken[] {
  let last: { readonly identities: readonly string[]; readonly taken: readonly Positions[] } | undefined;
  return (claims) => {
    const identities = claims.map(identityOfClaim);
    if (!last || !sameItems(last.identities, identities)) last = { identities, taken: findTaken(claims) };
    return last.taken.map(({ claim, holder }) => ({ claim: claims[claim]!, holder: claims[holder]! }));
  };
}

const identityOfClaim = memoize(({ owner, host }: Claim) => `${owner} ${host?.kind} ${host?.name}`);

interface Positions {
  readonly claim: number;
  readonly holder: number;
}

function findTaken(claims: readonly Claim[]): Positions[] {
  const holders = new Holders();
  const positions = new Map(claims.map((claim, position) => [claim, position]));
  return claims.flatMap((claim, position) => {
    const holder = holders.against(claim);
    if (holder !== undefined) return [{ claim: position, holder: positions.get(holder)! }];
    holders.add(claim);
    return [];
  });
}

/** The accepted claims so far. */
class Holders {
  readonly #exact = new Map<string, Claim>();
  /** By parent domain. */
  readonly #wildcard = new Map<string, Claim>();
  /** By parent domain: at most two, of different owners. */
  readonly #below = new Map<string, readonly Claim[]>();
  readonly #regex: Claim[] = [];

  against({ host, owner }: Claim): Claim | undefined {
    const isOther = (claim: Claim | undefined) => claim !== undefined && claim.owner !== owner;
    if (host === undefined) return undefined;
    const matching = (claim: Claim) => isOther(claim) && mayShare(claim.host!, host);
    if (host.kind === 'regex')
      return [...this.#exact.values(), ...this.#wildcard.values(), ...this.#regex].find(matching);
    const parents = parentsOf(host.name);
    const near = host.kind === 'exact' ? [this.#exact.get(host.name)] : (this.#below.get(parents[0]!) ?? []);
    return (
      near.find(isOther) ??
      parents.map((parent) => this.#wildcard.get(parent)).find(isOther) ??
      this.#regex.find(matching)
    );
  }

  add(claim: Claim): void {
    const { host, owner } = claim;
    if (host === undefined) return;
    if (host.kind === 'regex') {
      this.#regex.push(claim);
      return;
    }
    const [parent, ...others] = parentsOf(host.name);
    if (host.kind === 'exact') this.#exact.set(host.name, this.#exact.get(host.name) ?? claim);
    else this.#wildcard.set(parent!, this.#wildcard.get(parent!) ?? claim);
    const above = host.kind === 'exact' && parent !== undefined ? [parent, ...others] : others;
    for (const name of above) {
      const known = this.#below.get(name) ?? [];
      if (known.length < 2 && !known.some((other) => other.owner === owner)) this.#below.set(name, [...known, claim]);
    }
  }
}

/** Two expressions are compared only once. For exact names, the literal end usually decides. */
function mayShare(a: Host, b: Host): boolean {
  if (a.kind === 'exact' && !a.name.endsWith(fixedEnd(b))) return false;
  if (b.kind === 'exact' && !b.name.endsWith(fixedEnd(a))) return false;
  return a.kind === 'exact' || b.kind === 'exact' ? overlap(a, b) : overlapOf(a)(b);
}

const overlapOf = memoize((a: Host) => memoize((b: Host) => overlap(a, b)));

function belongsTo(holder: Claim, { owner }: Claim) {
  return {
    reason: `${holder.owner} claimed these hosts first, so the claims of ${owner} are ignored`,
    remedy: `Choose other hosts, or list ${nameOf(owner)} for them in [Hosts] in the settings.`,
  };
}

function noticeOf({ claim, holder }: Taken): Problem {
  return problemOf(holder, {
    severity: 'notice',
    reason: `${claim.owner} also claims hosts of ${holder.owner}; its claims are ignored`,
    remedy: 'Your routes are not affected. To share the hosts, list both owners in [Hosts] in the settings.',
  });
}

// HostsMode open.

/** Services without a stack may belong together. */
function noticesOf(claims: ReadonlySet<Claim>): Problem[] {
  const owners = [...new Set([...claims].map(({ owner }) => owner))].toSorted(compareText);
  if (owners.length < 2 || [...claims].every(({ service }) => service.stack === '')) return [];
  const notice = {
    severity: 'notice',
    reason: `${inWords(owners)} claim the same hosts and share their requests`,
    remedy:
      'If this is not intended, choose another host. To restrict who may claim a host, use [Hosts] in the settings.',
  } as const;
  return [...claims].map((claim) => problemOf(claim, notice));
}

const NAMED = 3;

function inWords(owners: readonly string[]): string {
  const named = owners.slice(0, NAMED);
  if (owners.length > NAMED) return `${named.join(', ')} and ${owners.length - NAMED} more`;
  return `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`;
}

// Results.

function toRejectedClaim({ claim, reason, remedy }: Refusal): RejectedClaim {
  const { service, host } = claim;
  const { route, serviceCluster } = service;
  const problem = problemOf(claim, { severity: 'error', reason, remedy });
  return { service: route.service.name, serviceCluster, host, path: route.path, problem };
}

function problemOf(
  { service: { route }, host }: Claim,
  what: Pick<Problem, 'severity' | 'reason' | 'remedy'>,
): Problem {
  const { name: service } = route.service;
  const label = labelName(host === undefined ? 'default_backend' : 'hosts', route.labels);
  const { severity, ...others } = what;
  return { severity, service, label, ...others, affects: [{ service, label, routes: [routeName(host, route.path)] }] };
}

function without(service: RoutedService, refusals: readonly Refusal[] | undefined): RoutedService[] {
  return refusals === undefined ? [service] : rest(service)(new Set(refusals.map(({ claim }) => claim.host)));
}

/** The remaining part of a service. The same hosts return the same object, so that it counts as unchanged. */
const rest = memoize((service: RoutedService) =>
  rememberByHosts(service.route, (refused) => {
    const route = restOfRoute(service.route)(refused);
    return route.hosts.length === 0 && !route.isDefault ? [] : [{ ...service, route }];
  }),
);

/** A service that is parsed again may have the same route. */
const restOfRoute = memoize((route: Route) =>
  rememberByHosts(route, (refused): Route => {
    const hosts = route.hosts.filter((host) => !refused.has(host));
    return withHosts(route, hosts, route.isDefault && !refused.has(undefined));
  }),
);

function rememberByHosts<T>({ hosts }: Route, make: (refused: ReadonlySet<Host | undefined>) => T) {
  let last: { readonly key: string; readonly value: T } | undefined;
  return (refused: ReadonlySet<Host | undefined>): T => {
    const key = JSON.stringify([undefined, ...hosts].map((host) => refused.has(host)));
    if (last?.key !== key) last = { key, value: make(refused) };
    return last.value;
  };
}
