import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchTemplates } from '../../../src/extension/templates.ts';
import { type LogLine, sink } from '../../support/controller-world.ts';
import { eventually } from '../../support/eventually.ts';
import { render, templateTexts } from '../../support/golden.ts';
import { renderBeside } from '../../support/hostile-swarm.ts';

const { input } = renderBeside({ 'com.docker.lb.hosts': 'app.example.org', 'com.docker.lb.port': '80' }).clusters[0]!;

describe('a folder of templates', () => {
  let folder: string;
  const stop = new AbortController();

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'templates-'));
    cpSync(new URL('../../../templates', import.meta.url), folder, { recursive: true });
  });
  afterEach(() => {
    stop.abort();
    rmSync(folder, { recursive: true });
  });

  it('is reloaded while it is edited, and a template that does not compile keeps the last valid ones in effect', async () => {
    const logs: LogLine[] = [];
    const source = await watchTemplates(folder, pino(sink(logs)), stop.signal);
    const path = join(folder, 'nginx.conf.hbs');
    const before = source.version;

    writeFileSync(path, `# edited\n${templateTexts['nginx.conf']}`);
    await eventually(async () => expect(source.version).not.toBe(before));
    expect(source.render(input).files[0]!.text).toMatch(/^# edited\n/);

    const edited = source.version;
    writeFileSync(path, '{{#if broken}}');
    await eventually(async () => expect(logs.map(({ level }) => level)).toContain(40));
    expect(source.version).toBe(edited);
    expect(source.render(input).files[0]!.text).toMatch(/^# edited\n/);
  });
});

it('documents every field that templates can use', () => {
  const template = '{{> status}}\n{{#each this}}\n#field {{@key}}\n{{/each}}';
  const { text } = render({ ...input, template }).files[0]!;
  const document = readFileSync(new URL('../../../docs/template.md', import.meta.url), 'utf8');
  const fields = [...text.matchAll(/^#field (\w+)$/gm)].map(([, name]) => `\`${name}\``);

  expect(fields.length).toBeGreaterThan(8);
  expect(fields.filter((field) => !document.includes(field))).toEqual([]);
});
