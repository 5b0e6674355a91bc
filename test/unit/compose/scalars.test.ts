import { describe, expect, it } from 'vitest';
import { load } from '../../support/compose.ts';

/** The value of a label, or what docker stack deploy would reject. */
function label(value: string): string | undefined {
  const text = `services:\n  app:\n    deploy:\n      labels:\n        com.docker.lb.port: ${value}\n`;
  const { stack, findings } = load({ 'stack.yml': text });
  return findings.length > 0 ? 'rejected' : stack.services.get('app')?.labels.get('com.docker.lb.port')?.value;
}

/** As `docker stack config` prints them, version 28.2. */
const scalars: [string, string][] = [
  ['8080', '8080'],
  ['010', '8'],
  ['0o10', '8'],
  ['0O17', '15'],
  ['-0o17', '-15'],
  ['0o8', '0o8'],
  ['0o', '0o'],
  ['0777', '511'],
  ['08', '8'],
  ['089', '89'],
  ['08.5', '8.5'],
  ['00', '0'],
  ['-010', '-8'],
  ['+010', '8'],
  ['8_080', '8080'],
  ['80_', '80'],
  ['_80', '_80'],
  ['1__0', '10'],
  ['07_0', '56'],
  ['0_7', '7'],
  ['0x1F90', '8080'],
  ['0X1f', '31'],
  ['0x8_0', '128'],
  ['0x', '0x'],
  ['0x1p4', '0x1p4'],
  ['0b11', '3'],
  ['0B11', '3'],
  ['-0b11', '-3'],
  ['0b1_1', '3'],
  ['0b2', '0b2'],
  ['8080.0', '8080'],
  ['1.', '1'],
  ['.5', '0.5'],
  ['+.5', '0.5'],
  ['.', '.'],
  ['+', '+'],
  ['-0', '0'],
  ['-0.0', '-0'],
  ['1e3', '1000'],
  ['1E5', '100000'],
  ['1_0e3', '10000'],
  ['1e3_0', '1e+30'],
  ['1e20', '1e+20'],
  ['1e400', '1e400'],
  ['1e', '1e'],
  ['1e-5', '1e-05'],
  ['0.0001', '0.0001'],
  ['1_000.5', '1000.5'],
  ['100000.5', '100000.5'],
  ['1234567', '1234567'],
  ['1234567.0', '1.234567e+06'],
  ['123456789.0', '1.23456789e+08'],
  ['100000000.5', '1.000000005e+08'],
  ['1.5e300', '1.5e+300'],
  ['5e-324', '5e-324'],
  ['9007199254740993', '9007199254740993'],
  ['12345678901234567890', '12345678901234567890'],
  ['18446744073709551615', '18446744073709551615'],
  ['18446744073709551616', '1.8446744073709552e+19'],
  ['-9223372036854775809', '-9.223372036854776e+18'],
  ['190:20', '190:20'],
  ['190:20:30', '190:20:30'],
  ['2020-01-01', '2020-01-01 00:00:00 +0000 UTC'],
  ['2020-1-2', '2020-01-02 00:00:00 +0000 UTC'],
  ['2020-13-01', '2020-13-01'],
  ['2020-01-01T00:00:00Z', '2020-01-01 00:00:00 +0000 UTC'],
  ['2020-01-01 10:11:12.5', '2020-01-01 10:11:12.5 +0000 UTC'],
  ['2020-01-01 10:11', '2020-01-01 10:11'],
  ['2020-01-01T10:11:12+02:00', '2020-01-01 10:11:12 +0200 +0200'],
  ['2001-12-14t21:59:43.10-05:00', '2001-12-14 21:59:43.1 -0500 -0500'],
  ['yes', 'yes'],
  ['no', 'no'],
  ['on', 'on'],
  ['y', 'y'],
  ['n', 'n'],
  ['No', 'No'],
  ['~', ''],
  ['', ''],
  ['null', ''],
  ['Null', ''],
  ['nULL', 'nULL'],
  ['"010"', '010'],
  ["'8_080'", '8_080'],
  ['"true"', 'true'],
  ['!!str 010', '010'],
  ['!!int "010"', '8'],
  ['! 010', '8'],
  ['!!binary aGVsbG8=', 'hello'],
  ['=', '='],
  ['true', 'rejected'],
  ['TRUE', 'rejected'],
  ['False', 'rejected'],
  ['!!bool "true"', 'rejected'],
  ['.inf', 'rejected'],
  ['-.INF', 'rejected'],
  ['.nan', 'rejected'],
];

describe('an unquoted scalar', () => {
  it.each(scalars)('%s is read as docker reads it: %j', (written, value) => {
    expect(label(written)).toBe(value);
  });

  it('is read the same behind an anchor', () => {
    const text = 'services: {app: {deploy: {labels: {a: &x 010, b: *x}}}}';
    const labels = load({ 'stack.yml': text }).stack.services.get('app')?.labels;

    expect([labels?.get('a')?.value, labels?.get('b')?.value]).toEqual(['8', '8']);
  });

  it('is read the same in replicas and ports', () => {
    const text = 'services: {app: {ports: [010, 20:22, 8_080, 0x50], deploy: {replicas: 0o12}}}';
    const service = load({ 'stack.yml': text }).stack.services.get('app');

    expect(service?.ports.map(({ target, published }) => [published, target])).toEqual([
      [undefined, 8],
      [20, 22],
      [undefined, 8080],
      [undefined, 80],
    ]);
    expect(service?.replicas).toBe(10);
  });

  it.each(['1: a', 'true: a', '~: a', '2020-01-01: a'])('is not a key: %s', (pair) => {
    const text = `services: {app: {deploy: {labels: {${pair}}}}}`;

    expect(load({ 'stack.yml': text }).findings).toMatchObject([
      { severity: 'error', reason: expect.stringContaining('has a key that is not a string') },
    ]);
  });
});
