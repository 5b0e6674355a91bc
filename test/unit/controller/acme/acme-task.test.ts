import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewCertificates } from '../../../../src/controller/admin/certificates.ts';
import { ConflictError } from '../../../../src/controller/ports.ts';
import { RetryableError } from '../../../../src/lib/retryable.ts';
import { type AcmeState, begun, emptyState, failed } from '../../../../src/model/acme/state.ts';
import { AcmeWorld } from '../../../support/acme-world.ts';
import { aService } from '../../../support/builders.ts';
import { eventually } from '../../../support/eventually.ts';

const acme = { lb: { acme: 'true' } };
const DAY_MS = 86_400_000;

describe('certificates', () => {
  it('are ordered once, stored as secrets, and then terminate TLS', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    const task = world.controller();
    await world.settle(task);
    expect(world.orders).toEqual(['a.example.org']);
    expect(world.certificates()).toHaveLength(1);
    const [state] = world.status().desired.clusters;
    expect(state!.routes).toMatchObject([{ tls: { kind: 'terminated', certificate: world.certificates()[0] } }]);
    expect(state!.secrets.map(({ name }) => name)).toEqual(world.certificates());
    expect(task.problems).toEqual([]);
    world.clock.advance(30 * DAY_MS);
    await world.settle(task);
    expect(world.orders).toHaveLength(1);
  });

  it('are ordered by a service that mounts the account key, and nothing else of others', async () => {
    const world = new AcmeWorld({ Ca: 'ca', DnsSecret: 'dns' });
    world.secrets = ['ca', 'dns', 'other'].map((name) => ({ id: name, name, createdAt: '', labels: {} }));
    world.services = [aService('a', acme)];
    await world.settle(world.controller());
    const { secrets, ports, name } = world.ensured.at(-1)!;
    expect([name, ports]).toEqual(['signalbox-acme', []]);
    expect(secrets.map(({ target }) => target)).toEqual([
      'signalbox-acme',
      'signalbox-named-ca',
      'signalbox-named-dns',
      expect.stringMatching(/^signalbox-acme-account-test-/),
    ]);
  });

  it('wait until all proxies answer challenges, and the service answers', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    world.isLive = false;
    const task = world.controller();
    await world.settle(task);
    expect(world.orders).toEqual([]);
    expect(task.problems).toMatchObject([{ severity: 'notice', service: 'a' }]);
    world.isLive = true;
    world.isUp = false;
    await world.settle(task);
    expect(world.orders).toEqual([]);
    world.clock.advance(61_000);
    await world.settle(task);
    expect(task.problems).toMatchObject([
      { severity: 'notice' },
      { severity: 'error', reason: expect.stringContaining('signalbox-acme does not answer') },
    ]);
    world.isUp = true;
    await world.settle(task);
    expect(world.orders).toHaveLength(1);
    expect(task.problems).toEqual([]);
  });

  it('need no service and no account if nobody asks for them', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a')];
    await world.settle(world.controller());
    expect([world.ensured, world.secrets, world.saved]).toEqual([[], [], undefined]);
  });

  it('are renewed before they expire, and replaced ones are removed a day later', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    const task = world.controller();
    await world.settle(task);
    const [first] = world.certificates();
    world.clock.advance(61 * DAY_MS);
    await world.settle(task);
    expect(world.orders).toHaveLength(2);
    expect(world.certificates()).toHaveLength(2);
    const [state] = world.status().desired.clusters;
    expect(state!.routes).toMatchObject([{ tls: { certificate: expect.not.stringMatching(first!) } }]);
    world.clock.advance(2 * DAY_MS);
    await world.settle(task);
    expect(world.certificates()).not.toContain(first);
    expect(world.orders).toHaveLength(2);
  });

  it('are renewed when the CA says so', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    const task = world.controller();
    await world.settle(task);
    const now = world.clock.now();
    world.window = { window: { start: now, end: now + 1 }, againAfterMs: DAY_MS };
    world.clock.advance(2 * DAY_MS);
    await world.settle(task);
    expect(world.orders).toHaveLength(2);
  });
});

