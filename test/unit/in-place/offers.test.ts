import { describe, expect, it } from 'vitest';
import { Offers, type Report } from '../../../src/in-place/offers.ts';
import { secretFacts } from '../../support/facts.ts';

const boot = 'b00t';
const files = [{ path: 'nginx.conf', digest: 'd', text: '' }];
const of = (version: string) => ({ boot, version, files });
const report = (task: string, serving: string | null = boot, more: Partial<Report> = {}): Report => ({
  task,
  boot,
  serving,
  loaded: null,
  refused: null,
  secrets: [],
  ...more,
});

/** Of somebody who waits for as long as it takes. */
const patience = new AbortController().signal;

function setUp() {
  let now = 0;
  const offers = new Offers(() => now);
  const ended = new AbortController();
  /** What a replica is told within this turn; undefined when it is kept waiting. */
  const told = async (of: Report) => {
    const briefly = new AbortController();
    const answer = offers.next(of, AbortSignal.any([ended.signal, briefly.signal]));
    await new Promise(setImmediate);
    briefly.abort();
    return answer;
  };
  const pass = (ms: number) => {
    now += ms;
  };
  return { offers, told, pass };
}

describe('offers', () => {
  it('go to one replica first, and to the others once it serves them', async () => {
    const { offers, told } = setUp();
    offers.offer(of('v1'));

    expect(await told(report('a'))).toMatchObject({ version: 'v1' });
    expect(await told(report('b'))).toBeUndefined();
    expect(await told(report('a', 'v1'))).toBeUndefined();
    expect(await told(report('b'))).toMatchObject({ version: 'v1' });
  });

  it('go to the others as soon as the first has loaded them, and not to the first again before it is done', async () => {
    const { offers, told } = setUp();
    offers.offer(of('v1'));
    await told(report('a'));

    expect(await told(report('a', boot, { loaded: 'v1' }))).toBeUndefined();

    expect(await told(report('b'))).toMatchObject({ version: 'v1' });
    expect(offers.state.replicas).toContainEqual({ task: 'a', boot, serving: boot, refused: null });
  });

  it('wake those that wait', async () => {
    const { offers } = setUp();
    const waiting = offers.next(report('a'), AbortSignal.timeout(10_000));

    offers.offer(of('v1'));

    expect(await waiting).toMatchObject({ version: 'v1' });
  });

  it('go no further than the replica that refuses them, and are not tried again', async () => {
    const { offers, told } = setUp();
    offers.offer(of('v1'));
    await told(report('a'));

    expect(await told(report('a', boot, { refused: { version: 'v1', message: 'no' } }))).toBeUndefined();

    expect(await told(report('b'))).toBeUndefined();
    offers.offer(of('v1'));
    expect(await told(report('b'))).toBeUndefined();
    expect(offers.state.offers).toEqual([{ boot, version: 'v1', refused: 'no' }]);
    offers.offer(of('v2'));
    expect(await told(report('b'))).toMatchObject({ version: 'v2' });
    expect(offers.state.offers).toEqual([{ boot, version: 'v2', refused: null }]);
  });

  it('leave the last good version to replicas that start meanwhile', async () => {
    const { offers, told } = setUp();
    offers.offer(of('v1'));
    await told(report('a'));
    await told(report('a', 'v1'));
    offers.offer(of('v2'));

    expect(await told(report('new', null))).toMatchObject({ version: 'v1' });
  });

  it('are tried by another replica when the first is never heard of again', async () => {
    const { offers, told, pass } = setUp();
    offers.offer(of('v1'));
    await told(report('a'));

    pass(11_000);

    expect(await told(report('b'))).toMatchObject({ version: 'v1' });
  });

  it('reach a replica that waits, when the first hangs', async () => {
    const { offers, told, pass } = setUp();
    offers.offer(of('v1'));
    await told(report('a'));
    const waiting = offers.next(report('b'), new AbortController().signal);

    pass(11_000);

    expect(await waiting).toMatchObject({ version: 'v1' });
  });

  it('are only for those that were started for the same', async () => {
    const { offers, told } = setUp();
    offers.offer(of('v1'));

    expect(await told({ ...report('a'), boot: 'other' })).toBeUndefined();
  });

  it('skip what was overtaken: a newer one goes to the first replica again', async () => {
    const { offers, told } = setUp();
    offers.offer(of('v1'));
    await told(report('a'));
    offers.offer(of('v2'));

    expect(await told(report('a', 'v1'))).toMatchObject({ version: 'v2' });
  });

  it('are tried by one replica at a time; what it takes goes on to the others though there is a newer one', async () => {
    const { offers, told } = setUp();
    offers.offer(of('v1'));
    await told(report('a'));
    offers.offer(of('v2'));
    expect(await told(report('b'))).toBeUndefined();

    await told(report('a', boot, { loaded: 'v1' }));

    expect(await told(report('b'))).toMatchObject({ version: 'v2' });
    expect(await told(report('c'))).toMatchObject({ version: 'v1' });
    expect(await told(report('a', 'v1'))).toBeUndefined();
  });

  it('go to another replica where the first takes long for one that was overtaken', async () => {
    const { offers, told, pass } = setUp();
    offers.offer(of('v1'));
    await told(report('a'));
    offers.offer(of('v2'));

    pass(6000);

    expect(await told(report('b'))).toMatchObject({ version: 'v2' });
  });

  it('of the version before last end what was tried since', async () => {
    const { offers, told } = setUp();
    await prove(offers, told, 'v1');
    offers.offer(of('v2'));
    await told(report('a', 'v1'));

    offers.offer(of('v1'));

    expect(await told(report('a', 'v2'))).toMatchObject({ version: 'v1' });
    expect(await told(report('b', 'v1'))).toBeUndefined();
    expect(offers.state.offers).toEqual([{ boot, version: 'v1', refused: null }]);
  });

  it('tell who serves what, and forget replicas that are silent', async () => {
    const { offers, told, pass } = setUp();
    await told(report('a'));
    const before = offers.state;
    const moved = offers.moved(before, AbortSignal.timeout(10_000));
    await told(report('b', 'v1'));
    await moved;
    expect(offers.state.replicas).toMatchObject([
      { task: 'a', serving: boot },
      { task: 'b', serving: 'v1' },
    ]);

    pass(121_000);
    await told(report('b', 'v1'));

    expect(offers.state.replicas.map(({ task }) => task)).toEqual(['b']);
  });

  it('come with what the newest replica found in its secrets', async () => {
    const { offers, told } = setUp();
    const secrets = (name: string) => [secretFacts(name)];

    await told(report('a', boot, { secrets: secrets('old') }));
    await told(report('b', boot, { secrets: secrets('new') }));
    await told(report('a', boot, { secrets: secrets('old') }));

    expect(offers.state.secrets).toEqual(secrets('new'));
    expect(JSON.stringify(offers.state.replicas)).not.toContain('certificates');
  });
});

