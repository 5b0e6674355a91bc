import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { findBrowser } from '../../bed/browser.ts';
import { project } from '../../bed/places.ts';

/** The system's Chromium. If it is missing, tests that need it are skipped. */
export const browserPath = await findBrowser();
if (browserPath === undefined) console.warn('No Chromium on this machine: tests of the page are skipped.');

export async function launchBrowser(): Promise<Browser> {
  // Containers do not support its sandbox, and have little shared memory.
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  return chromium.launch({ executablePath: browserPath!, args, timeout: 120_000 });
}

export const sizes = { wide: { width: 1280, height: 860 }, narrow: { width: 320, height: 700 } } as const;
export type Scheme = 'light' | 'dark';

/** A window on the page. Browser errors fail the test that checks for them. */
export async function openWindow(browser: Browser, scheme: Scheme): Promise<Page> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    colorScheme: scheme,
    viewport: sizes.wide,
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(60_000);
  return context.newPage();
}

/** Browser messages that only a fault of the page causes: blocked by its policy, or thrown. */
export function complaints(page: Page): string[] {
  const messages: string[] = [];
  page.on('pageerror', ({ message }) => messages.push(message));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) messages.push(message.text());
  });
  return messages;
}

export async function logInto(page: Page, url: string, user: string, password: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
}

export async function keepPicture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(project, 'test/artifacts/page', `${name}.png`), fullPage: true });
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  readonly violations: readonly { id: string; impact: string | null; nodes: readonly { target: unknown }[] }[];
}

/** Accessibility: axe finds no serious fault. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe);
  const { violations } = (await page.evaluate('axe.run()')) as AxeResult;
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => [id, nodes.map(({ target }) => target)])).toEqual([]);
}

/** Nothing is wider than the window. */
export async function expectNoOverflow(page: Page): Promise<void> {
  expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0);
}