describe('the internal CA', () => {
  const internal = { lb: { acme: 'internal' } };

  it('issues certificates at once, without a service, an account or proxies that answer challenges', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', internal), aService('w', { lb: { acme: 'internal', hosts: '*.w.test, printer' } })];
    world.isUp = false;
    world.isLive = false;
    const task = world.controller();
    await world.settle(task);

    expect([world.orders, world.ensured]).toEqual([[], []]);
    expect(task.certificates).toMatchObject([{ name: '*.w.test' }, { name: 'a.example.org' }, { name: 'printer' }]);
    expect(task.certificates.every(({ current }) => current !== undefined)).toBe(true);
    expect(world.certificates()).toHaveLength(3);
    expect(task.problems).toEqual([]);
    const [state] = world.status().desired.clusters;
    expect(state!.routes.every(({ tls }) => tls.kind === 'terminated')).toBe(true);
  });

  it('renews them, and is not held up by an ACME service that does not answer', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', internal), aService('b', acme)];
    world.isUp = false;
    const task = world.controller();
    await world.settle(task);
    const [first] = world.certificates();
    expect(world.certificates()).toHaveLength(1);
    world.clock.advance(61 * DAY_MS);
    await world.settle(task);
    expect(world.certificates()).toHaveLength(2);
    expect(world.certificates()).toContain(first);
    expect(world.orders).toEqual([]);
  });

  it('has no budget: a hundred hosts have certificates at once', async () => {
    const world = new AcmeWorld();
    world.services = Array.from({ length: 100 }, (_, n) => aService(`h${n}`, internal));
    await world.settle(world.controller());
    expect(world.certificates()).toHaveLength(100);
  });

  it('is not used for the label value true', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    await world.settle(world.controller());
    expect(world.orders).toEqual(['a.example.org']);
  });
});

describe('a running controller', () => {
  it('asks nobody while the swarm is idle', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    const stop = new AbortController();
    const running = world.controller().run(stop.signal);
    await expect.poll(() => world.certificates(), { timeout: 10_000 }).toHaveLength(1);
    // The reservation, the result, and the window of renewal.
    await expect.poll(() => world.saved?.text, { timeout: 10_000 }).toContain('checkAfter');
    await expect
      .poll(async () => {
        const { loads } = world;
        for (let passes = 0; passes < 20; passes++) {
          world.announce();
          await new Promise(setImmediate);
        }
        return world.loads - loads;
      })
      .toBe(0);
    expect(world.orders).toHaveLength(1);
    stop.abort();
    await running;
  });
});

describe('what DNS says', () => {
  it('is a warning beside the order, which it does not delay, and is gone with the certificate', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    world.dns = { addresses: [], caa: null, identities: [] };
    world.answer = async () => ({ kind: 'failed', failure: { kind: 'dns', reason: 'no such host' } });
    const task = world.controller();
    await world.settle(task);
    expect(world.orders).toHaveLength(1);
    expect(world.lookups).toEqual(['a.example.org']);
    const reasons = () => task.problems.map(({ severity, reason }) => `${severity}: ${reason}`);
    expect(reasons()).toContain(
      'warning: a.example.org has neither an A nor an AAAA record, so the CA cannot reach it',
    );
    expect(task.problems.every(({ service }) => service === 'a')).toBe(true);
    expect(viewCertificates(task.certificates, undefined, world.clock.now())[0]!.notes).toMatchObject([
      { reason: expect.stringContaining('neither an A nor'), remedy: expect.any(String) },
    ]);
    world.dns = { addresses: ['192.0.2.1'], caa: null, identities: [] };
    world.clock.advance(11 * 60_000);
    await world.settle(task);
    expect(world.lookups).toHaveLength(2);
    expect(reasons().join()).not.toContain('neither');
    world.answer = ({ names }) => world.issue(names);
    world.clock.advance(60 * 60_000);
    await world.settle(task);
    expect(task.problems).toEqual([]);
  });

  it('is not needed for orders: they begin if the service cannot look up names', async () => {
    const world = new AcmeWorld();
    world.services = Array.from({ length: 6 }, (_, n) => aService(`h${n}`, acme));
    world.dns = 'broken' as never;
    await world.settle(world.controller());
    expect(world.certificates()).toHaveLength(6);
  });
});

describe('several controllers', () => {
  it('order each certificate once', async () => {
    const world = new AcmeWorld();
    world.services = Array.from({ length: 20 }, (_, n) => aService(`h${n}`, acme));
    const tasks = [world.controller(), world.controller(), world.controller()];
    await world.settle(...tasks);
    expect(world.orders.toSorted()).toEqual(world.services.map(({ name }) => `${name}.example.org`).toSorted());
    expect(world.certificates()).toHaveLength(20);
  });
});

