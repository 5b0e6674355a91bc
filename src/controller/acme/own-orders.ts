import { randomUUID } from 'node:crypto';
import { issuerNamed } from '../../model/acme/internal.ts';
import type { Issuers } from '../../model/acme/issuers.ts';
import { type AcmeState, begun, begunBy, type DueOrder } from '../../model/acme/state.ts';
import { execute, type OrderParts, type OrderResult } from './orders.ts';

export interface OwnOrdersOptions extends OrderParts {
  readonly issuers: Issuers;
  /** Called when an order has ended. */
  readonly onEnd: () => void;
}

/** Orders that this controller has begun: reserved in the shared state, so that no other controller begins them. */
export class OwnOrders {
  readonly #options: OwnOrdersOptions;
  readonly #id = randomUUID();
  readonly #running = new Map<string, Promise<void>>();
  readonly #counts = new Map<string, { readonly issuer: string; readonly result: string; count: number }>();

  constructor(options: OwnOrdersOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#running.size > 0;
  }

  /** Ended orders by issuer and result. */
  get counts() {
    return [...this.#counts.values()];
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  /** Reserves what `due` returns for the latest state, then orders it. `tidy` is applied with the same write. */
  async begin(
    due: (state: AcmeState) => readonly DueOrder[],
    tidy: (state: AcmeState) => AcmeState,
    signal: AbortSignal,
  ): Promise<void> {
    const { book, now } = this.#options;
    const known = await book.read();
    if (due(known).length + this.#unstarted(known).length === 0) return;
    const reserve = (state: AcmeState) =>
      due(state).reduce((before, order) => begun(before, order, now(), this.#id), tidy(state));
    // Read from the state: a write may have counted although it was answered with an error.
    for (const order of this.#unstarted(await book.update(reserve))) this.#start(order, signal);
  }

  #unstarted(state: AcmeState): DueOrder[] {
    return begunBy(this.#id, state, this.#options.now()).filter(({ name }) => !this.#running.has(name));
  }

  #start(order: DueOrder, signal: AbortSignal): void {
    const { issuers, logger, onEnd } = this.#options;
    const running = execute(order, issuerNamed(order.issuer, issuers)!, this.#options, signal)
      .then((result) => this.#count(order.issuer, result))
      .catch((error: Error) => logger.error({ err: error, name: order.name }, 'Order not executed'))
      .finally(() => {
        this.#running.delete(order.name);
        onEnd();
      });
    this.#running.set(order.name, running);
  }

  #count(issuer: string, result: OrderResult | undefined): void {
    if (result === undefined) return;
    const counted = this.#counts.get(`${issuer} ${result}`) ?? { issuer, result, count: 0 };
    counted.count += 1;
    this.#counts.set(`${issuer} ${result}`, counted);
  }
}
