import type { PathPattern } from '../../model/path-pattern.ts';
import type { ForeignLabel, Remark } from '../foreign-label.ts';
import { uniqueByReason } from '../remarks.ts';
import { type Fields, listOf } from './read-labels.ts';
import { type Conjunction, type Matcher, parseRule, RuleError } from './rule.ts';

/** What one alternative of a rule asks for. */
export interface Alternative {
  /** As our label `hosts` writes them. */
  readonly hosts: readonly string[];
  readonly path: string;
  readonly allow: readonly string[];
  /** As our label `match` writes conditions. */
  readonly match: readonly string[];
}

export interface RouterRule {
  readonly alternatives: readonly Alternative[];
  readonly remarks: readonly Remark[];
}

type Reason = readonly [reason: string, remedy: string];

const BY_HAND = 'Convert it by hand, or let the application decide.';

/** The alternatives of a rule. Alternatives that we cannot express are left out, so that nothing is published that was not before. */
export function readRule(rule: ForeignLabel): RouterRule {
  const remarks: Remark[] = [];
  const lose = ([reason, remedy]: Reason) => void remarks.push({ severity: 'error', label: rule, reason, remedy });
  try {
    const alternatives = parseRule(rule.value).flatMap((conjunction) => toAlternative(conjunction, lose) ?? []);
    return { alternatives: mergeHosts(alternatives), remarks: uniqueByReason(remarks) };
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    lose([error.message, 'Write hosts and context_root by hand.']);
    return { alternatives: [], remarks };
  }
}

type Say = (reason: Reason) => void;

function toAlternative(conjunction: Conjunction, lose: Say): Alternative | undefined {
  const byName = Map.groupBy(conjunction, ({ name }) => name.toLowerCase());
  const other = conjunction.find((matcher) => matcher.isNegated || !isKnown(matcher));
  if (other !== undefined) return void lose([`has ${shown(other)}, which has no counterpart`, BY_HAND]);
  const hosts = (['host', 'hostregexp'] as const).flatMap((name) => byName.get(name) ?? []);
  const paths = (['path', 'pathprefix'] as const).flatMap((name) => byName.get(name) ?? []);
  if (hosts.length > 1 || paths.length > 1)
    return void lose(['combines several hosts or paths with &&', 'Write hosts and context_root by hand.']);
  if (hosts.length === 0) return void lose(['has no host', 'Write hosts, or default_backend, by hand.']);
  const [path] = paths;
  if ((path?.args.length ?? 0) > 1)
    return void lose(['has several paths in one matcher', 'Write numbered groups by hand.']);
  return {
    hosts: hosts.flatMap(({ name, args }) => (name.toLowerCase() === 'host' ? args : args.map(toExpression))),
    path: toPattern(path),
    allow: (byName.get('clientip') ?? []).flatMap(({ args }) => args),
    match: conjunction.flatMap((matcher) => toCondition(matcher) ?? []),
  };
}

function toPattern(path: Matcher | undefined): PathPattern {
  const text = path?.args[0] ?? '';
  return path?.name.toLowerCase() === 'path' ? `=${text}` : text.replace(/(?!^)\/+$/, '').replace(/^\/$/, '');
}

const KNOWN = ['host', 'hostregexp', 'path', 'pathprefix', 'clientip'];

function isKnown(matcher: Matcher): boolean {
  return KNOWN.includes(matcher.name.toLowerCase()) || toCondition(matcher) !== undefined;
}

/** Names of Traefik 2 and 3. Values that would not be read as they are written have no counterpart. */
function toCondition({ name, args }: Matcher): string | undefined {
  const kind = CONDITIONS[name.toLowerCase()];
  if (kind === undefined || args.some((arg) => !/^[^,$\s]+$/.test(arg))) return undefined;
  if (kind === 'method') return `method:${args.join('|')}`;
  return args.length <= 2 ? `${kind}:${args.join('=')}` : undefined;
}

const CONDITIONS: Readonly<Record<string, string>> = {
  method: 'method',
  header: 'header',
  headers: 'header',
  query: 'query',
};

function shown({ name, args, isNegated }: Matcher): string {
  return `${isNegated ? '!' : ''}${name}(${args.map((arg) => `\`${arg}\``).join(', ')})`;
}

/** Traefik 2 writes `{name:expression}` between literal text; Traefik 3 writes an expression. */
function toExpression(written: string): string {
  if (!/\{\w+:.*\}/.test(written)) return `~${written}`;
  const parts = written.split(/(\{\w+:[^{}]*(?:\{[\d,]+\}[^{}]*)*\})/);
  const text = parts.map(
    (part) => /^\{\w+:(.*)\}$/s.exec(part)?.[1] ?? part.replaceAll(/[.*+?^{}()|[\]\\]/g, String.raw`\$&`),
  );
  // Compose files write $ twice.
  return `~^${text.join('')}$$`;
}

/** Hosts with the same path share labels. */
function mergeHosts(alternatives: readonly Alternative[]): Alternative[] {
  const groups = Map.groupBy(alternatives, ({ path, allow, match }) => JSON.stringify([path, allow, match]));
  return [...groups.values()].map((same) => ({ ...same[0]!, hosts: [...new Set(same.flatMap(({ hosts }) => hosts))] }));
}

/** A router: plain HTTP, or over TLS. */
export interface Router {
  readonly name: string;
  readonly fields: Fields;
  readonly isSecure: boolean;
}

/** The routers of one alternative: Traefik has one for plain HTTP and one for TLS. */
export interface Site extends Alternative {
  readonly plain: Router | undefined;
  readonly secure: Router | undefined;
}

export interface Sites {
  readonly sites: readonly Site[];
  readonly remarks: readonly Remark[];
}

export function toSites(routers: ReadonlyMap<string, Fields>): Sites {
  const sites = new Map<string, Site>();
  const remarks: Remark[] = [];
  for (const [name, fields] of routers) {
    const rule = fields.get('rule');
    if (rule === undefined) {
      const [label] = fields.values();
      remarks.push({
        severity: 'error',
        label: label!,
        reason: 'belongs to a router without a rule',
        remedy: 'Write hosts by hand.',
      });
      continue;
    }
    const read = readRule(rule);
    remarks.push(...read.remarks);
    const router: Router = { name, fields, isSecure: isSecure(fields) };
    for (const alternative of read.alternatives) addTo(sites, alternative, router);
  }
  return { sites: [...sites.values()], remarks };
}

function addTo(sites: Map<string, Site>, alternative: Alternative, router: Router): void {
  const key = JSON.stringify([alternative.hosts.toSorted(), alternative.path, alternative.allow, alternative.match]);
  const known = sites.get(key) ?? { ...alternative, plain: undefined, secure: undefined };
  sites.set(key, router.isSecure ? { ...known, secure: router } : { ...known, plain: router });
}

function isSecure(fields: Fields): boolean {
  const tls = [...fields.keys()].some((path) => path === 'tls' || path.startsWith('tls.'));
  return tls ? fields.get('tls')?.value.toLowerCase() !== 'false' : hasSecureEntryPoint(fields);
}

/** Entry points often have TLS in Traefik's own settings. */
function hasSecureEntryPoint(fields: Fields): boolean {
  const points = listOf(fields.get('entrypoints')?.value);
  return points.length > 0 && points.every((point) => /https|secure/i.test(point));
}
