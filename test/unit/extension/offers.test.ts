import { describe, expect, it } from 'vitest';
import { Offers } from '../../../src/extension/offers.ts';
import type { AgentReport } from '../../../src/model/version.ts';
import { secretFacts } from '../../support/facts.ts';

const boot = 'b00t';
const files = [{ path: 'nginx.conf', digest: 'd', text: '' }];
const of = (version: string) => ({ boot, version, files });
const report = (task: string, serving: string | null = boot, more: Partial<AgentReport> = {}): AgentReport => ({
  task,
  boot,
  serving,
  loaded: null,
  refused: null,
  secrets: [],
  ...more,
});

/** Waits for any length of time. */
const patience = new AbortController().signal;

function setUp() {
  let now = 0;
  const offers = new Offers(() => now);
  const ended = new AbortController();
  /** What a replica receives within this turn, or undefined if it has to wait. */
  const sendReport = async (of: AgentReport) => {
    const briefly = new AbortController();
    const answer = offers.next(of, AbortSignal.any([ended.signal, briefly.signal]));
    await new Promise(setImmediate);
    briefly.abort();
    return answer;
  };
  const pass = (ms: number) => {
    now += ms;
  };
  return { offers, sendReport, pass };
}

describe('offers', () => {
  it('go to one replica first, and to the others once it serves them', async () => {
    const { offers, sendReport } = setUp();
    offers.offer(of('v1'));

    expect(await sendReport(report('a'))).toMatchObject({ version: 'v1' });
    expect(await sendReport(report('b'))).toBeUndefined();
    expect(await sendReport(report('a', 'v1'))).toBeUndefined();
    expect(await sendReport(report('b'))).toMatchObject({ version: 'v1' });
  });

  it('go to the others as soon as the first has loaded them, and not to the first again before it is done', async () => {
    const { offers, sendReport } = setUp();
    offers.offer(of('v1'));
    await sendReport(report('a'));

    expect(await sendReport(report('a', boot, { loaded: 'v1' }))).toBeUndefined();

    expect(await sendReport(report('b'))).toMatchObject({ version: 'v1' });
    expect(offers.state.replicas).toContainEqual({ task: 'a', boot, serving: boot, refused: null });
  });

  it('wake waiting replicas', async () => {
    const { offers } = setUp();
    const waiting = offers.next(report('a'), AbortSignal.timeout(10_000));

    offers.offer(of('v1'));

    expect(await waiting).toMatchObject({ version: 'v1' });
  });

  it('go no further than the replica that rejects them, and are not retried', async () => {
    const { offers, sendReport } = setUp();
    offers.offer(of('v1'));
    await sendReport(report('a'));

    expect(await sendReport(report('a', boot, { refused: { version: 'v1', message: 'no' } }))).toBeUndefined();

    expect(await sendReport(report('b'))).toBeUndefined();
    offers.offer(of('v1'));
    expect(await sendReport(report('b'))).toBeUndefined();
    expect(offers.state.offers).toEqual([{ boot, version: 'v1', refused: 'no' }]);
    offers.offer(of('v2'));
    expect(await sendReport(report('b'))).toMatchObject({ version: 'v2' });
    expect(offers.state.offers).toEqual([{ boot, version: 'v2', refused: null }]);
  });

  it('leave the last good version to replicas that start meanwhile', async () => {
    const { offers, sendReport } = setUp();
    offers.offer(of('v1'));
    await sendReport(report('a'));
    await sendReport(report('a', 'v1'));
    offers.offer(of('v2'));

    expect(await sendReport(report('new', null))).toMatchObject({ version: 'v1' });
  });

  it('are tried by another replica if the first never reports again', async () => {
    const { offers, sendReport, pass } = setUp();
    offers.offer(of('v1'));
    await sendReport(report('a'));

    pass(11_000);

    expect(await sendReport(report('b'))).toMatchObject({ version: 'v1' });
  });

  it('reach a waiting replica if the first hangs', async () => {
    const { offers, sendReport, pass } = setUp();
    offers.offer(of('v1'));
    await sendReport(report('a'));
    const waiting = offers.next(report('b'), new AbortController().signal);

    pass(11_000);

    expect(await waiting).toMatchObject({ version: 'v1' });
  });

  it('are only for replicas that were started for the same version', async () => {
    const { offers, sendReport } = setUp();
    offers.offer(of('v1'));

    expect(await sendReport({ ...report('a'), boot: 'other' })).toBeUndefined();
  });

  it('skip superseded versions: a newer one goes to the first replica again', async () => {
    const { offers, sendReport } = setUp();
    offers.offer(of('v1'));
    await sendReport(report('a'));
    offers.offer(of('v2'));

    expect(await sendReport(report('a', 'v1'))).toMatchObject({ version: 'v2' });
  });

  it('are tried by one replica at a time, and what it accepts goes to the others although there is a newer one', async () => {
    const { offers, sendReport } = setUp();
    offers.offer(of('v1'));
    await sendReport(report('a'));
    offers.offer(of('v2'));
    expect(await sendReport(report('b'))).toBeUndefined();

    await sendReport(report('a', boot, { loaded: 'v1' }));

    expect(await sendReport(report('b'))).toMatchObject({ version: 'v2' });
    expect(await sendReport(report('c'))).toMatchObject({ version: 'v1' });
    expect(await sendReport(report('a', 'v1'))).toBeUndefined();
  });

  it('go to another replica if the first takes long for a superseded one', async () => {
    const { offers, sendReport, pass } = setUp();
    offers.offer(of('v1'));
    await sendReport(report('a'));
    offers.offer(of('v2'));

    pass(6000);

    expect(await sendReport(report('b'))).toMatchObject({ version: 'v2' });
  });

  it('of the version before last end the trials since then', async () => {
    const { offers, sendReport } = setUp();
    await prove(offers, sendReport, 'v1');
    offers.offer(of('v2'));
    await sendReport(report('a', 'v1'));

    offers.offer(of('v1'));

    expect(await sendReport(report('a', 'v2'))).toMatchObject({ version: 'v1' });
    expect(await sendReport(report('b', 'v1'))).toBeUndefined();
    expect(offers.state.offers).toEqual([{ boot, version: 'v1', refused: null }]);
  });

  it('report which replica serves what, and forget silent replicas', async () => {
    const { offers, sendReport, pass } = setUp();
    await sendReport(report('a'));
    const before = offers.state;
    const moved = offers.moved(before, AbortSignal.timeout(10_000));
    await sendReport(report('b', 'v1'));
    await moved;
    expect(offers.state.replicas).toMatchObject([
      { task: 'a', serving: boot },
      { task: 'b', serving: 'v1' },
    ]);

    pass(121_000);
    await sendReport(report('b', 'v1'));

    expect(offers.state.replicas.map(({ task }) => task)).toEqual(['b']);
  });

  it('include what the newest replica found in its secrets', async () => {
    const { offers, sendReport } = setUp();
    const secrets = (name: string) => [secretFacts(name)];

    await sendReport(report('a', boot, { secrets: secrets('old') }));
    await sendReport(report('b', boot, { secrets: secrets('new') }));
    await sendReport(report('a', boot, { secrets: secrets('old') }));

    expect(offers.state.secrets).toEqual(secrets('new'));
    expect(JSON.stringify(offers.state.replicas)).not.toContain('certificates');
  });
});