describe('a renewal that a user asks for', () => {
  const order = { issuer: 'test', name: 'a.example.org', isRenewal: true };
  const certified = async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    const tasks = [world.controller(), world.controller()] as const;
    await world.settle(...tasks);
    world.clock.advance(10 * 60_000);
    await world.settle(...tasks);
    expect(world.orders).toHaveLength(1);
    return { world, tasks };
  };

  it('is ordered once, whichever controllers are asked and however often', async () => {
    const { world, tasks } = await certified();
    const answers = await Promise.all([...tasks, ...tasks].map((task) => task.renew('a.example.org')));
    expect(answers.map((answer) => answer?.kind)).toEqual(Array(4).fill('accepted'));
    await world.settle(...tasks);
    expect(world.orders).toHaveLength(2);
    expect(world.certificates()).toHaveLength(2);
    world.clock.advance(DAY_MS / 2);
    await world.settle(...tasks);
    expect(world.orders).toHaveLength(2);
    expect(tasks[0].problems).toEqual([]);
  });

  it('is fulfilled by a certificate that a controller stored before it ended', async () => {
    const { world, tasks } = await certified();
    await tasks[0].renew('a.example.org');
    await world.endUnrecorded(tasks[0]);
    expect(world.certificates()).toHaveLength(2);
    world.clock.advance(20 * 60_000);
    await world.settle(world.controller());
    expect(world.orders).toHaveLength(2);
  });

  it('waits until a new certificate has settled', async () => {
    const { world, tasks } = await certified();
    await tasks[0].renew('a.example.org');
    await world.settle(...tasks);
    const now = world.clock.now();
    const answer = await tasks[0].renew('a.example.org');
    expect(answer?.kind === 'accepted' && answer.at > now + 290_000).toBe(true);
    await world.settle(...tasks);
    expect(world.orders).toHaveLength(2);
    world.clock.advance(5 * 60_000);
    await world.settle(...tasks);
    expect(world.orders).toHaveLength(3);
  });

  it('is rejected while an order is under way, beyond a budget, and before the time that the CA says', async () => {
    const { world, tasks } = await certified();
    const [task] = tasks;
    const asked = async (state: AcmeState) => {
      world.saved = { revision: (world.saved?.revision ?? 0) + 1, text: JSON.stringify(state) };
      return task.renew('a.example.org');
    };
    const now = world.clock.now();
    const underWay = begun(emptyState, order, now, 'one');
    expect(await asked(underWay)).toMatchObject({ kind: 'refused', reason: 'an order is under way' });
    const limited = { kind: 'rate-limited', reason: 'too many certificates', at: now } as const;
    expect(await asked(failed(underWay, 'a.example.org', limited, now + DAY_MS))).toEqual({
      kind: 'refused',
      reason: `the CA accepts no order before ${new Date(now + DAY_MS).toISOString()}: too many certificates`,
    });
    const orders = Array.from({ length: 4 }, () => ({ ...order, at: now }));
    expect(await asked({ ...emptyState, orders })).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('has been ordered 4 times in seven days'),
    });
    expect(await asked(emptyState)).toMatchObject({ kind: 'accepted' });
    expect(await task.renew('other.example.org')).toBeUndefined();
  });

  it('ends the back-off after failures, also of a first certificate', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    const failure = { kind: 'dns', reason: 'no such host' } as const;
    world.answer = async () => ({ kind: 'failed', failure });
    const task = world.controller();
    await world.settle(task);
    world.answer = ({ names }) => world.issue(names);
    await world.settle(task);
    expect(world.orders).toHaveLength(1);
    expect(await task.renew('a.example.org')).toMatchObject({ kind: 'accepted' });
    await world.settle(task);
    expect(world.orders).toHaveLength(2);
    expect(world.certificates()).toHaveLength(1);
  });
});

describe('failures', () => {
  it('are shown to the owner, and repeated with growing delays', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme), aService('b', acme)];
    const refuse = async () =>
      ({ kind: 'failed', failure: { kind: 'unauthorized', reason: 'the CA answers: no such host' } }) as const;
    world.answer = async (request) => (request.names[0] === 'a.example.org' ? refuse() : world.issue(request.names));
    const task = world.controller();
    await world.settle(task);
    expect(world.orders.toSorted()).toEqual(['a.example.org', 'b.example.org']);
    expect(task.problems).toMatchObject([
      { severity: 'error', service: 'a', reason: 'a.example.org has no certificate: the CA answers: no such host' },
    ]);
    await world.settle(world.controller());
    expect(world.orders).toHaveLength(2);
    world.clock.advance(60_000);
    await world.settle(task);
    expect(world.orders).toHaveLength(3);
    world.answer = ({ names }) => world.issue(names);
    world.clock.advance(3 * 60_000);
    await world.settle(task);
    expect(world.orders).toHaveLength(4);
    expect(task.problems).toEqual([]);
  });

  it.each([
    ['of another name', (world: AcmeWorld) => world.issue(['evil.example.org'])],
    ['of more names', (world: AcmeWorld) => world.issue(['a.example.org', 'evil.example.org'])],
    [
      'with another key',
      async (world: AcmeWorld) => ({ ...(await world.issue(['a.example.org'])), ...keyOf(await world.issue(['b'])) }),
    ],
    [
      'that says another name than it is for',
      async (world: AcmeWorld) => ({ ...(await world.issue(['evil.example.org'])), names: ['a.example.org'] }),
    ],
  ])('include a certificate %s', async (_, answer) => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    world.answer = () => answer(world) as never;
    const task = world.controller();
    await world.settle(task);
    expect(world.certificates()).toEqual([]);
    expect(task.problems).toMatchObject([{ severity: 'error' }]);
  });

  it('of a controller before the order lose nothing: another orders ten minutes later', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    world.answer = () => new Promise(() => undefined);
    const task = world.controller();
    const signal = new AbortController().signal;
    for (let n = 0; n < 4; n++) await task.step(signal);
    expect(world.orders).toHaveLength(1);
    world.answer = ({ names }) => world.issue(names);
    const next = world.controller();
    await world.settle(next);
    expect(world.orders).toHaveLength(1);
    world.clock.advance(10 * 60_000);
    await world.settle(next);
    expect(world.orders).toHaveLength(2);
    expect(world.certificates()).toHaveLength(1);
  });

  it('of a controller after the certificate is stored repeat nothing', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    await world.endUnrecorded(world.controller());
    expect(world.certificates()).toHaveLength(1);
    const next = world.controller();
    await world.settle(next);
    world.clock.advance(20 * 60_000);
    await world.settle(next);
    expect(world.orders).toHaveLength(1);
    expect(next.problems).toEqual([]);
  });
});

