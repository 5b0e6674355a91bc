/** Resolves when the promise does or the signal aborts, whichever is first. Leaves no listener behind on a signal that lives long. */
export async function orAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const stop = () => aborted.resolve();
  signal.addEventListener('abort', stop, { once: true });
  if (!signal.aborted) await Promise.race([promise, aborted.promise]);
  signal.removeEventListener('abort', stop);
}
