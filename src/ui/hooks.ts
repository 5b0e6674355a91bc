import { createContext } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { Refused, type User } from './api.ts';

export const UserContext = createContext<User>({ name: '', role: 'viewer', via: 'password', cluster: null });

/** Viewers see no controls that change anything. */
export const useCanChange = (): boolean => useContext(UserContext).role !== 'viewer';

const TICK_MS = 10_000;

/** The current time, refreshed often enough for `3 minutes ago`. */
export function useNow(tickMs = TICK_MS): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), tickMs);
    return () => clearInterval(timer);
  }, [tickMs]);
  return now;
}

export interface Action {
  readonly busy: boolean;
  /** Why it was rejected. */
  readonly refusal: string | undefined;
  /** Resolves to true if it succeeded. */
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>;
}

/** An administrator's action. One runs at a time, and an error is shown beside it. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<string>();
  const run = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setRefusal(undefined);
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefusal(error.message);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, refusal, run };
}

export type Loaded<T> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'loaded'; readonly value: T };

/** Data loaded from the controller for a key, reloaded when the key changes. An undefined key loads nothing. */
export function useLoaded<T>(key: string | undefined, load: () => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<{ key: string; result: Loaded<T> }>();
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    if (key === undefined) return undefined;
    let isCurrent = true;
    const settle = (result: Loaded<T>) => {
      if (isCurrent) setLoaded({ key, result });
    };
    latest.current().then(
      (value) => settle({ kind: 'loaded', value }),
      (error: Error) => settle({ kind: 'failed', reason: error.message }),
    );
    return () => {
      isCurrent = false;
    };
  }, [key]);
  return loaded !== undefined && loaded.key === key ? loaded.result : { kind: 'loading' };
}