describe('a trial', () => {
  it('is for one replica, and for the others once it is offered', async () => {
    const { offers, told } = setUp();
    await prove(offers, told, 'v1');
    const isTaken = offers.try(of('v2'), patience);

    expect(await told(report('a', 'v1'))).toMatchObject({ version: 'v2' });
    await told(report('a', 'v1', { loaded: 'v2' }));
    expect(await isTaken).toBe(true);
    expect(await told(report('a', 'v2'))).toBeUndefined();
    expect(await told(report('b', 'v1'))).toBeUndefined();
    expect(offers.state.offers).toEqual([{ boot, version: 'v1', refused: null }]);
    offers.offer(of('v2'));

    expect(await told(report('b', 'v1'))).toMatchObject({ version: 'v2' });
  });

  it('that is offered before the replica has taken it goes on as an offer', async () => {
    const { offers, told } = setUp();
    await prove(offers, told, 'v1');
    void offers.try(of('v2'), patience);
    await told(report('a', 'v1'));
    offers.offer(of('v2'));

    expect(await told(report('b', 'v1'))).toBeUndefined();
    await told(report('a', 'v1', { loaded: 'v2' }));

    expect(await told(report('b', 'v1'))).toMatchObject({ version: 'v2' });
  });

  it('that is withdrawn is taken back from the replica, and leaves what was offered before', async () => {
    const { offers, told } = setUp();
    await prove(offers, told, 'v1');
    offers.offer(of('v2'));
    const isTaken = offers.try(of('v3'), patience);
    expect(await told(report('a', 'v1'))).toMatchObject({ version: 'v3' });

    offers.withdraw(boot);

    expect(await isTaken).toBe(false);
    expect(await told(report('a', 'v3'))).toMatchObject({ version: 'v2' });
  });

  it('that is refused is told of, and not tried again when it is offered', async () => {
    const { offers, told } = setUp();
    await prove(offers, told, 'v1');
    const isTaken = offers.try(of('v2'), patience);
    await told(report('a', 'v1'));
    await told(report('a', 'v1', { refused: { version: 'v2', message: 'no' } }));
    expect(await isTaken).toBe(false);
    offers.offer(of('v2'));

    expect(await told(report('b', 'v1'))).toBeUndefined();
    expect(offers.state.offers).toEqual([{ boot, version: 'v2', refused: 'no' }]);
  });

  it('waits for a proven version to go back to', async () => {
    const { offers, told } = setUp();

    expect(await offers.try(of('v1'), patience)).toBe(false);

    expect(await told(report('a'))).toBeUndefined();
  });

  it('is over at once where no replica is there', async () => {
    const { offers, told, pass } = setUp();
    await prove(offers, told, 'v1');
    pass(200_000);
    await told({ ...report('other'), boot: 'other' });

    expect(await offers.try(of('v2'), patience)).toBe(false);
  });

  it('goes on where it was not taken in time, and who waits for it does not', async () => {
    const { offers, told } = setUp();
    await prove(offers, told, 'v1');
    const patience = new AbortController();
    const isTaken = offers.try(of('v2'), patience.signal);
    await told(report('a', 'v1'));

    patience.abort();

    expect(await isTaken).toBe(false);
    offers.offer(of('v2'));
    await told(report('a', 'v2'));
    expect(await told(report('b', 'v1'))).toMatchObject({ version: 'v2' });
  });
});

/** Has one replica take the version. */
async function prove(offers: Offers, told: ReturnType<typeof setUp>['told'], version: string): Promise<void> {
  offers.offer(of(version));
  await told(report('a'));
  await told(report('a', version));
}
