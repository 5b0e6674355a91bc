import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mergeAnswers, readAnswers } from '../../../src/nginx-text/answers.ts';
import { compareAnswers } from '../../../src/nginx-text/version-changes.ts';

const golden = (name: string) =>
  readAnswers(readFileSync(join(import.meta.dirname, '../../golden', name, 'nginx.conf'), 'utf8'));

function answersOf(name: string): Record<string, string> {
  const lines = compareAnswers(readAnswers(''), golden(name)).lines;
  return Object.fromEntries(lines.map((line) => line.slice(2).split(' → ') as [string, string]));
}

describe('the answers of a configuration', () => {
  it.each<[string, Record<string, string>]>([
    ['context-roots', { 'app.example.org': 'demo_site', 'app.example.org/api': 'demo_api' }],
    ['shared-host', { 'app.example.org': 'demo_v1, demo_v2' }],
    ['maintenance', { 'closed.example.org': 'maintenance', 'old.example.org': 'redirect' }],
    ['tls-terminated', {}],
    ['tcp-ports', {}],
  ])('are read from its text: %s', (name, expected) => {
    expect(answersOf(name)).toMatchObject(expected);
    expect(Object.keys(answersOf(name)).length).toBeGreaterThan(0);
    expect(Object.keys(answersOf(name))).not.toContain('_');
  });

  it('contain ports of connections', () => {
    expect(answersOf('tcp-ports')).toMatchObject({ '5432/tcp': 'db', '6379/tcp': 'cache' });
    expect(answersOf('udp-ports')).toEqual({ '514/udp': 'syslog', '53/tcp': 'dns', '53/udp': 'dns' });
  });

  it('are the same for a text in several files', () => {
    const text = (host: string) => `server { listen 80; server_name "${host}"; location "/" { return 302 "x"; } }`;

    const parts = mergeAnswers([readAnswers(text('a')), readAnswers(text('b'))]);

    expect(compareAnswers(readAnswers(text('a') + text('b')), parts).lines.filter((line) => line[0] !== '~')).toEqual(
      [],
    );
  });

  it('ignore a text that nginx rejects', () => {
    expect(readAnswers('server { listen 80; "').routes.size).toBe(0);
  });
});

describe('changes from one version to another', () => {
  const upstream = (name: string, service: string) =>
    `upstream "${name}" { server "tasks.${service}.apps:80" resolve; }`;
  const server = (host: string, path: string, inside: string) =>
    `server { listen 80; server_name "${host}"; location "${path}" { ${inside} } }`;
  const web = 'aaaaaaaaaaaaaaaa-tasks.shop_web.apps-80';
  const api = 'bbbbbbbbbbbbbbbb-tasks.shop_api.apps-80';
  const all = upstream(web, 'shop_web') + upstream(api, 'shop_api');
  const compare = (before: string, after: string) =>
    compareAnswers(readAnswers(all + before), readAnswers(all + after));

  it('name routes and services', () => {
    const before = server('shop.example.org', '/', `proxy_pass http://${web};`) + server('old', '/', 'return 301 "x";');
    const after =
      server('shop.example.org', '/', `proxy_pass http://${web};`) +
      server('shop.example.org', '/api', `proxy_pass http://${api};`) +
      server('new', '/', `proxy_pass http://${web};`);

    expect(compare(before, after)).toEqual({
      appear: ['new'],
      disappear: ['old'],
      lines: ['+ new → shop_web', '− old → redirect', '+ shop.example.org/api → shop_api'],
    });
  });

  it('are another service, other options, or something common', () => {
    const one = server('a', '/', `proxy_pass http://${web};`);
    expect(compare(one, server('a', '/', `proxy_pass http://${api};`)).lines).toEqual(['~ a: shop_web → shop_api']);
    expect(compare(one, server('a', '/', `proxy_read_timeout 5s; proxy_pass http://${web};`)).lines).toEqual([
      '~ a → shop_web: other options',
    ]);
    expect(compare(one, `gzip on; ${one}`).lines).toEqual(['~ settings, or definitions that several routes share']);
    expect(compare(one, one).lines).toEqual([]);
  });
});
