import { memoize } from '../../lib/memo.ts';
import type { Host } from '../hosts/host.ts';
import { fixedEnd, overlap, parentsOf } from '../hosts/host-overlap.ts';
import type { Claim } from './claim.ts';

/** The accepted claims so far. */
export class Holders {
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
