import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll } from 'vitest';
import { project } from '../../bed/places.ts';
import { launchBrowser } from './browser.ts';

export async function buildPage(folder: string): Promise<void> {
  const configFile = join(project, 'src/ui/vite.config.ts');
  await build({ configFile, logLevel: 'warn', build: { outDir: folder, emptyOutDir: true } });
}

/** For a block of tests: a folder with the page, built before them, and a browser, available from the first test on. */
export function builtPage(): { readonly folder: string; readonly browser: Browser } {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-page-'));
  let browser: Browser | undefined;

  beforeAll(async () => {
    await buildPage(folder);
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  return {
    folder,
    get browser() {
      return browser!;
    },
  };
}
