import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Agent, type BriefVersion, type Names, type Offering } from '../../../src/in-place/agent.ts';
import type { Report, StoredVersion, Version } from '../../../src/in-place/offers.ts';

const version = (name: string): Version => ({
  version: name,
  files: [{ path: 'nginx.conf', digest: name, text: name }],
});
const kept = (name: string): StoredVersion => ({
  version: name,
  files: [{ path: 'nginx.conf', digest: name, at: `/${name}` }],
});

interface World {
  readonly offered?: Version;
  readonly last?: StoredVersion;
  /** What was served here last cannot be read. */
  readonly isLastBroken?: boolean;
  readonly complaint?: (version: string) => string | undefined;
  readonly away?: boolean;
  /** As one of an earlier release is that is told of a loaded version. */
  readonly holdsLoaded?: boolean;
  readonly textFault?: (text: string) => string | undefined;
  /** What was brought cannot be kept. */
  readonly isUnkept?: boolean;
}

/** An agent whose nginx and extension are in memory; the extension gives what a test says, then keeps it waiting. */
function setUp({
  offered,
  last,
  isLastBroken = false,
  complaint = () => undefined,
  away = false,
  holdsLoaded = false,
  isUnkept = false,
  textFault = () => undefined,
}: World = {}) {
  const served: string[] = [];
  const tested: string[] = [];
  const reports: Report[] = [];
  const written: string[] = [];
  /** What nginx was brought last. */
  let brought: BriefVersion | undefined;
  /** What was told before the next report. */
  const loaded: Pick<Report, 'loaded' | 'serving'>[] = [];
  const knowns: (readonly string[])[] = [];
  const queue: Version[] = offered ? [offered] : [];
  const ended = new AbortController();
  const names: { -readonly [K in keyof Names]: Names[K] } = { doubts: undefined, onChange: undefined };
  const until = (signal: AbortSignal) =>
    new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
  const offering: Offering = {
    async next(report, known, signal) {
      if (report.loaded !== null) {
        loaded.push({ loaded: report.loaded, serving: report.serving });
        return holdsLoaded ? until(signal) : undefined;
      }
      reports.push(report);
      knowns.push(known);
      if (away) throw new Error('ENOTFOUND');
      return queue.shift() ?? until(signal);
    },
  };
  const agent = new Agent({
    task: 'task',
    boot: 'mounted',
    secrets: [],
    textFault: (files) => textFault(files.map(({ text }) => text ?? '').join()),
    nginx: {
      get known() {
        return brought?.files.map(({ digest }) => digest) ?? [];
      },
      adopt: async (version) => {
        if (isLastBroken) throw new Error('ENOENT');
        brought = version;
      },
      get stored() {
        return brought && kept(brought.version);
      },
      test: async ({ version }) => {
        tested.push(version);
        return complaint(version);
      },
      start: async (version) => {
        brought = version;
        served.push(version?.version ?? 'mounted');
      },
      reload: async (version, onLoaded) => {
        const reason = complaint(version.version);
        if (reason !== undefined) throw new Error(reason);
        onLoaded();
        brought = version;
        served.push(version.version);
      },
    },
    offering,
    last: {
      read: async () => last,
      write: async ({ version }) => {
        if (isUnkept) throw new Error('ENOENT');
        written.push(version);
      },
    },
    names,
    reloadIntervalMs: 0,
    logger: pino({ level: 'silent' }),
  });
  /** Until everything that was queued has been taken and reported. */
  const follow = async (...offers: Version[]) => {
    queue.push(...offers);
    const asked = reports.length;
    const following = agent.follow(ended.signal);
    while (reports.length < asked + offers.length + 1) await new Promise(setImmediate);
    ended.abort();
    await following;
  };
  return { agent, served, tested, reports, loaded, knowns, written, follow, names, signal: ended.signal };
}

