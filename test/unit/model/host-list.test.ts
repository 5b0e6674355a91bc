import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitHosts } from '../../../src/model/hosts/host-list.ts';
import { labels } from '../../../src/model/labels/labels.ts';

describe('a list of hosts', () => {
  it.each([
    ['', []],
    [' , ,', []],
    ['a.example, b.example', ['a.example', 'b.example']],
    [String.raw`~^app\d{1,3}\.example\.org$`, [String.raw`~^app\d{1,3}\.example\.org$`]],
    [String.raw`a.example,~^app\d{1,3}$,b.example`, ['a.example', String.raw`~^app\d{1,3}$`, 'b.example']],
    [` ~^a{2,}$ , ~^b{1,2}(?:c|d){0,1}$`, ['~^a{2,}$', '~^b{1,2}(?:c|d){0,1}$']],
    ['~^[a,b]$,c.example', ['~^[a,b]$', 'c.example']],
    ['~^[(,]$,c.example', ['~^[(,]$', 'c.example']],
    ['~^(a,b)$,c.example', ['~^(a,b)$', 'c.example']],
    [String.raw`~^a\{1,c.example`, [String.raw`~^a\{1`, 'c.example']],
    [String.raw`~^a\,b.example`, [String.raw`~^a\,b.example`]],
    // Only expressions have brackets, and unbalanced ones do not hide the entries after them.
    ['a{1,b.example', ['a{1', 'b.example']],
    ['~^(a,b.example,c.example', ['~^(a', 'b.example', 'c.example']],
  ])('%j is split into %j', (text, entries) => {
    expect(splitHosts(text)).toEqual(entries);
  });

  it('keeps every entry, whatever is beside it', () => {
    const name = fc.constantFrom('a.example', '*.b.example', 'c.example');
    const atom = fc.constantFrom('a', String.raw`\d{1,3}`, '(?:x|y)', '[a-z]{2,}', String.raw`\.`, '(q|r)?', 'x{3}');
    const expression = fc.array(atom, { minLength: 1, maxLength: 4 }).map((atoms) => `~^${atoms.join('')}$`);
    fc.assert(
      fc.property(
        fc.array(fc.oneof(name, expression), { maxLength: 6 }),
        fc.constantFrom(',', ', ', ' ,,'),
        (all, by) => {
          expect(splitHosts(all.join(by))).toEqual(all);
        },
      ),
    );
  });

  it.each([String.raw`~^app\d{1,3}\.example\.org$`, '~^a{2,}$'])('accepts the expression %j', (text) => {
    expect(labels.hosts.schema.parse(text)).toMatchObject([{ host: { kind: 'regex' } }]);
  });

  it('reports one entry for an unsafe expression', () => {
    expect(labels.hosts.schema.parse('~^(a{1,2})+$,b.example')).toMatchObject([
      { text: '~^(a{1,2})+$', host: expect.any(String) },
      { host: { name: 'b.example' } },
    ]);
  });
});
