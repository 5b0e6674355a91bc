import { Resolver } from 'node:dns/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeCase } from '../../../../src/model/dns/name-case.ts';
import { codes, parseAnswer, parseQuery, writeAnswer, writeQuery } from '../../../../src/proxy/nginx/dns-message.ts';
import { NameRelay } from '../../../../src/proxy/nginx/name-relay.ts';
import { exchange, exchangeOverTcp, FakeDns } from '../../../support/dns.ts';

const name = 'tasks.web.MyApp_default';
const encoded = encodeCase(name);

let engine: FakeDns;
let relay: NameRelay;

const startRelay = (timeoutMs?: number) =>
  NameRelay.start({
    listen: { host: '127.0.0.1', port: 0 },
    server: engine.address,
    ...(timeoutMs ? { timeoutMs } : {}),
  });

beforeEach(async () => {
  engine = await FakeDns.start();
  relay = await startRelay();
});
afterEach(async () => {
  await relay[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

async function ask(query: string, id = 7, waitMs?: number) {
  const message = writeQuery(id, query);
  const answer = await exchange(relay.ports[0]!, message, waitMs);
  // The question is returned as it was sent.
  if (answer) expect(answer.subarray(12, message.length)).toEqual(message.subarray(12));
  return answer && parseAnswer(answer);
}

function resolver(): Resolver {
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([`127.0.0.1:${relay.ports[0]!}`]);
  return resolver;
}

const addresses = (count: number) => Array.from({ length: count }, (_, n) => `10.0.${n >> 8}.${n & 0xff}`);

describe('the relay', () => {
  it('sends queries with the upper-case letters of the name, and returns the addresses', async () => {
    engine.names.set(name, { addresses: ['10.0.1.2', '10.0.1.3'] });

    expect(await resolver().resolve4(encoded)).toEqual(['10.0.1.2', '10.0.1.3']);
    expect(engine.queried).toEqual([name]);
  });

  it('keeps identifier and time to live', async () => {
    engine.names.set(name, { addresses: ['10.0.1.2'] });

    expect(await ask(encoded, 4711)).toMatchObject({
      id: 4711,
      code: codes.noError,
      truncated: false,
      records: [Buffer.from([0, 0, 2, 88, 10, 0, 1, 2])],
    });
  });

  it.each([codes.nameError, codes.serverFailure, codes.refused])('passes on the error code %i', async (code) => {
    engine.names.set(name, { code });

    expect(await ask(encoded)).toMatchObject({ code, records: [] });
  });

  it('does not answer if the engine does not', async () => {
    engine.names.set(name, 'silence');

    expect(await ask(encoded, 7, 200)).toBeUndefined();
    const query = writeQuery(1, encoded);
    expect(
      await exchangeOverTcp(relay.ports[0]!, Buffer.concat([Buffer.from([0, query.length]), query]), 200),
    ).toHaveLength(0);
  });

  it.each([20, 300, 4000])('switches to TCP for a service with %i tasks', async (count) => {
    engine.names.set(name, { addresses: addresses(count) });

    expect(await ask(encoded)).toMatchObject({ truncated: true });
    if (count < 2000) expect(await resolver().resolve4(encoded)).toEqual(addresses(count));
  });

  it('answers several queries on one connection', async () => {
    engine.names.set(name, { addresses: addresses(2) });
    const framed = [1, 2, 3].map((id) => {
      const query = writeQuery(id, encoded);
      return Buffer.concat([Buffer.from([0, query.length]), query]);
    });

    const read = await exchangeOverTcp(relay.ports[0]!, Buffer.concat(framed));

    const length = read.readUInt16BE(0) + 2;
    const ids = [0, 1, 2].map((n) => parseAnswer(read.subarray(n * length + 2, (n + 1) * length))?.id);
    expect(ids.toSorted()).toEqual([1, 2, 3]);
  });

  it.each(['tasks.web.myapp_default', 'example.org', encoded.toUpperCase()])('rejects %s', async (query) => {
    expect(await ask(query)).toMatchObject({ code: codes.refused });
    expect(engine.queried).toEqual([]);
  });

  it('rejects other record types', async () => {
    const query = writeQuery(1, encoded);
    query.writeUInt16BE(28, query.length - 4);

    expect((await exchange(relay.ports[0]!, query))?.readUInt8(3)).toBe(0x80 | codes.refused);
  });

  it('ignores answers to another question, with another identifier, or invalid ones', async () => {
    engine.names.set(name, { addresses: ['10.0.0.1'] });
    engine.forge = (answer) => {
      const forged = () => Buffer.from(answer.map((byte, at) => (at < answer.length - 1 ? byte : 66)));
      const [otherId, otherName, query] = [forged(), forged(), forged()];
      otherId.writeUInt16BE((answer.readUInt16BE(0) + 1) & 0xffff, 0);
      otherName.write('x', 13);
      query.writeUInt16BE(0x0100, 2);
      return [otherId, otherName, query, Buffer.from('nonsense'), Buffer.alloc(0)];
    };

    expect((await ask(encoded))?.records).toEqual([Buffer.from([0, 0, 2, 88, 10, 0, 0, 1])]);
  });

  it('sends the engine no more queries than it can take at once, and answers all', async () => {
    engine.delayMs = 20;
    const names = Array.from({ length: 400 }, (_, n) => `tasks.web${n}.ProxyNet`);
    for (const name of names) engine.names.set(name, { addresses: ['10.0.0.1'] });

    const answers = await Promise.all(names.map((name) => ask(encodeCase(name), 1, 5000)));

    expect(answers.filter((answer) => answer?.records.length === 1)).toHaveLength(names.length);
    expect(engine.mostAtOnce).toBeLessThanOrEqual(200);
    expect(engine.mostAtOnce).toBeGreaterThan(50);
  });

  it('continues after names that are never answered', async () => {
    await relay[Symbol.asyncDispose]();
    relay = await startRelay(200);
    engine.names.set(name, { addresses: ['10.0.0.1'] });
    for (let n = 0; n < 250; n++) engine.names.set(`tasks.lost${n}.ProxyNet`, 'silence');
    await Promise.all(Array.from({ length: 250 }, (_, n) => ask(encodeCase(`tasks.lost${n}.ProxyNet`), 1, 300)));

    await expect.poll(() => ask(encoded, 1, 300)).toMatchObject({ code: codes.noError });
  });

  it('rejects if its port is in use', async () => {
    await expect(
      NameRelay.start({ listen: { host: '127.0.0.1', port: relay.ports[0]! }, server: engine.address }),
    ).rejects.toThrow('EADDRINUSE');
  });
});

describe('a malformed message', () => {
  const valid = writeQuery(1, encoded);
  const damaged = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.tuple(fc.nat(valid.length - 1), fc.nat(255)).map(([at, value]) => {
      const message = Buffer.from(valid);
      message[at] = value;
      return message;
    }),
    fc.nat(valid.length).map((length) => valid.subarray(0, length)),
  );

  it('never disturbs the relay', async () => {
    engine.names.set(name, { addresses: ['10.0.0.1'] });
    await fc.assert(
      fc.asyncProperty(damaged, async (message) => {
        await Promise.all([
          exchange(relay.ports[0]!, Buffer.from(message), 2),
          exchangeOverTcp(relay.ports[0]!, Buffer.from(message), 2),
        ]);
      }),
      { numRuns: 200 },
    );

    expect(await ask(encoded)).toMatchObject({ code: codes.noError, records: [expect.any(Buffer)] });
  });

  it('is rejected, or read within its bounds', () => {
    fc.assert(
      fc.property(damaged, (message) => {
        const buffer = Buffer.from(message);
        const query = parseQuery(buffer);
        if (query) expect(writeQuery(query.id, query.name).subarray(12, -4)).toEqual(query.question.subarray(0, -4));
        parseAnswer(buffer);
      }),
      { numRuns: 2000 },
    );
  });

  it('is not read as an answer either: damaged, truncated, or with invalid pointers', () => {
    const query = parseQuery(valid)!;
    const records = [Buffer.alloc(8, 1), Buffer.alloc(8, 2)];
    const answer = writeAnswer(query, { code: 0, truncated: false, records }, 512);
    expect(parseAnswer(answer)?.records).toEqual(records);
    fc.assert(
      fc.property(fc.nat(answer.length - 1), fc.nat(255), fc.nat(answer.length), (at, value, length) => {
        const message = Buffer.from(answer);
        message[at] = value;
        const read = parseAnswer(message.subarray(0, length));
        if (read) expect(read.records.every((record) => record.length === 8)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
