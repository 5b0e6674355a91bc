import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { sortFindings } from '../../src/compose/finding.ts';
import { lintStack } from '../../src/compose/lint.ts';
import { loadStack } from '../../src/compose/load.ts';
import { convertFiles, type SystemName, systems } from '../../src/convert/convert.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';

const folder = new URL('../convert/', import.meta.url);
const systemNames = Object.keys(systems) as SystemName[];
const cases = systemNames.flatMap((system) =>
  readdirSync(new URL(system, folder))
    .filter((file) => file.endsWith('.yml'))
    .map((file) => `${system}/${file}`),
);
const textOf = (file: string) => readFileSync(new URL(file, folder), 'utf8');

function convert(file: string, { replaces = false } = {}) {
  const system = file.split('/')[0] as SystemName;
  const { files, findings } = convertFiles([{ name: file, text: textOf(file) }], system, replaces);
  return { text: files[0]!.text, findings };
}

/** As a reader sees it: what was converted, and what was not. */
function shown(file: string): string {
  const { text, findings } = convert(file);
  const listed = sortFindings(findings, [file]).map(
    ({ place, severity, label, reason, remedy }) =>
      `# ${place.line}:${place.column} ${severity}: ${label} ${reason}. ${remedy}\n`,
  );
  return text + listed.join('');
}

function lint(text: string) {
  const variables = (name: string) => (name === 'DOMAIN' ? 'portainer.example.org' : undefined);
  const loaded = loadStack([{ name: 'stack.yml', text }], { variables, stackName: 'stack', fallbackName: 'stack' });
  const { settings } = parseSettings(
    {
      Extensions: { default: { PublishMode: 'host' } },
      Acme: { le: { Directory: 'https://acme.example.org/', Email: 'ops@example.org', AcceptTerms: true } },
    },
    '',
  );
  return lintStack({ ...loaded, settings, problems: [], placeOf: undefined }, ['stack.yml']);
}

describe.each(cases)('%s', (file) => {
  it('is converted, and what is lost is listed', async () => {
    await expect(shown(file)).toMatchFileSnapshot(`../convert/${file.replace('.yml', '.converted')}`);
  });

  it('keeps everything else, with their labels and without', () => {
    const keeps = (text: string) =>
      text
        .split('\n')
        .filter((line) => !/com\.docker\.lb|^\s*deploy:$|^\s*labels:$/.test(line))
        .join('\n');

    expect(keeps(convert(file).text)).toBe(keeps(textOf(file)));
    expect(parse(convert(file, { replaces: true }).text)).toBeTruthy();
  });

  it('has no label that Signalbox rejects', () => {
    const found = lint(convert(file, { replaces: true }).text);
    const errors = found.filter(({ severity, reason }) => severity === 'error' && !reason.endsWith('does not exist'));

    expect(errors).toEqual([]);
  });

  it('is not changed by a second conversion without their labels', () => {
    const { text } = convert(file, { replaces: true });

    expect(convertFiles([{ name: file, text }], file.split('/')[0] as SystemName, true)).toMatchObject({
      files: [{ text }],
      findings: [],
    });
  });
});

describe('a file that cannot be changed line by line', () => {
  it.each([
    ['an alias', 'x: &l\n  a: b\nservices:\n  web:\n    deploy:\n      labels: *l\n'],
    ['a merge', 'x: &l\n  a: b\nservices:\n  web:\n    deploy:\n      labels:\n        <<: *l\n        c: d\n'],
    ['a list in one line', 'services:\n  web:\n    deploy:\n      labels: [traefik.enable=true]\n'],
  ])('stays as it is: %s', (_, text) => {
    const { files, findings } = convertFiles([{ name: 'a.yml', text }], 'traefik', true);

    expect(files).toEqual([{ name: 'a.yml', text }]);
    expect(findings).toMatchObject([{ severity: 'error', service: 'web', remedy: 'Write one entry per line.' }]);
  });

  it('is reported if it is not YAML', () => {
    const { files, findings } = convertFiles([{ name: 'a.yml', text: 'a: [' }], 'traefik', false);

    expect(files).toEqual([{ name: 'a.yml', text: 'a: [' }]);
    expect(findings).toMatchObject([{ severity: 'error', place: { file: 'a.yml', line: 1 } }, ...findings.slice(1)]);
  });
});

it('a router may use a middleware of a service in another file', () => {
  const web =
    'services:\n  web:\n    deploy:\n      labels:\n        - traefik.http.routers.w.rule=Host(`w.test`)\n        - traefik.http.routers.w.middlewares=gz\n        - traefik.http.services.w.loadbalancer.server.port=80\n';
  const shared = 'services:\n  x:\n    deploy:\n      labels:\n        traefik.http.middlewares.gz.compress: "true"\n';

  const { files, findings } = convertFiles(
    [
      { name: 'web.yml', text: web },
      { name: 'shared.yml', text: shared },
    ],
    'traefik',
    false,
  );

  expect(findings).toEqual([]);
  expect(files.map(({ text }) => text)).toEqual([expect.stringContaining('com.docker.lb.compress=gzip'), shared]);
});

it('a hash of a password is in no finding', () => {
  const findings = ['traefik/basic-auth.yml', 'caddy/basic-auth.yml'].map((file) => convert(file).findings);

  expect(JSON.stringify(findings)).not.toMatch(/apr1|2a\$/);
});
