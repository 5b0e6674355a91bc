// How agents judge the answers of Docker's DNS.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sleep as realSleep } from '../../../../src/lib/sleep.ts';
import { MAX_DOUBTS, toRanges } from '../../../../src/model/dns/name-doubts.ts';
import { DnsClient } from '../../../../src/proxy/nginx/dns-client.ts';
import { NameWatch } from '../../../../src/proxy/nginx/name-watch.ts';
import { type NameInUse, readServersInUse } from '../../../../src/proxy/nginx/servers-in-use.ts';
import { type DnsAnswer, FakeDns } from '../../../support/dns.ts';
import { eventually } from '../../../support/eventually.ts';

const web = 'tasks.web.app';
const good = { addresses: ['10.0.1.5', '10.0.1.6'] };
const foreign = { addresses: ['10.0.1.5', '10.0.9.4'] };
const inApp = (name: string): NameInUse => ({ name, ranges: toRanges(['10.0.1.0/24']) });

let dns: FakeDns;
let client: DnsClient;
let stop: AbortController;
let now = 0;
beforeEach(async () => {
  dns = await FakeDns.start();
  client = new DnsClient({ server: dns.address, timeoutMs: 200 });
  stop = new AbortController();
  now = 0;
});
afterEach(async () => {
  stop.abort();
  client.close();
  await dns[Symbol.asyncDispose]();
});

/** A watch with an accelerated clock. */
function watch(names: readonly string[] = [web]) {
  let inUse: readonly NameInUse[] = names.map(inApp);
  let changes = 0;
  const sleep = async (ms: number, signal: AbortSignal) => {
    await realSleep(10, signal);
    now += ms;
  };
  const query = (name: string) => client.query(name);
  const watch = new NameWatch({ read: async () => inUse, query, now: () => now, sleep });
  watch.onChange = () => {
    changes += 1;
  };
  void watch.run(stop.signal);
  return {
    watch,
    changes: () => changes,
    use: (other: readonly string[]) => {
      inUse = other.map(inApp);
    },
  };
}

/** Until this many more queries have arrived. */
async function queries(count: number): Promise<void> {
  const wanted = dns.queried.length + count;
  await soon(() => expect(dns.queried.length).toBeGreaterThanOrEqual(wanted));
}

const soon = (assertion: () => void) => eventually(assertion, { timeoutMs: 20_000, intervalMs: 5 });

describe('a name', () => {
  it('that is answered within its network is not in doubt', async () => {
    dns.names.set(web, good);
    const { watch: it, changes } = watch();
    await queries(3);

    expect(it.doubts).toBeUndefined();
    expect(changes()).toBe(0);
  });

  it('that is answered from outside its network is in doubt immediately', async () => {
    dns.names.set(web, foreign);
    const { watch: it, changes } = watch();

    await soon(() => expect(changes()).toBe(1));
    expect(it.doubts).toEqual({ names: [{ name: web, kind: 'foreign', address: '10.0.9.4' }], hasMore: false });
  });

  it.each<[DnsAnswer, string]>([
    [{ code: 3 }, 'missing'],
    [{ addresses: [] }, 'missing'],
    [{ code: 2 }, 'silent'],
    ['silence', 'silent'],
  ])('that is answered with %o is %s after a second query', async (answer, kind) => {
    dns.names.set(web, answer);
    const { watch: it, changes } = watch();

    await soon(() => expect(changes()).toBe(1));
    expect(it.doubts).toEqual({ names: [{ name: web, kind }], hasMore: false });
    expect(dns.queried.length).toBeGreaterThan(1);
  });

  it('is no longer in doubt once it is answered correctly', async () => {
    dns.names.set(web, foreign);
    const { watch: it, changes } = watch();
    await soon(() => expect(changes()).toBe(1));
    dns.names.set(web, good);

    await soon(() => expect(it.doubts).toBeUndefined());
    await soon(() => expect(changes()).toBe(2));
  });

  it('is not missing while the proxy has only just started', async () => {
    const { changes } = watch();
    await soon(() => expect(changes()).toBe(1));

    expect(now).toBeGreaterThanOrEqual(10_000);
  });

  it('is forgotten when nginx no longer uses it', async () => {
    dns.names.set(web, foreign);
    const { watch: it, use } = watch();
    await soon(() => expect(it.doubts).toBeDefined());

    use([]);

    await soon(() => expect(it.doubts).toBeUndefined());
  });

  it('with upper-case letters is queried as Docker knows it', async () => {
    const name = 'tasks.web.ProxyNet';
    dns.names.set(name, good);
    const { watch: it } = watch([name]);
    await queries(2);

    expect(new Set(dns.queried)).toEqual(new Set([name]));
    expect(it.doubts).toBeUndefined();
  });

  it('is not in doubt for answers to other questions', async () => {
    dns.names.set(web, good);
    dns.forge = (answer) => [answer.subarray(0, 20), Buffer.concat([Buffer.from([255, 255]), answer.subarray(2)])];
    const { watch: it } = watch();
    await queries(3);

    expect(it.doubts).toBeUndefined();
  });
});

it('names beyond the size of a report are not reported', async () => {
  const names = Array.from({ length: MAX_DOUBTS + 5 }, (_, n) => `tasks.web${n}.app`);
  for (const name of names) dns.names.set(name, foreign);
  const { watch: it } = watch(names);

  await soon(() => expect(it.doubts).toMatchObject({ hasMore: true }));
  expect(it.doubts!.names).toHaveLength(MAX_DOUBTS);
});

it('names are read from a configuration, with their networks', async () => {
  async function* texts() {
    yield { text: '    # network Proxynet 10.0.2.0/24\n    # network app 10.0.1.0/24 10.0.3.0/24\n' };
    yield { text: '    # doubted tasks.shop.app\n    # doubted tasks.shop.unknown\n' };
    yield {
      text: [
        'upstream "a" {',
        '        server "tasks.web.app:8080" max_fails=0 resolve;',
        '        server "tasks.web.proxynet.80.case.signalbox:80" resolve;',
        '        server "10.0.1.7:8080" max_fails=0;',
        '}',
      ].join('\n'),
    };
  }

  const app = toRanges(['10.0.1.0/24', '10.0.3.0/24']);
  expect((await readServersInUse(texts())).names).toEqual([
    { name: 'tasks.shop.app', ranges: app },
    { name: 'tasks.web.app', ranges: app },
    { name: 'tasks.web.Proxynet', ranges: toRanges(['10.0.2.0/24']) },
  ]);
});
