import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import type { Logger } from '../lib/logger.ts';
import { ReportRequest } from '../protocol/agent-messages.ts';
import type { Reply } from '../protocol/channel-server.ts';
import { MAX_REPORT_BYTES } from '../protocol/read-body.ts';
import { takeMessage } from '../protocol/take-message.ts';
import type { Claims } from './claims.ts';
import type { Offers } from './offers.ts';
import type { Seals } from './seals.ts';
import { withoutKnown } from './without-known.ts';

export interface ReportRequestsOptions {
  readonly claims: Claims;
  readonly offers: Offers;
  readonly seals: Seals;
  readonly logger: Logger;
}

/** Concurrent reports from one address. An agent has one, briefly two. */
const MAX_REPORTS_PER_ADDRESS = 96;
/** Interval for logging repeated rejections. */
const REJECTION_LOG_MS = 60_000;

/** Takes the reports of agents, each of which waits for a version. */
export class ReportRequests {
  readonly #options: ReportRequestsOptions;
  /** Number of open reports, by address. */
  readonly #open = new Map<string, number>();
  #rejectionLoggedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ReportRequestsOptions) {
    this.#options = options;
  }

  async take(request: IncomingMessage, hold: AbortSignal): Promise<Reply> {
    const address = request.socket.remoteAddress ?? '';
    const count = this.#open.get(address) ?? 0;
    if (count >= MAX_REPORTS_PER_ADDRESS) return { status: 429, body: { error: 'Too many concurrent reports' } };
    this.#open.set(address, count + 1);
    try {
      return await takeMessage(request, ReportRequest, MAX_REPORT_BYTES, (report) =>
        this.#answer(report, address, hold),
      );
    } finally {
      const left = this.#open.get(address)! - 1;
      if (left > 0) this.#open.set(address, left);
      else this.#open.delete(address);
    }
  }

  async #answer(
    { known, instance, ...report }: z.infer<typeof ReportRequest>,
    address: string,
    hold: AbortSignal,
  ): Promise<Reply> {
    const { claims, offers, seals } = this.#options;
    const rejection = claims.reject({ task: report.task, address, instance });
    if (rejection !== undefined) return this.#reject(rejection, report.task, address);
    const offered = await offers.next(report, hold);
    if (offered === undefined) return { status: 204 };
    const { version, files } = offered;
    return { status: 200, body: { version, files: withoutKnown(files, known), seal: seals.of(report.boot, offered) } };
  }

  #reject(reason: string, task: string, address: string): Reply {
    const at = performance.now();
    if (at - this.#rejectionLoggedAt > REJECTION_LOG_MS) {
      this.#rejectionLoggedAt = at;
      this.#options.logger.warn({ task, address, reason }, 'Rejected report');
    }
    return { status: 409, body: { error: reason } };
  }
}
