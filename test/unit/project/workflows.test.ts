// Workflows for the public host: what can be checked without it.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { project } from '../../../bed/places.ts';
import { run } from '../../../bed/shell.ts';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, { readonly 'timeout-minutes'?: number; readonly steps: readonly Step[] }>>;
}

const folder = join(project, '.github/workflows');
const workflows = readdirSync(folder).map((name) => ({
  name,
  workflow: parse(readFileSync(join(folder, name), 'utf8')) as Workflow,
}));

describe.each(workflows)('$name', ({ workflow }) => {
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  it('pins actions to a version, runs with read permissions, and ends', () => {
    for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/^[\w-]+\/[\w-]+@v\d+\.\d+\.\d+$/);
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(workflow.jobs)) expect(job['timeout-minutes']).toBeGreaterThan(0);
  });

  it('runs scripts that exist', () => {
    const scripts = steps.flatMap(({ run }) => run?.match(/\.ci\/[\w-]+/g) ?? []);

    expect(scripts).toContain('.ci/run');
    for (const script of scripts) expect(existsSync(join(project, script)), script).toBe(true);
  });
});

it('The release workflow scans each image that it publishes', () => {
  const published = /^group "default" \{\s*targets = \[(.*)\]/m.exec(
    readFileSync(join(project, 'docker-bake.hcl'), 'utf8'),
  )?.[1];
  const release = workflows.find(({ name }) => name === 'release.yml')!.workflow;
  const scanned = Object.values(release.jobs)
    .flatMap((job) => job.steps)
    .filter(({ uses }) => uses?.startsWith('anchore/scan-action@'))
    .map((step) => `"${/\/(\w+):/.exec(String(step.with?.image))?.[1]}"`);

  expect(scanned.join(', ')).toBe(published);
});

it('The stack file of a release names the images that the release publishes', async () => {
  const steps = workflows.flatMap(({ workflow }) => Object.values(workflow.jobs).flatMap((job) => job.steps));
  const create = steps.find((step) => step.run?.includes('gh release create'))?.run;
  expect(create).toContain('.ci/release-stack "$REGISTRY" >release/stack.yml\n');
  expect(create).toMatch(/gh release create .* release\/stack\.yml config\.toml release\/monitoring\.tar\.gz\n$/);

  const stack = await run(join(project, '.ci/release-stack'), ['ghcr.io/example/signalbox']);
  const { services } = parse(stack) as { services: Record<string, { image: string; environment?: object }> };

  expect(Object.values(services).map(({ image }) => image)).toEqual(
    Array(2).fill(expect.stringMatching(/^\$\{SIGNALBOX_REGISTRY:-ghcr\.io\/example\/signalbox\}\/controller:/)),
  );
  expect(services.controller?.environment).toMatchObject({
    SIGNALBOX_REGISTRY: expect.stringContaining(':-ghcr.io/example/signalbox}'),
  });
});

it('The monitoring files of a release link to the documentation of that release', async () => {
  const source = 'https://example.org/signalbox';
  const script = '"$1" "$2" v1.2.3 | tar -xzO monitoring/alerts.yml; "$1" "$2" v1.2.3 | tar -tz';
  const written = await run('bash', ['-ec', script, 'sh', join(project, '.ci/release-monitoring'), source]);

  expect(written).toContain(`runbook_url: ${source}/blob/v1.2.3/docs/problems.md#`);
  expect(written).not.toContain('runbook_url: docs/');
  for (const name of ['monitoring.yml', 'monitoring/prometheus.yml', 'monitoring/dashboard.json'])
    expect(written.split('\n')).toContain(name);
});

it('.ci/release-stack fails for a name that is no registry', async () => {
  await expect(run(join(project, '.ci/release-stack'), ['a|b'])).rejects.toThrow('a|b is no registry');
});

describe('.ci/release-notes', () => {
  const files = mkdtempSync(join(tmpdir(), 'signalbox-notes-'));
  const changelog = join(files, 'CHANGELOG.md');
  const manifest = join(files, 'package.json');
  writeFileSync(
    changelog,
    '# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-01-02\n\n### Added\n\n- One.\n\n## [0.1.0]\n',
  );
  afterAll(() => rmSync(files, { recursive: true, force: true }));

  const notes = (tag: string, version: string) => {
    writeFileSync(manifest, `{\n  "version": "${version}",\n  "private": true\n}\n`);
    return run(join(project, '.ci/release-notes'), [tag, changelog, manifest]);
  };

  it('prints the section of the release', async () => {
    expect(await notes('v0.2.0', '0.2.0')).toBe('### Added\n\n- One.\n');
  });

  it('fails without notes, and for another version than that of package.json', async () => {
    await expect(notes('v0.1.0', '0.1.0')).rejects.toThrow('has no notes for 0.1.0');
    await expect(notes('v0.2.0', '0.1.0')).rejects.toThrow('has another version than the tag v0.2.0');
  });
});
