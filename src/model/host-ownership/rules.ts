import type { Host } from '../hosts/host.ts';
import { covers, fixedEnd, overlap, parentsOf } from '../hosts/host-overlap.ts';
import type { CoreSettings } from '../settings/keys.ts';
import { type Claim, nameOf, type Refusal, type Verdict } from './claim.ts';

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

export function createJudge({ mode, patterns }: HostRules, managers: readonly (readonly [string, Host])[]): Judge {
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
