import type { IncomingMessage } from 'node:http';
import type { Reply } from '../protocol/channel-server.ts';
import { takeMessage } from '../protocol/take-message.ts';
import { MAX_TRAFFIC_BYTES, TrafficRequest } from '../protocol/traffic-messages.ts';
import type { Claims } from './claims.ts';
import { TrafficBuffer } from './traffic-buffer.ts';

/** Takes the agents' reports about requests, and passes them on to the controllers. */
export class TrafficRequests {
  readonly #claims: Claims;
  readonly #buffer = new TrafficBuffer(() => performance.now());

  constructor(claims: Claims) {
    this.#claims = claims;
  }

  take(request: IncomingMessage): Promise<Reply> {
    const address = request.socket.remoteAddress ?? '';
    return takeMessage(request, TrafficRequest, MAX_TRAFFIC_BYTES, async (report) => {
      const rejection = this.#claims.reject({ ...report, address });
      if (rejection !== undefined) return { status: 409, body: { error: rejection } };
      this.#buffer.add(report);
      return { status: 204 };
    });
  }

  async after({ url = '' }: IncomingMessage, hold: AbortSignal): Promise<Reply> {
    return { status: 200, body: await this.#buffer.after(url.split('/')[2] ?? '', hold) };
  }
}
