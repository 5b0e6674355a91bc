import { Resolver } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeCase, nameRelay } from '../../model/dns/name-case.ts';

/** The maximum wait: a service without tasks has no name and must not delay the others. */
const PATIENCE_MS = 2000;
const AGAIN_MS = 100;
/** Docker's DNS drops queries when several hundred arrive at once. */
const AT_ONCE = 50;

export type Resolve = (name: string) => Promise<unknown>;

/**
 * Waits until Docker's DNS knows the names of all upstreams. A task that has just joined a network learns the names on it a moment later. nginx
 * resolves each name when it starts and retries only after a second or two; until then it would answer 502.
 */
export async function awaitNames(
  names: readonly string[],
  resolve: Resolve = askEngine(),
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let unknown = names;
  for (;;) {
    unknown = await stillUnknown(unknown, resolve, deadline);
    if (unknown.length === 0 || performance.now() + AGAIN_MS > deadline) return;
    await sleep(AGAIN_MS);
  }
}

async function stillUnknown(names: readonly string[], resolve: Resolve, deadline: number): Promise<string[]> {
  const unknown: string[] = [];
  const waiting = [...names];
  const work = async () => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const isKnown = performance.now() < deadline && (await resolve(name).then(Boolean, () => false));
      if (!isKnown) unknown.push(name);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return unknown;
}

function askEngine(): Resolve {
  const engine = new Resolver({ timeout: 500, tries: 1 });
  // Node queries in lower case, as nginx does.
  const relay = new Resolver({ timeout: 500, tries: 1 });
  relay.setServers([`${nameRelay.host}:${nameRelay.port}`]);
  return (name) => (decodeCase(name) === undefined ? engine : relay).resolve4(name);
}
