import type { State } from '../controller/admin/state.ts';
import { openEvents, session, whoAmI } from './api.ts';
import { readEvents } from './lib/events.ts';

/** The page's connection to the controller. */
export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** Times in milliseconds since the epoch. */
  | { readonly kind: 'lost'; readonly since: number; readonly retryAt: number };

/** Emits `step` when new numbers about requests are available. */
export const steps = new EventTarget();

export interface Watcher {
  readonly onState: (state: State) => void;
  /** The controller has checked the swarm and found no change. */
  readonly onSeen: (observedAt: string | null) => void;
  readonly onConnection: (connection: Connection) => void;
}

/** The controller sends an event at least every 15 s. After a bit more than twice that, the connection is considered lost. */
const SILENCE_MS = 35_000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 15_000;

/** Follows the state by server-sent events and reconnects until the returned function is called. */
export function watchState({ onState, onSeen, onConnection }: Watcher): () => void {
  const stop = new AbortController();
  let source: AbortController | undefined;
  let timer: number | undefined;
  let isLive = false;
  let lostAt: number | undefined;
  let retryMs = FIRST_RETRY_MS;

  const later = (action: () => void, ms: number) => {
    window.clearTimeout(timer);
    if (!stop.signal.aborted) timer = window.setTimeout(action, ms);
  };
  const noteReceived = () => {
    later(lose, SILENCE_MS);
    if (isLive) return;
    isLive = true;
    lostAt = undefined;
    retryMs = FIRST_RETRY_MS;
    onConnection({ kind: 'live' });
  };
  const open = () => {
    source?.abort();
    const opened = new AbortController();
    source = opened;
    later(lose, SILENCE_MS);
    follow(opened.signal).then(
      () => !opened.signal.aborted && lose(),
      () => !opened.signal.aborted && lose(),
    );
  };
  const follow = async (signal: AbortSignal) => {
    for await (const { event, data } of readEvents(await openEvents(signal))) {
      if (signal.aborted) return;
      noteReceived();
      if (event === 'state') onState(JSON.parse(data));
      if (event === 'traffic') steps.dispatchEvent(new Event('step'));
      if (event === 'seen') onSeen(JSON.parse(data));
    }
  };
  const lose = () => {
    source?.abort();
    isLive = false;
    lostAt ??= Date.now();
    onConnection({ kind: 'lost', since: lostAt, retryAt: Date.now() + retryMs });
    later(retry, retryMs);
    retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
  };
  const retry = () => {
    whoAmI().then((user) => {
      if (stop.signal.aborted) return;
      if (user === undefined) session.dispatchEvent(new Event('ended'));
      else open();
    }, lose);
  };
  const retryNow = () => {
    if (lostAt !== undefined && document.visibilityState === 'visible') retry();
  };

  onConnection({ kind: 'connecting' });
  open();
  window.addEventListener('online', retryNow, stop);
  document.addEventListener('visibilitychange', retryNow, stop);
  return () => {
    stop.abort();
    window.clearTimeout(timer);
    source?.abort();
  };
}