describe('an agent', () => {
  it('starts nginx with what is offered, before what was served here last', async () => {
    const { agent, served, signal } = setUp({ offered: version('offered'), last: kept('last') });
    await agent.boot(signal);
    expect(served).toEqual(['offered']);
  });

  it('starts with what was served here last when the extension is away', async () => {
    const { agent, served, signal } = setUp({ away: true, last: kept('last') });
    await agent.boot(signal);
    expect(served).toEqual(['last']);
  });

  it('tells the extension what it has of that, and does without where it is broken', async () => {
    const whole = setUp({ offered: version('offered'), last: kept('last') });
    await whole.agent.boot(whole.signal);
    const broken = setUp({ away: true, last: kept('last'), isLastBroken: true });
    await broken.agent.boot(broken.signal);
    expect([whole.knowns, broken.knowns]).toEqual([[['last']], [[]]]);
    expect(broken.served).toEqual(['mounted']);
  });

  it('starts with what is mounted when nothing else is there, or nginx refuses it', async () => {
    const bare = setUp({ away: true });
    await bare.agent.boot(bare.signal);
    const bad = setUp({ away: true, last: kept('last'), complaint: () => 'no' });
    await bad.agent.boot(bad.signal);
    expect([bare.served, bad.served]).toEqual([['mounted'], ['mounted']]);
  });

  it('brings a new version to nginx, whose reload is its test, keeps it and tells', async () => {
    const { agent, follow, served, tested, written, reports, signal } = setUp({ away: false, offered: version('v0') });
    await agent.boot(signal);
    await follow(version('v1'));
    expect(served).toEqual(['v0', 'v1']);
    expect(tested).toEqual(['v0']);
    expect(written).toEqual(['v1']);
    expect(reports.at(-1)).toEqual({
      task: 'task',
      boot: 'mounted',
      secrets: [],
      serving: 'v1',
      loaded: null,
      refused: null,
    });
  });

  it('tells that nginx has taken a version while old workers still answer, and which files it need not be sent again', async () => {
    const { agent, follow, loaded, knowns, signal } = setUp({ offered: version('v0') });
    await agent.boot(signal);
    await follow(version('v1'));
    expect(loaded).toEqual([{ loaded: 'v1', serving: 'v0' }]);
    expect(knowns).toEqual([[], ['v0'], ['v1']]);
  });

  it('reports doubts about names at once, while it waits for an offer', async () => {
    const { agent, reports, names, signal } = setUp({ offered: version('v0') });
    await agent.boot(signal);
    const doubts = { names: [{ name: 'tasks.web.app', kind: 'missing' as const }], hasMore: false };
    const ended = new AbortController();
    const following = agent.follow(ended.signal);
    while (names.onChange === undefined) await new Promise(setImmediate);
    names.doubts = doubts;
    names.onChange();
    while (reports.length < 3) await new Promise(setImmediate);
    ended.abort();
    await following;

    expect(reports.map((report) => report.doubts)).toEqual([undefined, undefined, doubts]);
  });

  it('is not held up by an extension that keeps it waiting then', async () => {
    const { agent, follow, reports, signal } = setUp({ offered: version('v0'), holdsLoaded: true });
    await agent.boot(signal);
    await follow(version('v1'));
    expect(reports.at(-1)).toMatchObject({ serving: 'v1' });
  });

  it('goes on where what it has brought cannot be kept', async () => {
    const { agent, follow, served, written, signal } = setUp({ offered: version('v0'), isUnkept: true });
    await agent.boot(signal);
    await follow(version('v1'), version('v2'));
    expect(served).toEqual(['v0', 'v1', 'v2']);
    expect(written).toEqual([]);
  });

  it('goes on with what it has when nginx refuses a version, and tells why until it has taken another', async () => {
    const { agent, follow, served, reports, signal } = setUp({
      offered: version('v0'),
      complaint: (name) => (name === 'bad' ? 'unknown directive' : undefined),
    });
    await agent.boot(signal);
    await follow(version('bad'), version('v1'));
    expect(served).toEqual(['v0', 'v1']);
    expect(reports.slice(-2)).toMatchObject([
      { serving: 'v0', refused: { version: 'bad', message: 'unknown directive' } },
      { serving: 'v1', refused: null },
    ]);
    expect(agent.reloads).toEqual({ done: 1, refused: 1 });
    expect(agent.serving).toBe('v1');
  });

  it('never brings a text to nginx that is not allowed, and reports it as refused', async () => {
    const { agent, follow, served, tested, reports, written, signal } = setUp({
      offered: version('v0'),
      textFault: (text) => (text === 'evil' ? 'not allowed' : undefined),
    });
    await agent.boot(signal);
    await follow(version('evil'), version('v1'));
    expect([served, tested, written]).toEqual([['v0', 'v1'], ['v0'], ['v1']]);
    expect(reports.at(-2)).toMatchObject({ serving: 'v0', refused: { version: 'evil', message: 'not allowed' } });
  });

  it('starts with what is mounted if what is offered is not allowed', async () => {
    const { agent, served, tested, signal } = setUp({ offered: version('evil'), textFault: () => 'not allowed' });
    await agent.boot(signal);
    expect([served, tested]).toEqual([['mounted'], []]);
  });
});
