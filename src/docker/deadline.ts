import type Docker from 'dockerode';

/** The longest listing of a large swarm, on a busy manager, takes some seconds. */
const CALL_TIMEOUT_MS = 20_000;

type Callback = (error: Error | null, answer?: unknown) => void;
type Dial = (options: { readonly abortSignal?: AbortSignal }, callback: Callback) => void;

/**
 * Ends every call of this client with an error when there is no complete answer in time; of a stream, when it does not begin. docker-modem itself
 * waits for ever, for an engine that hangs as well as for the rest of an answer that was cut off.
 */
export function withDeadline(docker: Docker, timeoutMs = CALL_TIMEOUT_MS): Docker {
  const modem = docker.modem as unknown as { dial: Dial };
  const dial = modem.dial.bind(modem);
  modem.dial = (options, callback) => {
    const expired = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => {
      reject(new Error(`no complete answer within ${timeoutMs / 1000} s`));
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
