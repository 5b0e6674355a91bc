// What the documents say exists: commands, options, labels, settings and links.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml, stringify } from 'yaml';
import { packageVersion } from '../../../bed/images.ts';
import { run } from '../../../bed/shell.ts';
import { commands } from '../../../src/cli/commands.ts';
import { acmeKeys } from '../../../src/model/acme/keys.ts';
import { labelFamilies } from '../../../src/model/features/features.ts';
import { labels } from '../../../src/model/labels/labels.ts';
import { coreKeys, extensionKeys, nginxKeys, oidcKeys } from '../../../src/model/settings/keys.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { webhookKeys } from '../../../src/model/settings/webhooks.ts';
import { signalbox } from '../../support/command-line.ts';
import {
  type Block,
  blocksOf,
  brokenLinks,
  commandsOf,
  documents,
  inlineCode,
  readDocument,
  signalboxCalls,
} from '../../support/documents.ts';

const shells = ['sh', 'console', 'bash'];
const guides = documents.filter((path) => !path.startsWith('src/') && path !== 'CHANGELOG.md');
const blocks = (path: string, ...languages: string[]): Block[] =>
  blocksOf(readDocument(path)).filter(({ language }) => languages.includes(language));

describe.each(documents)('%s', (path) => {
  it('links to files and headings that exist', () => {
    expect(brokenLinks(path)).toEqual([]);
  });

  it('has shell blocks that parse', async () => {
    for (const { language, text, line } of blocks(path, ...shells)) {
      const script = text.replaceAll(/^\$ /gm, '');
      await run(language === 'bash' ? 'bash' : 'sh', ['-n'], { input: script }).catch((error) =>
        expect.fail(`line ${line}: ${error}`),
      );
    }
  });
});

describe.each(guides)('%s', (path) => {
  it('uses commands and options of signalbox that exist', () => {
    const lines = [
      ...blocks(path, ...shells).flatMap(({ text }) => commandsOf(text)),
      ...inlineCode(readDocument(path)),
    ];

    expect(lines.flatMap(signalboxCalls).flatMap(faultOfCall)).toEqual([]);
  });

  it('uses npm scripts that exist', () => {
    const { scripts } = JSON.parse(readDocument('package.json')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const used = [...readDocument(path).matchAll(/\bnpm run (?:--silent )?([a-z:]+)/g)].map(([, name]) => name!);

    expect([...used.filter((name) => scripts[name] === undefined)]).toEqual([]);
  });

  it('names labels that exist', () => {
    const used = [...readDocument(path).matchAll(/com\.docker\.lb\.((?:\d+\.)?[A-Za-z_]+(?:\.[<A-Za-z][\w<>-]*)?)/g)];
    const unknown = used.map(([, name]) => name!).filter((name) => !isLabel(name));

    expect(unknown.filter((name) => !notLabels.includes(name))).toEqual([]);
  });

  it('has settings that are valid', () => {
    for (const { text, line } of blocks(path, 'toml')) {
      const { problems } = parseSettings(parseToml(text), packageVersion());
      const errors = problems.filter(({ severity }) => severity === 'error');
      expect(errors, `line ${line}`).toEqual([]);
    }
  });

  it('names settings that exist', () => {
    const used = inlineCode(readDocument(path)).flatMap((code) => /^([A-Z]\w+) = \S/.exec(code)?.[1] ?? []);

    expect(used.filter((key) => !settingsKeys.has(key))).toEqual([]);
  });

  it('has compose files without errors', async () => {
    for (const { text, line, mark } of blocks(path, 'yaml')) {
      const compose = toCompose(text);
      if (compose === undefined) continue;
      const file = join(folder, 'compose.yml');
      const settings = join(folder, 'config.toml');
      writeFileSync(file, compose);
      writeFileSync(settings, blocks(path, 'toml').findLast((block) => block.line < line)?.text ?? '');
      const withSettings = mark === 'with the settings above' ? ['--settings', settings] : [];
      const { code, out, err } = await signalbox(['lint', '--stack', 'docs', ...withSettings, file]);
      expect(code, `line ${line}:\n${out}${err}`).toBe(0);
    }
  });
});

it('a call of signalbox with a wrong command or option is found', () => {
  const faults = (line: string) => signalboxCalls(line).flatMap(faultOfCall);

  expect(faults('(umask 077; npx signalbox tokens create prometheus --days 365 >token)')).toEqual([]);
  expect(faults('A=b npx signalbox lnt x.yml && signalbox lint --formt github x.yml')).toEqual([
    'There is no command lnt',
    'lint has no option --formt',
  ]);
  expect(faults('docker stack deploy -c stack.yml signalbox')).toEqual([]);
});

it('a link to a file, heading or image that does not exist is found', () => {
  const text =
    '[a](tls.md#top) [b](tls.md#tls) [c](no.md) [d](../README.md) [e](https://example.org/no.md) <img src="no.png">';

  expect(brokenLinks('docs/limits.md', text)).toEqual(['tls.md#top', 'no.md', 'no.png']);
});

it('the guides install the version of package.json', () => {
  for (const path of ['README.md', 'docs/guides/install.md', 'docker/demo/stack.yml']) {
    const versions = [...readDocument(path).matchAll(/signalbox\/\w+:(?:\$\{SIGNALBOX_VERSION:-)?(\d[\w.-]*)/g)];
    expect(versions.length, path).toBeGreaterThan(0);
    expect(new Set(versions.map(([, version]) => version)), path).toEqual(new Set([packageVersion()]));
  }
});

it('the README is short', () => {
  expect(readDocument('README.md').split('\n').length).toBeLessThanOrEqual(151);
});

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-documents-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Mistakes that the documents show on purpose, and a prefix. */
const notLabels = ['defaul_backend', 'hots', 'tls', 'name', 'x'];

const settingsKeys = new Set(
  [acmeKeys, webhookKeys, coreKeys, extensionKeys, nginxKeys, oidcKeys].flatMap((keys) => Object.keys(keys)),
);

function isLabel(name: string): boolean {
  const bare = name.replace(/^\d+\./, '');
  const families = labelFamilies.map((family) => family.name.replace(/<Name>$/, ''));
  return bare in labels || families.some((prefix) => bare.startsWith(prefix));
}

function faultOfCall([name = '', ...words]: readonly string[]): string[] {
  if (name === '' || name.startsWith('-') || ['help', '<command>', '…'].includes(name)) return [];
  const command = commands.find((one) => one.name === name);
  if (command === undefined) return [`There is no command ${name}`];
  const options = words.flatMap((word) => /^\[?--([a-z-]+)/.exec(word)?.[1] ?? []);
  return options
    .filter((option) => command.options[option] === undefined && option !== 'help')
    .map((option) => `${name} has no option --${option}`);
}

/** A compose file, or a part of a service with what it refers to. Other YAML is none. */
function toCompose(text: string): string | undefined {
  const document = parseYaml(text) as Readonly<Record<string, unknown>> | null;
  if (document === null || typeof document !== 'object') return undefined;
  if ('services' in document) return text;
  if (!('deploy' in document)) return undefined;
  const secrets = [...text.matchAll(/ssl_\w*(?:cert|key|ca): (\S+)/g)].map(([, name]) => [name, { external: true }]);
  return stringify({ services: { app: { image: 'app', ...document } }, secrets: Object.fromEntries(secrets) });
}
