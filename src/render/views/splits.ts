import { digest } from '../../lib/digest.ts';
import type { Definition } from '../../model/features/feature.ts';
import { cookieAttributes, plainStickyCookie } from '../../model/features/sticky-cookie.ts';
import { matchKey } from '../../model/match.ts';
import type { Location } from '../../model/route-table/table.ts';

/** A location that a choice may lead to. */
export interface Alternative {
  /** Unique in its server. */
  readonly name: string;
  readonly location: Location;
  /** Variable with the cookie that keeps a client at the service; undefined if none does. */
  readonly serviceCookie: string | undefined;
}

interface Split {
  /** A location, or a variable with its name. Undefined: no service has a share. */
  readonly target: string | undefined;
  readonly definitions: readonly Definition[];
}

/** Locations with the same path and conditions. */
export function alternativesOf(group: readonly Location[]): readonly Alternative[] {
  const id = idOf(group);
  const isKept = group.length > 1 && isSticky(group);
  return group.map((location, n) => ({
    name: `@match_${n === 0 ? id : `${id}_${n}`}`,
    location,
    serviceCookie: isKept ? serviceCookieOf(group, n) : undefined,
  }));
}

function idOf([first]: readonly Location[]): string {
  return digest(`${first!.path} ${matchKey(first!.match)}`);
}

function isSticky(group: readonly Location[]): boolean {
  return group.some(({ options }) => options.affinity.kind === 'cookie');
}

/** Stays with the service when others come and go. */
function clientValue(group: readonly Location[], position: number): string {
  const [service] = group[position]!.services;
  const before = group.slice(0, position).filter(({ services }) => services[0] === service);
  return digest(`${service} ${before.length}`);
}

function attributesOf({ options }: Location): readonly string[] {
  return cookieAttributes(options.stickyCookie ?? plainStickyCookie);
}

function serviceCookieOf(group: readonly Location[], position: number): string {
  const parts = [cookieOf(group), clientValue(group, position), attributesOf(group[position]!)];
  return `service_cookie_${digest(JSON.stringify(parts))}`;
}

function cookieOf(group: readonly Location[]): string {
  return `service_${idOf(group)}`;
}

/** Shares of the requests by weight, in hundredths of a percent. */
export function splitOf(all: readonly Alternative[], isTrusting: boolean): Split {
  if (all.length === 1) return { target: all[0]!.name, definitions: [] };
  const weighted = all.filter(({ location }) => location.weight! > 0);
  if (weighted.length === 0) return { target: undefined, definitions: [] };
  const open = weighted.filter(({ location }) => location.upstream !== undefined && !location.maintenance);
  if (open.length === 0) return { target: weighted[0]!.name, definitions: [] };
  const group = all.map(({ location }) => location);
  const { split, definition } = toShares(open, group, isTrusting);
  if (!isSticky(group)) return { target: split, definitions: definition };
  const cookie = cookieOf(group);
  const kept = all.flatMap(({ name }, n) =>
    open.some((one) => one.name === name) ? [{ value: clientValue(group, n), name }] : [],
  );
  const variable = `match_${digest(JSON.stringify([cookie, split, kept]))}_kept`;
  const keeping = { key: variable, partial: 'define-kept-service', bytes: 0, variable, cookie, otherwise: split, kept };
  return {
    target: `$${variable}`,
    definitions: [...definition, keeping, ...all.map((alternative, n) => toServiceCookie(alternative, group, n))],
  };
}

function toServiceCookie(
  { serviceCookie, location }: Alternative,
  group: readonly Location[],
  position: number,
): Definition {
  const [cookie, value] = [cookieOf(group), clientValue(group, position)];
  return {
    ...{ key: serviceCookie!, partial: 'define-service-cookie', bytes: 0, variable: serviceCookie, cookie, value },
    text: [`${cookie}=${value}`, 'Path=/', 'HttpOnly', ...attributesOf(location)].join('; '),
  };
}

function toShares(open: readonly Alternative[], group: readonly Location[], isTrusting: boolean) {
  const byWeight = open.toSorted((a, b) => a.location.weight! - b.location.weight!);
  const total = open.reduce((sum, { location }) => sum + location.weight!, 0);
  const rest = byWeight.at(-1)!.name;
  const shares = byWeight.slice(0, -1).flatMap(({ name, location }) => {
    const share = Math.floor((10_000 * location.weight!) / total);
    return share === 0 ? [] : [{ percent: (share / 100).toFixed(2), name }];
  });
  if (shares.length === 0) return { split: rest, definition: [] };
  const byAddress = group.some(({ options }) => options.affinity.kind === 'address') && !isSticky(group);
  const source = byAddress ? (isTrusting ? '$client_address' : '$remote_addr') : '$request_id';
  const variable = `match_${digest(JSON.stringify([shares, rest, source]))}_share`;
  const definition = { key: variable, partial: 'define-shares', bytes: 0, variable, source, shares, rest };
  return { split: `$${variable}`, definition: [definition] };
}