describe('a write whose answer is lost', () => {
  /** Another controller writes on top of it before its author reads it again. */
  const overtaken = (world: AcmeWorld) => {
    world.saved = { ...world.saved!, revision: world.saved!.revision + 1 };
    throw new ConflictError('outdated');
  };
  const failing = () => {
    throw new RetryableError('the Engine does not answer');
  };

  it.each([
    ['overtaken by another controller', overtaken],
    ['answered with an error', failing],
  ])('begins the order: %s', async (_, fault) => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    world.afterSave = once(() => fault(world));
    const task = world.controller();
    for (let n = 0; n < 3; n++) await task.step(new AbortController().signal).catch(() => undefined);
    await world.settle(task);

    expect(world.orders).toEqual(['a.example.org']);
    expect(world.certificates()).toHaveLength(1);
    expect(task.problems).toEqual([]);
  });

  it('counts a failure once', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    world.answer = async () => {
      world.afterSave = once(() => overtaken(world));
      return { kind: 'failed', failure: { kind: 'dns', reason: 'no such host' } };
    };
    await world.settle(world.controller());

    expect(JSON.parse(world.saved!.text)).toMatchObject({ attempts: { 'a.example.org': { failures: 1 } } });
  });

  it('is repeated if the end of an order was not stored', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    world.answer = async ({ names }) => {
      world.beforeSave = once(failing);
      return world.issue(names);
    };
    await world.settle(world.controller());

    expect(JSON.parse(world.saved!.text).attempts['a.example.org']).not.toHaveProperty('orderingUntil');
  });

  it('accepts a request to renew', async () => {
    const world = new AcmeWorld();
    world.services = [aService('a', acme)];
    const task = world.controller();
    await world.settle(task);
    world.clock.advance(20 * 60_000);
    await world.settle(task);
    world.afterSave = once(() => overtaken(world));
    expect(await task.renew('a.example.org')).toMatchObject({ kind: 'accepted' });
    await world.settle(task);

    expect(world.orders).toHaveLength(2);
  });

  it('leaves two controllers with one order for each host, whatever is lost', async () => {
    const kinds = fc.array(fc.constantFrom('none', 'overtaken', 'failing'), { maxLength: 40 });
    const orders = fc.asyncProperty(kinds, async (faults) => {
      const world = new AcmeWorld();
      const hosts = Array.from({ length: 6 }, (_, n) => `h${n}.example.org`);
      world.services = hosts.map((host) => aService(host, { lb: { acme: 'true', hosts: host } }));
      const left = [...faults];
      world.afterSave = () => {
        const fault = left.shift();
        if (fault === 'overtaken') overtaken(world);
        if (fault === 'failing') failing();
      };
      const tasks = [world.controller(), world.controller()];
      await eventually(async () => {
        await Promise.allSettled(tasks.map((task) => task.step(new AbortController().signal)));
        expect(world.certificates()).toHaveLength(hosts.length);
      });
      left.length = 0;
      await world.settle(...tasks);

      expect(world.orders.toSorted()).toEqual(hosts);
    });
    await fc.assert(orders, { numRuns: 6 });
  }, 60_000);
});

/** Once is enough: the next write is another one. */
function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}

const keyOf = (response: Awaited<ReturnType<AcmeWorld['issue']>>) =>
  response.kind === 'issued' ? { key: response.key } : {};
