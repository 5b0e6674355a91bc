// npm run screenshots: writes docs/images. The page is real, its swarm is in memory.
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ensureBrowser } from '../bed/browser.ts';
import { project } from '../bed/places.ts';
import { runCommand, StepFailed, step } from '../bed/step.ts';

const folder = join(project, 'docs/images');
const maximumBytes = 150_000;

/** By name: the address of a view, and a text that shows that it is complete. */
const views = {
  overview: ['#/overview', 'Time to live'],
  routes: ['#/routes?url=shop.example.org/api/cart', 'shop_api receives'],
  configuration: ['#/configuration', 'worker_processes'],
} as const;

async function take(page: Page, name: string): Promise<void> {
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  const { size } = statSync(path);
  if (size > maximumBytes) throw new StepFailed(`${path} has ${size} bytes.`, `Show less: at most ${maximumBytes}.`);
}

await runCommand(async () => {
  await step('browser', ensureBrowser);
  // Looks for the browser when it is imported.
  const { launchBrowser, logInto, openWindow } = await import('../test/support/browser.ts');
  const { buildPage } = await import('../test/support/built-page.ts');
  const { aBusyDay, PageWorld, passwords } = await import('../test/support/page-world.ts');
  const built = mkdtempSync(join(tmpdir(), 'signalbox-page-'));
  mkdirSync(folder, { recursive: true });
  await step('page', () => buildPage(built));
  await using browser = await launchBrowser();
  await using world = await PageWorld.open(built);
  await aBusyDay(world);
  // Two quiet hours: the last check is now.
  await world.deploy(2 * 3_600_000);
  for (const scheme of ['light', 'dark'] as const) {
    const page = await openWindow(browser, scheme);
    await page.setViewportSize({ width: 1280, height: 800 });
    await logInto(page, world.url, 'admin', passwords.admin);
    for (const [view, [address, text]] of Object.entries(views)) {
      await step(`${view}-${scheme}`, async () => {
        await page.goto(`${world.url}/${address}`);
        await page.getByText(text).first().waitFor();
        await take(page, `${view}-${scheme}`);
      });
    }
  }
  rmSync(built, { recursive: true, force: true });
  return 0;
});
