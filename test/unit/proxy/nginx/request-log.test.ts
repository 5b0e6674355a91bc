import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentLogs, RequestLog } from '../../../../src/proxy/nginx/request-log.ts';

const MIB = 1024 * 1024;
let folder: string;
let path: string;
let log: RequestLog;
let seen: { texts: string[]; lost: number; take(text: string): void };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'requests-'));
  path = join(folder, 'requests.log');
  seen = {
    texts: [],
    lost: 0,
    take(text) {
      this.texts.push(text);
    },
  };
  log = new RequestLog(path, seen);
});
afterEach(() => {
  log[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const write = (text: string) => appendFileSync(path, text);
const taken = () => seen.texts.join('');
const line = (number: number) => `host-${number}.example.org 200 0.001\n`;
const lines = (count: number) => Array.from({ length: count }, (_, number) => line(number)).join('');

it('is one of several logs, each with a file of its own', () => {
  expect(new Set(Object.values(agentLogs)).size).toBe(3);
});

describe('a request log', () => {
  it('is read once, and as it grows', () => {
    log.read();
    write('a\nb\n');
    log.read();
    log.read();
    write('c\n');
    log.read();

    expect(taken()).toBe('a\nb\nc\n');
  });

  it('returns complete lines only', () => {
    write('a\nbe');
    log.read();
    expect(taken()).toBe('a\n');

    write('gun\n');
    log.read();
    expect(taken()).toBe('a\nbegun\n');
  });

  it('is truncated in place when it is long, and continues without a lost or repeated line', () => {
    const long = lines(200_000);
    for (let from = 0; from < long.length; from += 1_000_000) {
      write(long.slice(from, from + 1_000_000));
      log.read();
      expect(statSync(path).size).toBeLessThan(6 * MIB);
    }
    write('last\n');
    log.read();

    expect(taken()).toBe(`${long}last\n`);
    expect(seen.lost).toBe(0);
  });

  it('is not truncated while a line is being written', () => {
    write(`${lines(200_000)}half a li`);
    log.read();
    write('ne\n');
    log.read();

    expect(taken().slice(-40)).toContain('half a line\n');
    expect(statSync(path).size).toBe(0);
  });

  it('that is far behind has its lines numbered, and is correct from then on', () => {
    const many = lines(500_000);
    expect(many.length).toBeGreaterThan(16 * MIB);
    write(many);
    log.read();
    expect(seen.lost).toBe(500_000);
    expect(taken()).toBe('');
    expect(statSync(path).size).toBe(0);

    write('a\n');
    log.read();
    expect(taken()).toBe('a\n');
  });

  it('with a malformed line continues after it', () => {
    write('x'.repeat(200_000));
    log.read();
    write('\na\n');
    log.read();

    expect(taken()).toMatch(/\na\n$/);
  });
});
