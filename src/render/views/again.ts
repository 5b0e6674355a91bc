import { digest } from '../../lib/digest.ts';
import type { ErrorPagesView, TargetView, toFallbackView } from './targets.ts';

type FallbackTarget = NonNullable<ReturnType<typeof toFallbackView>>;

interface ServiceTarget extends TargetView {
  readonly serviceCookie: string | undefined;
}

type AgainView = Omit<ServiceTarget, 'scheme'> & {
  readonly name: string;
  readonly scheme: string;
  /** The location of the fallback, for requests that no task receives. */
  readonly fallback: string | undefined;
};

interface PagedTarget extends ServiceTarget {
  readonly pages: ErrorPagesView;
  /** The location that copies requests. */
  readonly mirror: string | undefined;
}

export const FIRST_AGAIN = '@again';

/** The locations for repeated requests: one for all locations of a host with the same request options, which most have. */
export class AgainViews {
  readonly #byWay = new Map<string, AgainView>();

  readonly #paged = new Map<string, PagedTarget & { readonly fallback: string | undefined }>();

  readonly #fallbacks = new Map<string, FallbackTarget & { readonly name: string }>();

  /**
   * The location that forwards requests, for a location whose error pages come from a service; `@again` after its name
   * streams bodies.
   */
  pagedName(target: PagedTarget, instead: FallbackTarget | undefined): string {
    const view = { ...target, fallback: instead && this.#fallbackName(instead) };
    const name = `@pages_${digest(JSON.stringify(view))}`;
    this.#paged.set(name, view);
    return name;
  }

  get paged() {
    return [...this.#paged].flatMap(([name, view]) => {
      const retry = `${name}_retry`;
      const scheme = view.isTls ? '$again_scheme' : view.scheme;
      const again = {
        ...view,
        name: retry,
        upstream: '$again',
        scheme,
        prefix: '',
        isStreamed: true,
        mirror: undefined,
      };
      return [
        { ...view, name, retry },
        { ...view, name: `${name}${FIRST_AGAIN}`, mirror: undefined, isStreamed: true },
        again,
      ];
    });
  }

  nameOf(target: ServiceTarget, instead: FallbackTarget | undefined): string {
    const fallback = instead && this.#fallbackName(instead);
    const scheme = target.isTls ? '$again_scheme' : target.scheme;
    const view = { ...target, upstream: '$again', scheme, prefix: '', fallback };
    const way = JSON.stringify(view);
    const known = this.#byWay.get(way) ?? {
      ...view,
      name: this.#byWay.size === 0 ? FIRST_AGAIN : `${FIRST_AGAIN}${this.#byWay.size + 1}`,
    };
    this.#byWay.set(way, known);
    return known.name;
  }

  #fallbackName(target: FallbackTarget): string {
    const name = `@fallback_${digest(JSON.stringify(target))}`;
    this.#fallbacks.set(name, { ...target, name });
    return name;
  }

  get fallbacks() {
    return [...this.#fallbacks.values()];
  }

  get all() {
    return [...this.#byWay.values()];
  }
}
