import { backoffMs } from '../../lib/backoff.ts';
import type { Logger } from '../../lib/logger.ts';
import { sleep } from '../../lib/sleep.ts';
import type { WebhookSettings } from '../../model/settings/webhooks.ts';
import type { StatusBoard } from '../reconcile/status.ts';
import { jsonBody, slackBody } from './bodies.ts';
import { type ByKey, byKey, type Changes, changesSince } from './changes.ts';
import { post, type Receiver } from './post.ts';

export interface WebhookOptions extends Receiver {
  readonly settings: Pick<WebhookSettings, 'name' | 'Format' | 'Severities'>;
  readonly status: Pick<StatusBoard, 'current' | 'subscribe'>;
  readonly logger: Logger;
  readonly now: () => number;
  readonly pace?: Pace;
}

interface Pace {
  /** Changes within this time are one message. */
  readonly groupMs: number;
  /** Shortest time between two messages. */
  readonly pauseMs: number;
  readonly firstRetryMs: number;
  readonly lastRetryMs: number;
}

const usualPace: Pace = { groupMs: 10_000, pauseMs: 60_000, firstRetryMs: 5000, lastRetryMs: 300_000 };

/**
 * Sends the difference between the problems that a receiver knows and those that exist. After a failure the difference is computed again, so a retry is
 * never out of date, and nothing is queued. A new controller begins with the problems that it finds.
 */
export class Webhook {
  readonly #options: WebhookOptions;
  #known: ByKey = new Map();
  #wake: () => void = () => undefined;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { pace = usualPace, status } = this.#options;
    const unsubscribe = status.subscribe(() => this.#wake());
    const stop = () => this.#wake();
    signal.addEventListener('abort', stop);
    let failures = 0;
    while (!signal.aborted) {
      if (this.#changes() === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      if (failures === 0) await sleep(pace.groupMs, signal);
      const changes = this.#changes();
      if (signal.aborted || changes === undefined) continue;
      failures = (await this.#send(changes, failures, signal)) ? 0 : failures + 1;
      const pause = failures === 0 ? pace.pauseMs : backoffMs(failures, pace.firstRetryMs, pace.lastRetryMs);
      await sleep(pause, signal);
    }
    signal.removeEventListener('abort', stop);
    unsubscribe();
  }

  #changes(): Changes | undefined {
    const { status, settings } = this.#options;
    return status.current && changesSince(this.#known, byKey(status.current.problems, settings.Severities));
  }

  async #send(changes: Changes, failures: number, signal: AbortSignal): Promise<boolean> {
    const { url, signingKey, settings, now, logger } = this.#options;
    const webhook = settings.name;
    const body = settings.Format === 'slack' ? slackBody(changes) : jsonBody(changes, now());
    try {
      await post({ url, signingKey }, body, now(), signal);
    } catch (error) {
      if (failures === 0 && !signal.aborted)
        logger.error({ webhook, reason: (error as Error).message }, 'Webhook failed: it is retried');
      return false;
    }
    this.#known = changes.current;
    if (failures > 0) logger.info({ webhook, failures }, 'Webhook succeeded again');
    return true;
  }
}
