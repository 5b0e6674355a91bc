import type Docker from 'dockerode';

/** Listing a large swarm on a busy manager takes several seconds. */
const CALL_TIMEOUT_MS = 20_000;

type Callback = (error: Error | null, answer?: unknown) => void;
type Dial = (options: { readonly abortSignal?: AbortSignal }, callback: Callback) => void;

/**
 * Makes every call of this client fail if the response is not complete in time; for a stream, if it does not start in time. docker-modem
 * itself never times out, neither for a hanging engine nor for a truncated response.
 */
export function withDeadline(docker: Docker, timeoutMs = CALL_TIMEOUT_MS): Docker {
  const modem = docker.modem as unknown as { dial: Dial };
  const dial = modem.dial.bind(modem);
  modem.dial = (options, callback) => {
    const expired = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => {
      reject(new Error(`timed out after ${timeoutMs / 1000} s`));
      expired.abort();
    }, timeoutMs);
    const signals = [options.abortSignal ?? [], expired.signal].flat();
    dial({ ...options, abortSignal: AbortSignal.any(signals) }, (error, answer) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve(answer);
    });
    promise.then((answer) => callback(null, answer), callback);
  };
  return docker;
}
