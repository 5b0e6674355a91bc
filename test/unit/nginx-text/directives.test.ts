import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { blocks, directives } from '../../../src/nginx-text/directives.ts';
import { httpLimits } from '../../../src/render/limits.ts';
import { templateTexts } from '../../support/golden.ts';

/** Directive names in a template, each on a separate line, possibly after tags. Excludes entries of `map` and `geo`. */
function namesIn(template: string): string[] {
  let isBetweenEntries = false;
  return template.split('\n').flatMap((line) => {
    const [, name, end] = /^\s*(?:\{\{[^}]*\}\}\s*)*([a-z][a-z0-9_]*)(?:\s.*?)?([;{])?$/.exec(line) ?? [];
    if (line.trim() === '}') isBetweenEntries = false;
    if (name === undefined || end === undefined || isBetweenEntries) return [];
    isBetweenEntries = name === 'map' || name === 'geo';
    return end === '{' ? `${name} {` : name;
  });
}

const { settings } = parseSettings({}, '1');

describe('the list of allowed directives', () => {
  const used = new Set([
    ...Object.values(templateTexts).flatMap(namesIn),
    ...httpLimits(settings.clusters[0]!.nginx).map((line) => line.split(' ')[0]!),
    // Names set by code.
    'ip_hash',
    'hash',
    'random',
  ]);
  const listed = [...Object.keys(directives), ...Object.keys(blocks).map((name) => `${name} {`), 'include', 'set'];

  it('has what our templates write', () => {
    const missing = [...used].filter((name) => !listed.includes(name));
    expect(missing).toEqual([]);
  });

  it('has nothing else', () => {
    expect(listed.filter((name) => !used.has(name))).toEqual([]);
  });

  it.each([
    'alias',
    'root',
    'load_module',
    'js_import',
    'perl',
    'proxy_store',
    'env',
    'working_directory',
    'user',
    'ssl_engine',
    'rewrite',
    'ssl_client_certificate',
    'ssl_trusted_certificate',
    'autoindex',
    'dav_methods',
  ])('has no %s', (name) => {
    expect(listed).not.toContain(name);
    expect(listed).not.toContain(`${name} {`);
  });
});
