import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../../src/cli/commands.ts';
import { signalbox } from '../../support/command-line.ts';

describe('signalbox completion bash', () => {
  let script: string;
  beforeAll(async () => {
    script = (await signalbox(['completion', 'bash'])).out;
  });

  /** What a real bash offers for the last word. */
  function complete(...words: string[]): string[] {
    const program = `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _signalbox; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const output = execFileSync('bash', ['-uc', program, 'bash', 'signalbox', ...words], { encoding: 'utf8' });
    return output.split('\n').filter((line) => line !== '');
  }

  it('offers every command', () => {
    expect(complete('')).toEqual(['help', ...commands.map(({ name }) => name)]);
    expect(complete('help', '')).toEqual(commands.map(({ name }) => name));
    expect(complete('r')).toEqual(['render', 'routes', 'rollback', 'release']);
  });

  it('offers the options of the command', () => {
    expect(complete('lint', '--s')).toEqual(['--strict', '--stack', '--settings']);
    expect(complete('explain', '--header', 'X-A: 1', '--h')).toEqual(['--header', '--help']);
    expect(complete('lint', 'stack.yml', '--e')).toEqual(['--env-file']);
    expect(complete('frobnicate', '--')).toEqual([]);
  });

  it('offers words of the first argument', () => {
    expect(complete('maintenance', '')).toEqual(['on', 'off']);
    expect(complete('maintenance', 'on', '')).toEqual([]);
  });

  it('leaves files to bash', () => {
    expect(complete('lint', '')).toEqual([]);
    expect(script).toContain('complete -o default -F _signalbox signalbox');
  });
});

it.each(['zsh', 'fish'])('Completion of %s has every command with every option', async (shell) => {
  const { code, out } = await signalbox(['completion', shell]);

  expect(code).toBe(0);
  for (const { name, options } of commands) {
    const lines = out.split('\n').filter((line) => new RegExp(`^ +${name}\\) |_from ${name}'`).test(line));
    for (const option of Object.keys(options))
      expect(lines.join('\n'), name).toMatch(new RegExp(`(--|-l )${option}\\b`));
  }
});

it.each([[[]], [['tcsh']], [['toString']]])('Completion of %j is rejected', async (shell) => {
  expect(await signalbox(['completion', ...shell])).toMatchObject({
    code: 2,
    err: expect.stringContaining('Invalid or missing shell. Use bash, zsh, fish.'),
  });
});
