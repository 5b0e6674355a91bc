// The requests of all hosts, of one host, and without any. Screenshots are kept in test/artifacts/page.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import {
  browserPath,
  complaints,
  expectAccessible,
  expectNoOverflow,
  keepPicture,
  logInto,
  openWindow,
  sizes,
} from '../support/browser.ts';
import { builtPage } from '../support/built-page.ts';
import { eventually } from '../support/eventually.ts';
import { aBusyDay, PageWorld, passwords } from '../support/page-world.ts';
import { aBusyHour, aReport, aRow } from '../support/reported-traffic.ts';

/** Of all scripts of the page together. */
const MOST_SCRIPT_BYTES = 120 * 1024;

describe.skipIf(browserPath === undefined)('The view of requests', () => {
  const built = builtPage();

  it.each(['light', 'dark'] as const)('is readable, %s', async (look) => {
    await using world = await PageWorld.open(built.folder);
    await aBusyDay(world);
    aBusyHour(world.traffic);
    const page = await openWindow(built.browser, look);
    const complained = complaints(page);
    const views = [
      ['traffic', '#/traffic', 'Last server errors'],
      ['traffic-host', '#/traffic?cluster=default&host=shop.example.org&range=1h', 'Tasks'],
    ] as const;
    await logInto(page, world.url, 'admin', passwords.admin);
    for (const [name, hash, heading] of views) {
      await page.goto(`${world.url}/${hash}`);
      await page.getByRole('heading', { name: heading }).waitFor();
      await expectAccessible(page);
      for (const size of ['narrow', 'wide'] as const) {
        await page.setViewportSize(sizes[size]);
        await expectNoOverflow(page);
        await keepPicture(page, `${name}-${look}-${size}`);
      }
    }
    expect(complained).toEqual([]);
  });

  it('leads from everything to a host and its tasks', async () => {
    await using world = await PageWorld.open(built.folder);
    await aBusyDay(world);
    aBusyHour(world.traffic);
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'viewer', passwords.viewer);
    await page.getByRole('link', { name: 'Traffic' }).click();
    await page.getByRole('link', { name: 'shop.example.org', exact: true }).click();
    await page.getByText('on worker2').waitFor();
    expect(page.url()).toContain('host=shop.example.org');
    await page.getByRole('link', { name: '10.0.1.6:8080' }).click();
    await page.getByRole('link', { name: 'shop.example.org', exact: true }).waitFor();
    expect(page.url()).toContain('task=10.0.1.6');
  });

  it('reads the values of a step with the keyboard and the pointer', async () => {
    await using world = await PageWorld.open(built.folder);
    await aBusyDay(world);
    world.traffic.record('default', aReport([aRow('shop.example.org', { ok: 50 })], { age: 60_000 }));
    world.traffic.tick();
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.goto(`${world.url}/#/traffic?range=5m`);
    await page.getByText('50 in total').waitFor();
    const chart = page.getByRole('slider', { name: 'Requests' });
    await chart.focus();
    // New steps move the others to the left meanwhile.
    await eventually(async () => expect(await valuesByKeyboard(page, chart)).toContain('2xx 10/s'));
    await page.keyboard.press('Escape');
    await page.getByText('last step').first().waitFor();
    await chart.hover({ position: { x: 200, y: 80 } });
    expect(await chart.locator('line.chart-cursor').count()).toBe(1);
  });

  it('updates live', async () => {
    await using world = await PageWorld.open(built.folder);
    await aBusyDay(world);
    world.traffic.record('default', aReport([aRow('shop.example.org', { ok: 1 })], { age: 20_000 }));
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.goto(`${world.url}/#/traffic`);
    await page.getByText('1 in total').waitFor();
    world.traffic.record('default', aReport([aRow('shop.example.org', { ok: 41 })], { age: 5000 }));
    await page.getByText('42 in total').waitFor();
  });

  it('explains that there is nothing yet', async () => {
    await using world = await PageWorld.open(built.folder);
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.goto(`${world.url}/#/traffic`);
    await page.getByText('No request was answered with 5xx').waitFor();
    await expectAccessible(page);
    await keepPicture(page, 'traffic-empty-light-wide');
  });

  it('keeps the scripts of the page small', () => {
    const folder = join(built.folder, 'assets');
    const scripts = readdirSync(folder).filter((file) => file.endsWith('.js'));
    const bytes = scripts.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(MOST_SCRIPT_BYTES);
  });
});

/** The values of all steps, from the first one to the last. */
async function valuesByKeyboard(page: Page, chart: Locator): Promise<string> {
  const values: (string | null)[] = [];
  await page.keyboard.press('Home');
  const last = Number(await chart.getAttribute('aria-valuemax'));
  for (let step = 0; step <= last; step += 1) {
    await expect.poll(() => chart.getAttribute('aria-valuenow')).toBe(String(step));
    values.push(await chart.getAttribute('aria-valuetext'));
    await page.keyboard.press('ArrowRight');
  }
  return values.join('\n');
}
