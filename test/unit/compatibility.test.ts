import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { labelFamilies } from '../../src/model/features/features.ts';
import { LABEL_PREFIX } from '../../src/model/labels/label.ts';
import { labels } from '../../src/model/labels/labels.ts';
import { coreKeys, extensionKeys, nginxKeys } from '../../src/model/settings/keys.ts';

const root = new URL('../../', import.meta.url);
const document = readFileSync(new URL('docs/interlock-compatibility.md', root), 'utf8');
const keys = { ...coreKeys, ...extensionKeys, ...nginxKeys };

const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);

const rows = document.split(/^#+ /m).flatMap((section) =>
  [...section.matchAll(/^\| (.+?) \| ([a-z ]+) \| (.*?) ?\|$/gm)].map(([, subject = '', verdict = '', how = '']) => ({
    table: section.split('\n')[0]!,
    subject,
    names: quoted(subject),
    verdict,
    how,
  })),
);
const cases = rows.filter(({ table }) => table === 'Acceptance cases');
const namesIn = (table: string) => rows.filter((row) => row.table === table).flatMap(({ names }) => names);

describe('the compatibility table', () => {
  it.each([...Object.values(labels), ...labelFamilies].map(({ name }) => LABEL_PREFIX + name))(
    'has a row for the label %s',
    (label) => {
      expect(namesIn('Labels')).toContain(label);
    },
  );

  it.each([
    ['Top level', coreKeys],
    ['`[Extensions.<name>]`', extensionKeys],
    ['`[Extensions.<name>.Config]`', nginxKeys],
  ])('has a row for each key of the settings: %s', (table, definitions) => {
    expect(namesIn(table)).toEqual(expect.arrayContaining(Object.keys(definitions)));
  });

  it('marks exactly those keys as ignored that the code does not use', () => {
    const unused = Object.entries(keys).filter(([, { description }]) =>
      description.startsWith('Accepted and not used'),
    );
    const notKept = rows.filter(({ verdict }) => verdict === 'not kept').flatMap(({ names }) => names);

    expect(notKept.filter((name) => name in keys).toSorted()).toEqual(unused.map(([name]) => name).toSorted());
  });

  it('gives a status for everything, and a reason if it differs from Interlock', () => {
    for (const { subject, verdict, how } of rows) {
      expect(['works', 'differs', 'not kept', 'ours'], subject).toContain(verdict);
      if (verdict === 'differs' || verdict === 'not kept') expect(how, subject).not.toBe('');
    }
  });

  it.each(cases.map(({ subject, how }) => [subject, quoted(how)] as const))(
    'names a test file that covers %s',
    (name, stories) => {
      expect(stories).not.toEqual([]);
      for (const story of stories) {
        const file = new URL(`test/swarm/${story}.test.ts`, root);
        expect(existsSync(file), story).toBe(true);
        expect(readFileSync(file, 'utf8'), story).toMatch(new RegExp(`['"](?:[A-Z]\\d, )*${name}[,:]`));
      }
    },
  );
});
