import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type LastGood, loadSettings } from '../../../src/controller/settings-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Stores one text, as the Docker config does. */
function memory(kept?: string): LastGood & { kept: string | undefined } {
  return {
    kept,
    async load() {
      return this.kept;
    },
    async save(text) {
      this.kept = text;
    },
  };
}

async function load(text: string, lastGood: LastGood) {
  const path = join(folder, 'config.toml');
  writeFileSync(path, text);
  const { settings, problems } = await loadSettings(path, '1.0.0', lastGood);
  return { replicas: settings.clusters[0]?.settings.ProxyReplicas, problems };
}

const good = '[Extensions.default]\nProxyReplicas = 5\n';

describe('a settings file', () => {
  it('without mistakes is used, and stored', async () => {
    const lastGood = memory();

    expect(await load(good, lastGood)).toEqual({ replicas: 5, problems: [] });
    expect(lastGood.kept).toBe(good);
  });

  it('with only a notice is used as well', async () => {
    const lastGood = memory(good);
    const text = '[Extensions.default]\nProxyReplicas = 3\nImage = "docker/ucp-interlock-extension:3.2.5"\n';

    expect(await load(text, lastGood)).toMatchObject({ replicas: 3, problems: [{ severity: 'notice' }] });
    expect(lastGood.kept).toBe(text);
  });

  it.each([
    ['[Extensions.default\nProxyReplicas = 3', /^cannot be read: /],
    ['[Extensions.default]\nProxyReplicas = "three"', /number|int/i],
    ['[Extensions.default]\nProxyReplica = 3', /is an unknown setting/],
    ['Extensions = 3', /is not a table/],
    ['[Extensions.default]\nConfig = 3', /is not a table/],
  ])('with a mistake keeps the last valid one in effect, and reports the mistake: %j', async (text, reason) => {
    const lastGood = memory(good);

    const { replicas, problems } = await load(text, lastGood);

    expect(replicas).toBe(5);
    expect(lastGood.kept).toBe(good);
    expect(problems[0]).toMatchObject({ severity: 'error', reason: expect.stringMatching(reason) });
    expect(problems.at(-1)).toMatchObject({ severity: 'notice', reason: expect.stringContaining('last good') });
  });

  it('with a mistake in one key and no previous one applies the other keys', async () => {
    const text = '[Extensions.default]\nProxyReplicas = 3\nPublishedPort = 99999\n';

    expect(await load(text, memory())).toMatchObject({
      replicas: 3,
      problems: [{ label: 'Extensions.default.PublishedPort' }],
    });
  });

  it.each([
    ['[Extensions.default]\n  publishedport = 99999', 2, 3],
    ['[extensions."default"]\n"PublishedPort" = 99999', 2, 1],
    ['Extensions.default.PublishedPort = 99999', 1, 1],
    ['# x\nExtensions = { default = { PublishedPort = 99999 } }', 2, 28],
    ['[Extensions.default]\nProxyReplicas = 1\n[Extensions.default.Config]\nUnknown = 1', 4, 1],
    ['\nUnknown = 1', 2, 1],
    ['[Extensions.default]\nProxyReplicas = 3 3', 2, 19],
    ['[[Extensions.default]]\nProxyReplicas = 3', 1, 1],
    ['\n[Extensions."a b"]', 2, 1],
  ])('with a mistake reports the line and the column: %j', async (text, line, column) => {
    const { problems } = await load(text, memory());

    expect(problems[0]?.place).toEqual({ file: join(folder, 'config.toml'), line, column });
  });
});
