// The action for GitHub and the hook for pre-commit, run as those run them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { project } from '../../../bed/places.ts';

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly runs: {
    readonly steps: readonly { readonly uses?: string; readonly run?: string; readonly env?: object }[];
  };
}

const action = parse(readFileSync(join(project, 'action.yml'), 'utf8')) as Action;
const [hook] = parse(readFileSync(join(project, '.pre-commit-hooks.yaml'), 'utf8')) as readonly {
  readonly entry: string;
  readonly files: string;
}[];
let folder: string;

const stack = (port: string, more = '') => `services:
  app:
    image: x
    deploy:
      labels:
        com.docker.lb.hosts: app.example.org
        com.docker.lb.port: "${port}"
${more}`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pipeline-'));
  writeFileSync(join(folder, 'good.yml'), stack('8080'));
  writeFileSync(join(folder, 'bad.yml'), stack('x'));
  writeFileSync(join(folder, 'typo.yml'), stack('8080', '        com.docker.lb.ip_hahs: "1"\n'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Exit code and output of a command in a repository of a user. */
async function result(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { exitCode, all } = await execa(file, args, { cwd: folder, env, all: true, reject: false });
  return { code: exitCode, output: all };
}

describe('the action', () => {
  const lint = action.runs.steps.at(-1)!.run!;
  const inputs = (given: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(action.inputs).map(([name, input]) => [name.toUpperCase(), given[name] ?? input.default ?? '']),
    );
  const check = (given: Readonly<Record<string, string>>) =>
    result('bash', ['-eo', 'pipefail', '-c', lint], { GITHUB_ACTION_PATH: project, ...inputs(given) });

  it('pins the action that it uses, and passes inputs as variables, not into the script', () => {
    for (const { uses } of action.runs.steps) if (uses !== undefined) expect(uses).toMatch(/@v\d+\.\d+\.\d+$/);
    expect(lint).not.toContain('${{');
    expect(Object.keys(action.runs.steps.at(-1)!.env!)).toEqual(
      Object.keys(action.inputs).map((name) => name.toUpperCase()),
    );
  });

  it('accepts correct files, also several', async () => {
    expect((await check({ files: 'good.yml' })).code).toBe(0);
    expect((await check({ files: 'good.yml typo.yml' })).code).toBe(0);
  });

  it('fails with an error at its line, and with strict for a warning', async () => {
    const { code, output } = await check({ files: 'bad.yml' });
    expect(code).toBe(1);
    expect(output).toContain('::error file=bad.yml,line=7');
    expect((await check({ files: 'typo.yml', strict: 'true' })).code).toBe(1);
  });

  it('checks the settings as well', async () => {
    writeFileSync(join(folder, 'config.toml'), 'PollInterval = "soon"\n');
    expect((await check({ files: 'good.yml', settings: 'config.toml' })).output).toContain('file=config.toml');
  });
});

describe('the hook', () => {
  const check = (...files: readonly string[]) => result(join(project, hook!.entry), files);

  it.each([
    ['stack.yml', true],
    ['deploy/docker-compose.prod.yaml', true],
    ['compose.yml', true],
    ['config.yml', false],
    ['stack.json', false],
  ])('selects %s: %s', (path, isSelected) => {
    expect(new RegExp(hook!.files).test(path)).toBe(isSelected);
  });

  it('checks each file on its own, and fails if one has an error', async () => {
    expect((await check('good.yml', 'typo.yml')).code).toBe(0);
    const { code, output } = await check('bad.yml', 'good.yml');
    expect(code).toBe(1);
    expect(output).toContain('is not a whole number');
  });
});
