// The schemas in the language servers that editors use.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labelFamilies } from '../../../src/model/features/features.ts';
import { beginningOf } from '../../../src/model/labels/label.ts';
import { labels } from '../../../src/model/labels/labels.ts';
import { signalbox } from '../../support/command-line.ts';
import { LanguageServer, type Position } from '../../support/language-server.ts';

const modules = new URL('../../../node_modules/', import.meta.url).pathname;
let folder: string;

async function save(name: string, ...args: readonly string[]): Promise<string> {
  const { out } = await signalbox(['schema', ...args]);
  const path = join(folder, name);
  writeFileSync(path, out);
  return path;
}

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'schema-')));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The text without `¦`, and where that was. */
function cursor(marked: string): { readonly text: string; readonly position: Position } {
  const before = marked.slice(0, marked.indexOf('¦')).split('\n');
  return { text: marked.replace('¦', ''), position: { line: before.length - 1, character: before.at(-1)!.length } };
}

function compose(labels: string): string {
  return `services:
  app:
    image: app
    deploy:
      labels:
${labels
  .split('\n')
  .map((line) => `        ${line}`)
  .join('\n')}
`;
}

describe('the schema of compose files, in the YAML language server', () => {
  let server: LanguageServer;
  let documents = 0;

  beforeAll(async () => {
    const path = await save('compose.schema.json', 'compose', '--labels-only');
    const yaml = {
      schemas: { [`file://${path}`]: '*.yml' },
      schemaStore: { enable: false },
      ...{ validate: true, hover: true, completion: true },
    };
    const program = join(modules, 'yaml-language-server/bin/yaml-language-server');
    server = await LanguageServer.start([process.execPath, program, '--stdio'], folder, { yaml });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function open(text: string) {
    const uri = `file://${folder}/${++documents}.yml`;
    return { uri, diagnostics: await server.open(uri, 'yaml', text) };
  }

  it('completes every label', async () => {
    const { text, position } = cursor(compose('com.docker.lb.¦'));
    const { uri } = await open(text);

    const expected = Object.keys(labels).map((name) => `com.docker.lb.${name}`);
    expect(await server.complete(uri, position)).toEqual(expect.arrayContaining(expected));
  });

  it('completes values', async () => {
    const { text, position } = cursor(compose('com.docker.lb.backend_protocol: ¦'));
    const { uri } = await open(text);

    expect(await server.complete(uri, position)).toEqual(expect.arrayContaining(['http', 'grpc']));
  });

  it.each([
    ['a label', 'com.docker.lb.po¦rt: 8080', 'Container port that receives the requests'],
    ['a label of a group', 'com.docker.lb.1.po¦rt: 8080', 'Container port that receives the requests'],
    ['a label of a family', 'com.docker.lb.response_header.X-Fr¦ame-Options: DENY', 'header'],
  ])('describes %s', async (_, label, description) => {
    const { text, position } = cursor(compose(label));
    const { uri } = await open(text);

    expect(await server.hover(uri, position)).toContain(description);
  });

  it('reports a mistyped label, and nothing about others', async () => {
    const known = [
      ...Object.values(labels).map(({ name, example }) => `com.docker.lb.${name}: ${JSON.stringify(example)}`),
      ...Object.values(labels).map(({ name }) => `com.docker.lb.2.${name}: ""`),
      ...labelFamilies.map((family) => `com.docker.lb.${beginningOf(family)}${family.exampleName}: x`),
      'com.docker.lb.ssl_only: true',
      'com.docker.lb.weight: 3',
      'org.example.anything: 1',
    ];
    const unique = known.filter((line, at) => known.findLastIndex((other) => nameOf(other) === nameOf(line)) === at);
    expect((await open(compose(unique.join('\n')))).diagnostics).toEqual([]);

    const { diagnostics } = await open(compose('com.docker.lb.hosts: a.example.org\ncom.docker.lb.prot: 80'));
    expect(diagnostics.map(({ range }) => range.start.line)).toEqual([6]);
  });

  const nameOf = (line: string) => line.split(': ')[0];
});

describe('the schema of settings, in the TOML language server', () => {
  let server: LanguageServer;
  let documents = 0;

  beforeAll(async () => {
    await save('settings.schema.json', 'settings');
    const program = new URL('../../support/taplo.mjs', import.meta.url).pathname;
    const evenBetterToml = { schema: { enabled: true } };
    server = await LanguageServer.start([process.execPath, program], folder, { evenBetterToml });
    // It is compiled first.
  }, 60_000);
  afterAll(() => server[Symbol.asyncDispose]());

  async function open(marked: string) {
    const { text, position } = cursor(`#:schema ./settings.schema.json\n${marked}`);
    const uri = `file://${folder}/${++documents}.toml`;
    writeFileSync(join(folder, `${documents}.toml`), text);
    return { uri, position, diagnostics: await server.open(uri, 'toml', text) };
  }

  it.each([
    ['keys of a service cluster', '[Extensions.default]\nProxyRepl¦', 'ProxyReplicas'],
    ['keys of nginx', '[Extensions.default.Config]\nMaxConn¦', 'MaxConnections'],
    ['tables', '[Ext¦]', 'Extensions'],
    ['labels of a policy', '[Policies.web]\nrate_l¦', 'rate_limit'],
  ])('completes %s', async (_, text, expected) => {
    const { uri, position } = await open(text);

    expect(await server.complete(uri, position)).toContain(expected);
  });

  it('describes a key', async () => {
    const { uri, position } = await open('[Extensions.default]\nProxyRep¦licas = 3\n');

    expect(await server.hover(uri, position)).toContain('Number of proxies');
  });
});
