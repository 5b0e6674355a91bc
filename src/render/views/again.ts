import type { TargetView } from './targets.ts';

interface ServiceTarget extends TargetView {
  readonly serviceCookie: string | undefined;
}

type AgainView = Omit<ServiceTarget, 'scheme'> & { readonly name: string; readonly scheme: string };

export const FIRST_AGAIN = '@again';

/** The locations for repeated requests: one for all locations of a host with the same request options, which most have. */
export class AgainViews {
  readonly #byWay = new Map<string, AgainView>();

  nameOf(target: ServiceTarget): string {
    const scheme = target.isTls ? '$again_scheme' : target.scheme;
    const view = { ...target, upstream: '$again', scheme, prefix: '' };
    const way = JSON.stringify(view);
    const known = this.#byWay.get(way) ?? {
      ...view,
      name: this.#byWay.size === 0 ? FIRST_AGAIN : `${FIRST_AGAIN}${this.#byWay.size + 1}`,
    };
    this.#byWay.set(way, known);
    return known.name;
  }

  get all() {
    return [...this.#byWay.values()];
  }
}