describe('a trial', () => {
  it('is for one replica, and for the others once it is offered', async () => {
    const { offers, sendReport } = setUp();
    await prove(offers, sendReport, 'v1');
    const isTaken = offers.try(of('v2'), patience);

    expect(await sendReport(report('a', 'v1'))).toMatchObject({ version: 'v2' });
    await sendReport(report('a', 'v1', { loaded: 'v2' }));
    expect(await isTaken).toBe(true);
    expect(await sendReport(report('a', 'v2'))).toBeUndefined();
    expect(await sendReport(report('b', 'v1'))).toBeUndefined();
    expect(offers.state.offers).toEqual([{ boot, version: 'v1', refused: null }]);
    offers.offer(of('v2'));

    expect(await sendReport(report('b', 'v1'))).toMatchObject({ version: 'v2' });
  });

  it('that is offered before the replica has accepted it continues as an offer', async () => {
    const { offers, sendReport } = setUp();
    await prove(offers, sendReport, 'v1');
    void offers.try(of('v2'), patience);
    await sendReport(report('a', 'v1'));
    offers.offer(of('v2'));

    expect(await sendReport(report('b', 'v1'))).toBeUndefined();
    await sendReport(report('a', 'v1', { loaded: 'v2' }));

    expect(await sendReport(report('b', 'v1'))).toMatchObject({ version: 'v2' });
  });

  it('that is withdrawn is removed from the replica, and leaves the previous offer', async () => {
    const { offers, sendReport } = setUp();
    await prove(offers, sendReport, 'v1');
    offers.offer(of('v2'));
    const isTaken = offers.try(of('v3'), patience);
    expect(await sendReport(report('a', 'v1'))).toMatchObject({ version: 'v3' });

    offers.withdraw(boot);

    expect(await isTaken).toBe(false);
    expect(await sendReport(report('a', 'v3'))).toMatchObject({ version: 'v2' });
  });

  it('that is rejected is reported, and not retried when it is offered', async () => {
    const { offers, sendReport } = setUp();
    await prove(offers, sendReport, 'v1');
    const isTaken = offers.try(of('v2'), patience);
    await sendReport(report('a', 'v1'));
    await sendReport(report('a', 'v1', { refused: { version: 'v2', message: 'no' } }));
    expect(await isTaken).toBe(false);
    offers.offer(of('v2'));

    expect(await sendReport(report('b', 'v1'))).toBeUndefined();
    expect(offers.state.offers).toEqual([{ boot, version: 'v2', refused: 'no' }]);
  });

  it('waits for a proven version to roll back to', async () => {
    const { offers, sendReport } = setUp();

    expect(await offers.try(of('v1'), patience)).toBe(false);

    expect(await sendReport(report('a'))).toBeUndefined();
  });

  it('ends immediately if there is no replica', async () => {
    const { offers, sendReport, pass } = setUp();
    await prove(offers, sendReport, 'v1');
    pass(200_000);
    await sendReport({ ...report('other'), boot: 'other' });

    expect(await offers.try(of('v2'), patience)).toBe(false);
  });

  it('continues after its time-out, and the waiting caller does not', async () => {
    const { offers, sendReport } = setUp();
    await prove(offers, sendReport, 'v1');
    const patience = new AbortController();
    const isTaken = offers.try(of('v2'), patience.signal);
    await sendReport(report('a', 'v1'));

    patience.abort();

    expect(await isTaken).toBe(false);
    offers.offer(of('v2'));
    await sendReport(report('a', 'v2'));
    expect(await sendReport(report('b', 'v1'))).toMatchObject({ version: 'v2' });
  });
});

/** Makes one replica accept the version. */
async function prove(
  offers: Offers,
  sendReport: ReturnType<typeof setUp>['sendReport'],
  version: string,
): Promise<void> {
  offers.offer(of(version));
  await sendReport(report('a'));
  await sendReport(report('a', version));
}
