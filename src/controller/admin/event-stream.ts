import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Access, Session, User } from './access.ts';
import type { HostView } from './hosts.ts';
import { Refusal } from './problem-details.ts';
import type { State } from './state.ts';
import type { TrafficSource } from './traffic-route.ts';

export interface EventStreamsOptions {
  readonly access: Access;
  /** The part of the state that the user may see. */
  readonly state: (user: User) => State;
  /** The hosts that the user may see. */
  readonly hosts: (user: User) => readonly HostView[];
  readonly subscribe: (listener: () => void) => () => void;
  readonly traffic?: Pick<TrafficSource, 'last' | 'subscribe'> | undefined;
  readonly now: () => number;
}

const PING_MS = 15_000;
const MAX_OF_SESSION = 20;

/** What a stream sends after each change. */
type Kind = 'state' | 'hosts';

/** Streams the state, or hosts, as server-sent events. A stream ends with its session. */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  /** Number of open streams by session. */
  readonly #open = new Map<string, number>();

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  start(context: Context, session: Session, kind: Kind): Response {
    const open = this.#open.get(session.id) ?? 0;
    if (open >= MAX_OF_SESSION)
      throw new Refusal(429, 'Too many streams', `A session is limited to ${MAX_OF_SESSION} event streams.`);
    const { subscribe, access, traffic } = this.#options;
    this.#open.set(session.id, open + 1);
    let wake = () => {};
    const unsubscribe = [subscribe(() => wake()), access.onEnd(() => wake())];
    return streamSSE(context, async (stream) => {
      stream.onAbort(() => wake());
      let isWriting = false;
      const sendStep = async () => {
        // A client that does not read must not make steps wait in memory.
        if (isWriting) return;
        isWriting = true;
        await stream.writeSSE({ event: 'traffic', data: JSON.stringify(traffic!.last(session.user.cluster)) });
        isWriting = false;
      };
      if (traffic && kind === 'state') unsubscribe.push(traffic.subscribe(() => void sendStep()));
      let sent = '';
      while (!stream.aborted && access.isOpen(session)) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const { data, event } = this.#next(sent, session.user, kind);
        await stream.writeSSE(event);
        sent = data;
        await Promise.race([changed, stream.sleep(this.#pause(session))]);
      }
      for (const end of unsubscribe) end();
      this.#close(session);
    });
  }

  /** The controller observes the swarm every few seconds. If only the time has changed, the state is not sent again. */
  #next(sent: string, user: User, kind: Kind) {
    const { observedAt, ...rest } = this.#options.state(user);
    const data = JSON.stringify(kind === 'state' ? rest : this.#options.hosts(user));
    if (data === sent) return { data, event: { event: 'seen', data: JSON.stringify(observedAt) } };
    return { data, event: { event: kind, data: kind === 'state' ? JSON.stringify({ observedAt, ...rest }) : data } };
  }

  #pause({ expiresAt }: Session): number {
    return Math.min(PING_MS, Math.max(0, expiresAt - this.#options.now()));
  }

  #close({ id }: Session): void {
    const left = (this.#open.get(id) ?? 1) - 1;
    if (left === 0) this.#open.delete(id);
    else this.#open.set(id, left);
  }
}
