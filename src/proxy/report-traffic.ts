import { sleep } from '../lib/sleep.ts';
import { STEP_SECONDS, type TrafficReport } from '../model/traffic.ts';

/** Where reports are sent. */
export interface TrafficReceiver {
  /** Resolves to false if the extension is of an earlier release. Throws if it cannot be reached. */
  sendTraffic(task: string, report: TrafficReport, signal: AbortSignal): Promise<boolean>;
}

export interface TrafficReporterOptions {
  readonly task: string;
  readonly receiver: TrafficReceiver;
  /** Everything since the last call. */
  readonly take: () => Promise<Omit<TrafficReport, 'number'>>;
  readonly now?: () => number;
}

const STEP_MS = STEP_SECONDS * 1000;

/**
 * Reports requests at full steps of the clock, so that the reports of all proxies cover the same time. A report that did not arrive is repeated with
 * its number, which the extension counts once.
 */
export class TrafficReporter {
  readonly #options: TrafficReporterOptions;
  #number = 0;
  #unsent: TrafficReport | undefined;

  constructor(options: TrafficReporterOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { now = Date.now } = this.#options;
    while (!signal.aborted) {
      await sleep(STEP_MS - (now() % STEP_MS), signal);
      if (!signal.aborted) await this.report(signal);
    }
  }

  async report(signal: AbortSignal): Promise<void> {
    const { task, receiver, take } = this.#options;
    this.#unsent ??= { number: ++this.#number, ...(await take()) };
    try {
      await receiver.sendTraffic(task, this.#unsent, signal);
      this.#unsent = undefined;
    } catch {
      // The extension is unavailable, or rejects the report until the controller has introduced the task.
    }
  }
}
