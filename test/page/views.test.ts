// Every view in each of its states, as people see it: light and dark, wide and narrow. Pictures are kept in test/artefacts/page.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { project } from '../../bed/places.ts';
import {
  browserPath,
  complaints,
  expectAccessible,
  expectNoOverflow,
  keepPicture,
  launchBrowser,
  logInto,
  openWindow,
  type Scheme,
  sizes,
} from '../support/browser.ts';
import { aService } from '../support/builders.ts';
import { aBusyDay, PageWorld, passwords } from '../support/page-world.ts';

describe.skipIf(browserPath === undefined)('The page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-page-'));
  let browser: Browser;

  beforeAll(async () => {
    const configFile = join(project, 'src/ui/vite.config.ts');
    await build({ configFile, logLevel: 'warn', build: { outDir: folder, emptyOutDir: true } });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Looks for faults in the view, and keeps pictures of it in both sizes. */
  async function expectWell(page: Page, name: string, scheme: Scheme): Promise<void> {
    await expectAccessible(page);
    for (const size of ['narrow', 'wide'] as const) {
      await page.setViewportSize(sizes[size]);
      await expectNoOverflow(page);
      await keepPicture(page, `${name}-${scheme}-${size}`);
    }
  }

  it.each(['light', 'dark'] as const)('is readable in its views, %s', async (look) => {
    await using world = await PageWorld.open(folder);
    await aBusyDay(world);
    const page = await openWindow(browser, look);
    const complained = complaints(page);
    await page.goto(world.url);
    await page.getByLabel('Password').waitFor();
    await expectWell(page, 'login', look);
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.getByLabel('HTTP port').waitFor();
    await expectWell(page, 'overview', look);
    await page.goto(`${world.url}/#/routes?url=shop.example.org/api/cart`);
    await page.getByText('shop_api, by the route').waitFor();
    await expectWell(page, 'routes', look);
    await page.goto(`${world.url}/#/problems`);
    await page.getByText('Did you mean com.docker.lb.context_root?').waitFor();
    await expectWell(page, 'problems', look);
    await page.goto(`${world.url}/#/configuration`);
    await page.getByText('worker_processes').waitFor();
    await expectWell(page, 'configuration', look);
    await page.getByLabel('Compare with').selectOption({ index: 1 });
    await page.getByText('equal lines').first().waitFor();
    await expectWell(page, 'comparison', look);
    await page.goto(`${world.url}/#/maintenance`);
    await page.getByText('metrics.example.org').waitFor();
    await expectWell(page, 'maintenance', look);
    expect(complained).toEqual([]);
  });

  it('is well without anything to show', async () => {
    await using world = await PageWorld.open(folder);
    const page = await openWindow(browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    for (const [view, title] of [
      ['routes', 'No routes yet'],
      ['problems', 'Nothing to mend'],
      ['maintenance', 'Everything is open'],
    ] as const) {
      await page.goto(`${world.url}/#/${view}`);
      await page.getByRole('heading', { name: title }).waitFor();
      await expectWell(page, `${view}-empty`, 'light');
    }
  });

  it('says so when the controller is in trouble, or away', async () => {
    await using world = await PageWorld.open(folder);
    await aBusyDay(world);
    const page = await openWindow(browser, 'dark');
    await logInto(page, world.url, 'admin', passwords.admin);
    world.disguise = (state) => ({ ...state, error: 'List services: connect ECONNREFUSED' });
    await world.look();
    await page.getByText('The controller cannot do its work.').waitFor();
    await expectWell(page, 'overview-trouble', 'dark');
    await world.close();
    await page.getByText('No connection to the controller.').waitFor();
    await page.getByText('Disconnected').waitFor();
    await expectWell(page, 'overview-disconnected', 'dark');
    await world.serve();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.getByText('No connection to the controller.').count()).toBe(0);
  });

  it('follows what happens without being loaded again', async () => {
    await using world = await PageWorld.open(folder);
    const page = await openWindow(browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.getByRole('link', { name: 'Routes' }).first().click();
    await page.getByRole('heading', { name: 'No routes yet' }).waitFor();
    await world.deploy(1000, aService('first'), aService('second'));
    await page.getByText('second.example.org').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('second');
    await page.getByText('1 of 2 routes').waitFor();
    expect(await page.getByText('first.example.org').count()).toBe(0);
    expect(page.url()).toContain('filter=second');
  });

  it('shows a viewer nothing that changes anything', async () => {
    await using world = await PageWorld.open(folder);
    await aBusyDay(world);
    const page = await openWindow(browser, 'light');
    await logInto(page, world.url, 'viewer', passwords.viewer);
    await page.getByText('may only look').waitFor();
    for (const view of ['overview', 'routes', 'problems', 'configuration', 'maintenance']) {
      await page.goto(`${world.url}/#/${view}`);
      await page.getByRole('heading', { level: 1, name: view }).waitFor();
      await page.getByText(view === 'configuration' ? 'worker_processes' : 'Log out').waitFor();
      const changing = page.getByRole('button', { name: /turn|change|roll back|release|close|open/i });
      expect(await changing.count(), view).toBe(0);
    }
  });

  it('says why it lets nobody in, and asks again when a session is over', async () => {
    await using world = await PageWorld.open(folder);
    const page = await openWindow(browser, 'light');
    await page.goto(world.url);
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('Name or password are wrong.').waitFor();
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Password').waitFor();
    await page.reload();
    await page.getByLabel('Password').waitFor();
  });

  it('is worked with the keyboard alone', async () => {
    await using world = await PageWorld.open(folder);
    await aBusyDay(world);
    const page = await openWindow(browser, 'dark');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.getByRole('button', { name: 'Turn off…' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    // A closed dialog has no role any more, even while the page still has it.
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Turn off…');
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Turn off' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Off', exact: true }).waitFor();
    await expectWell(page, 'overview-off', 'dark');
  });
});
