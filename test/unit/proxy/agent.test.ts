import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { AgentReport, StoredVersion, Version } from '../../../src/model/version.ts';
import { Agent } from '../../../src/proxy/agent.ts';
import type { BriefVersion, Names, Offering } from '../../../src/proxy/ports.ts';

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
  /** The version served here last cannot be read. */
  readonly isLastBroken?: boolean;
  readonly complaint?: (version: string) => string | undefined;
  readonly away?: boolean;
  /** As an agent of an earlier release does when it receives a loaded version. */
  readonly holdsLoaded?: boolean;
  readonly textFault?: (text: string) => string | undefined;
  /** An applied version cannot be stored. */
  readonly isUnkept?: boolean;
}

/**
 * An agent whose nginx and extension are in memory. The extension returns what the test says, and then lets it wait.
 */
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
  const reports: AgentReport[] = [];
  const written: string[] = [];
  /** The last version applied to nginx. */
  let brought: BriefVersion | undefined;
  /** Received before the next report. */
  const loaded: Pick<AgentReport, 'loaded' | 'serving'>[] = [];
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
    secrets: { facts: [], onChange: undefined },
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
  /** Until everything in the queue has been applied and reported. */
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
  it('starts nginx with the offered version, in preference to the one served here last', async () => {
    const { agent, served, signal } = setUp({ offered: version('offered'), last: kept('last') });
    await agent.boot(signal);
    expect(served).toEqual(['offered']);
  });

  it('starts with the version served here last when the extension is down', async () => {
    const { agent, served, signal } = setUp({ away: true, last: kept('last') });
    await agent.boot(signal);
    expect(served).toEqual(['last']);
  });

  it('reports to the extension which files it already has, and ignores a damaged last version', async () => {
    const whole = setUp({ offered: version('offered'), last: kept('last') });
    await whole.agent.boot(whole.signal);
    const broken = setUp({ away: true, last: kept('last'), isLastBroken: true });
    await broken.agent.boot(broken.signal);
    expect([whole.knowns, broken.knowns]).toEqual([[['last']], [[]]]);
    expect(broken.served).toEqual(['mounted']);
  });

  it('starts with the mounted version if there is no other, or nginx rejects it', async () => {
    const bare = setUp({ away: true });
    await bare.agent.boot(bare.signal);
    const bad = setUp({ away: true, last: kept('last'), complaint: () => 'no' });
    await bad.agent.boot(bad.signal);
    expect([bare.served, bad.served]).toEqual([['mounted'], ['mounted']]);
  });

  it('applies a new version to nginx, which tests it by reloading, stores it and reports it', async () => {
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

  it('reports that nginx has loaded a version while old workers still answer, and which files it already has', async () => {
    const { agent, follow, loaded, knowns, signal } = setUp({ offered: version('v0') });
    await agent.boot(signal);
    await follow(version('v1'));
    expect(loaded).toEqual([{ loaded: 'v1', serving: 'v0' }]);
    expect(knowns).toEqual([[], ['v0'], ['v1']]);
  });

  it('reports doubts about names immediately, while it waits for an offer', async () => {
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

  it('is not delayed by an extension that lets it wait then', async () => {
    const { agent, follow, reports, signal } = setUp({ offered: version('v0'), holdsLoaded: true });
    await agent.boot(signal);
    await follow(version('v1'));
    expect(reports.at(-1)).toMatchObject({ serving: 'v1' });
  });

  it('continues if it cannot store an applied version', async () => {
    const { agent, follow, served, written, signal } = setUp({ offered: version('v0'), isUnkept: true });
    await agent.boot(signal);
    await follow(version('v1'), version('v2'));
    expect(served).toEqual(['v0', 'v1', 'v2']);
    expect(written).toEqual([]);
  });

  it('keeps its version if nginx rejects one, and reports why until nginx has accepted another', async () => {
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

  it('never applies a text that is not allowed, and reports it as rejected', async () => {
    const { agent, follow, served, tested, reports, written, signal } = setUp({
      offered: version('v0'),
      textFault: (text) => (text === 'evil' ? 'not allowed' : undefined),
    });
    await agent.boot(signal);
    await follow(version('evil'), version('v1'));
    expect([served, tested, written]).toEqual([['v0', 'v1'], ['v0'], ['v1']]);
    expect(reports.at(-2)).toMatchObject({ serving: 'v0', refused: { version: 'evil', message: 'not allowed' } });
  });

  it('starts with the mounted version if the offered one is not allowed', async () => {
    const { agent, served, tested, signal } = setUp({ offered: version('evil'), textFault: () => 'not allowed' });
    await agent.boot(signal);
    expect([served, tested]).toEqual([['mounted'], []]);
  });
});
