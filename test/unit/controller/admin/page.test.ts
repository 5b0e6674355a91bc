import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { servePage } from '../../../../src/controller/admin/page.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'page-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<title>Signalbox</title>');
  writeFileSync(join(folder, 'assets/index-1a2b.js'), 'render()');
});

afterEach(() => rmSync(folder, { recursive: true }));

it('Browsers cache files with a digest in their name, and revalidate the page', async () => {
  const app = new Hono().get('*', servePage(folder)!);
  const page = await app.request('/');
  expect([await page.text(), page.headers.get('cache-control')]).toEqual(['<title>Signalbox</title>', 'no-cache']);
  const asset = await app.request('/assets/index-1a2b.js');
  expect([await asset.text(), asset.headers.get('cache-control')]).toEqual(['render()', 'max-age=31536000, immutable']);
  for (const path of ['/assets/gone.js', '/../package.json', '/..%2fpackage.json']) {
    const { status, headers } = await app.request(path);
    expect([status, headers.get('cache-control')], path).not.toContain('max-age=31536000, immutable');
    expect(status, path).toBe(404);
  }
});

it('There is no page if none was built', () => {
  expect(servePage(join(folder, 'nowhere'))).toBeUndefined();
});
