import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { parseFrames, readTaskLines, type TaskLine } from '../../../../src/controller/docker/task-lines.ts';
import { AdminWorld } from '../../../support/admin-world.ts';
import { aNode, aService } from '../../../support/builders.ts';
import { ControllerWorld } from '../../../support/controller-world.ts';

const at = '2026-11-30T09:00:00.123456789Z';
const line = (host: string, path: string) =>
  `10.0.0.1 - - [30/Nov/2026:09:00:00 +0000] "GET ${path} HTTP/1.1" 200 5 "-" "curl" "-" host="${host}" id=abc upstream=10.0.1.2:8080 time=0.001`;

function frame(stream: number, text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

const client = (logs: (options: object) => Promise<unknown>) => ({ getTask: () => ({ logs }) }) as unknown as Docker;

describe('the log of a task', () => {
  it('is read from frames; errors and what is cut off are left out', () => {
    const log = Buffer.concat([
      frame(1, `${at} first\n`),
      frame(2, `${at} an error\n`),
      frame(1, `${at} zweite Zeile äöü\n`),
      frame(1, 'no time\n'),
      frame(1, `${at} cut off\n`).subarray(0, 20),
    ]);

    expect(parseFrames(log)).toEqual([
      { at, text: 'first' },
      { at, text: 'zweite Zeile äöü' },
    ]);
    expect(parseFrames(Buffer.from('rubbish'))).toEqual([]);
  });

  it('is asked for with a position, and never waited for', async () => {
    const asked: object[] = [];
    const answers = client(async (options) => {
      asked.push(options);
      return frame(1, `${at} hello\n`);
    });
    expect(await readTaskLines(answers, 'task', { tail: 5, since: '1.000000000' }, 1000)).toEqual([
      { at, text: 'hello' },
    ]);
    expect(asked).toMatchObject([{ follow: false, stderr: false, tail: 5, since: '1.000000000', timestamps: true }]);

    const start = performance.now();
    const silent = client(() => new Promise(() => {}));
    await expect(readTaskLines(silent, 'task', { tail: 5 }, 200)).rejects.toThrow('no answer within 0.2 s');
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe('GET /api/logs', () => {
  const open = async () => {
    const world = new ControllerWorld({ agents: true });
    for (const name of ['n1', 'n2']) world.swarm.addNode(aNode(name));
    world.swarm.deploy(aService('shop'));
    await world.settle();
    return AdminWorld.open({ world });
  };
  const lines = (...texts: string[]): TaskLine[] => texts.map((text) => ({ at, text }));

  it('shows the lines about a host, from all proxies, and continues after them', async () => {
    await using box = await open();
    const headers = await box.bearer('otto');
    const queries: unknown[] = [];
    box.readLines = async (task, query) => {
      queries.push(query);
      const json = `{"time": "x", "host": "shop.example.org", "path": "/json\u0007"}`;
      return lines(line('shop.example.org', `/${task}`), line('other.example.org', '/shop.example.org'), json);
    };
    const path = '/api/logs?host=shop.example.org&tail=7';

    const first = JSON.parse((await box.ask(path, { headers })).body);

    const count = queries.length;
    expect(count).toBeGreaterThan(0);
    expect(first.lines).toHaveLength(2 * count);
    expect(JSON.stringify(first)).not.toContain('other.example.org');
    expect(JSON.stringify(first)).not.toContain('\\u0007');
    expect(first.silent).toEqual([]);
    expect(queries).toEqual(queries.map(() => ({ tail: 7, since: undefined })));
    queries.length = 0;
    await box.ask(`${path}&cursor=${encodeURIComponent(first.cursor)}`, { headers });
    const seconds = Date.parse('2026-11-30T09:00:00Z') / 1000;
    expect(queries).toEqual(queries.map(() => ({ tail: 7, since: `${seconds}.123456790` })));
  });

  it('reports proxies that do not answer', async () => {
    await using box = await open();
    box.readLines = async () => {
      throw new Error('no answer within 5 s');
    };

    const { body } = await box.ask('/api/logs?host=shop.example.org', { headers: await box.bearer('otto') });

    expect(JSON.parse(body)).toMatchObject({ lines: [], cursor: '{}' });
    expect(JSON.parse(body).silent[0].reason).toBe('no answer within 5 s');
  });

  it.each([
    ['', 400],
    ['?host=shop.example.org&tail=0', 400],
    ['?host=shop.example.org&tail=100000', 400],
    ['?host=shop.example.org&cursor=x', 400],
    ['?host=shop.example.org&cursor=%7B%22..%2Fx%22%3A%221%22%7D', 400],
    ['?host=nobody.example.org', 404],
  ])('rejects %s', async (query, status) => {
    await using box = await open();
    const answer = await box.ask(`/api/logs${query}`, { headers: await box.bearer('otto') });
    expect(answer.status, answer.body).toBe(status);
  });

  it('requires the role operator, and shows tokens of a cluster only its hosts', async () => {
    await using box = await open();
    expect((await box.ask('/api/logs?host=shop.example.org', { headers: await box.bearer('vera') })).status).toBe(403);
    const { headers } = await box.apiToken({ name: 'ci', role: 'operator', cluster: 'default' });
    expect((await box.ask('/api/logs?host=shop.example.org', { headers })).status).toBe(200);
    expect((await box.ask('/api/logs?host=elsewhere.example.org', { headers })).status).toBe(404);
  });
});
